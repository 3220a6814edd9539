/** The core's inputs by number, as a journal writes them. The order is part of the journal's format. */

export const INPUT = {
  database: 0,
  user: 1,
  accept: 2,
  startup: 3,
  authenticated: 4,
  request: 5,
  abandon: 6,
  disconnect: 7,
  cancel: 8,
  connected: 9,
  loggedIn: 10,
  loginFailed: 11,
  ready: 12,
  closed: 13,
  settle: 14,
  advance: 15,
  pause: 16,
  resume: 17,
  reconnect: 18,
  waitClose: 19,
  kill: 20,
  killClient: 21,
  disable: 22,
  enable: 23,
  shutdown: 24,
  reload: 25,
  /** Not an input: the hash of all effects so far. */
  check: 26,
  lookup: 27,
  lookedUp: 28,
  replicate: 29,
  cancelAtPeer: 30,
  adoptClient: 31,
  adoptServer: 32,
  console: 33,
  closeUnsafe: 34,
  dropLate: 35,
  heard: 36,
  obsolete: 37,
} as const;

export type Input = (typeof INPUT)[keyof typeof INPUT];
export const INPUT_NAMES = Object.keys(INPUT) as (keyof typeof INPUT)[];

/** Something that writes down inputs as they come. */
export interface Tape {
  /** An input at `now` with up to three operands (0 where it has fewer). */
  input(kind: Input, now: number, a: number, b: number, c: number): void;
  /** An input, or the rest of one, that carries a text. */
  name(kind: Input, text: string): void;
}
