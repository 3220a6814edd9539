/** Kinds of events, at most 32, in the upper bits of what the agenda carries; the rest is a handle. */
export const EVENT = {
  /** A client's message arrives at the pooler. */
  arrive: 0,
  /** A server's answer arrives at the pooler. */
  answer: 1,
  /** A server connection is up and logged in, or refused by the database. */
  connect: 2,
  /** A reset or a check has been answered. */
  tested: 3,
  /** A client logs in. */
  login: 4,
  /** A client's Terminate arrives. */
  leave: 5,
  /** A session arrives from outside. */
  arrival: 6,
  /** The core's maintenance is due. */
  tick: 7,
  /** A look at the run: a SAMPLE. */
  sample: 8,
  /** The measured window begins (0) or ends (1). */
  window: 9,
  /** A job of the database's cores is done, or begins to need them. */
  cores: 10,
  /** The database fails, or comes back. */
  fault: 11,
  /** A user behind an application's pool asks for a connection. */
  ask: 12,
  /** A connection of such a pool is free, or has idled. */
  free: 13,
  /** A user has waited too long for one. */
  expire: 14,
  /** A client's own timeout. */
  impatient: 15,
  /** A waiter looks for a server by itself. */
  seek: 16,
  /** The pooler has read a client's message; a server's answer. */
  read: 17,
  reply: 18,
  /** A client has found no pooler to connect to. */
  refused: 19,
  /** A cancel request is heard by the database; the client's ROLLBACK after it, and its answer. */
  strike: 20,
  rollback: 21,
  rolledBack: 22,
  /** The login of a connection is over that was opened for a cancel request and not needed for it. */
  loggedIn: 23,
  /** A cancel request for what runs on a connection of an application's pool arrives at the pooler. */
  cancel: 24,
} as const;

/** Bits of a handle. */
export const SHIFT = 26;
