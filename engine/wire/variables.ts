/** Tracked parameters: what a client wants and what a server has. Signatures first. */

/** The names that are tracked: PgBouncer's five and track_extra_parameters. */
export declare class VariableNames {
  constructor(extra: readonly string[]);
  readonly names: readonly string[];
  /** -1 when not tracked; case does not matter. */
  indexOf(name: string): number;
}
export declare class Variables {
  constructor(names: VariableNames);
  /** False when the name is not tracked. */
  set(name: string, value: string): boolean;
  value(name: string): string | undefined;
  /** Takes from `other` what is not set here. */
  fill(other: Variables): void;
  /** `SET a='b';...` that makes `server` like this client; undefined when nothing differs. */
  difference(server: Variables): string | undefined;
  /** After the SET: takes the server's own spelling of what both have set. */
  adopt(server: Variables): void;
  entries(): [name: string, value: string][];
}
