/** The sockets that the pooler listens on, as others than their owner see them. */

/** One of them. */
export interface Door {
  readonly descriptor: number;
  readonly unix: boolean;
  readonly address: string;
  readonly port: number;
}

/** All of them. */
export interface DoorsRole {
  readonly doors: readonly Door[];
  /** They are systemd's: they stay with this process, and who can reach them is not for us to say. */
  readonly passed: boolean;
  /** Another process has them: listens no more, but leaves everything as it stands. */
  letGo(): void;
  /** It has given up: listens again. Errors: OutsideError when that cannot be done within seconds. */
  takeBack(): Promise<void>;
}
