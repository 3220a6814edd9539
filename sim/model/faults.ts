/** Faults, and what those of the database have to do with its connections. */
import type { Fault } from "../../workloads/schema/workload.ts";

/**
 * What a connection is when the database dies; `refused`: it is being told that nobody is there; `calling`:
 * nobody has answered yet, and the network goes on trying.
 */
export const LINK = { login: 0, refused: 1, up: 2, calling: 3 } as const;

/** The faults of a run. */
export class Faults {
  readonly list: readonly Fault[];
  /** The fault that lasts; undefined: none. */
  now: Fault | undefined;
  /** Every connection that the pooler has, in the order in which they were opened. */
  readonly links: Map<number, number> = new Map();

  constructor(list: readonly Fault[]) {
    this.list = list;
  }
}
