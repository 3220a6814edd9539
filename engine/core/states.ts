/**
 * The states of a client and of a server, and which moves between them are legal. Everything about
 * moves lives here and in `moves.ts`, the one place that makes them. Source: PgBouncer 1.25.2
 * include/bouncer.h (enum SocketState) and src/objects.c (change_client_state, change_server_state).
 */

/** Client states. `waiting_login` waits for the pool's first server, not for a query's server. */
export const CLIENT = {
  free: 0,
  login: 1,
  active: 2,
  waiting: 3,
  waiting_login: 4,
  waiting_cancel: 5,
  active_cancel: 6,
} as const;

/** Server states under SHOW POOLS' names (`sv_` left out). */
export const SERVER = {
  free: 0,
  login: 1,
  idle: 2,
  active: 3,
  used: 4,
  tested: 5,
  being_canceled: 6,
  active_cancel: 7,
} as const;

export const CLIENT_STATES = Object.keys(CLIENT) as (keyof typeof CLIENT)[];
export const SERVER_STATES = Object.keys(SERVER) as (keyof typeof SERVER)[];

/**
 * What a server does for its client. `idle`, `transaction`, `failed` are ReadyForQuery's I, T, E with
 * nothing outstanding; `busy` means that an answer is still due.
 */
export const STATUS = { idle: 0, transaction: 1, failed: 2, busy: 3 } as const;

const CLIENT_MOVES = {
  free: ["login"],
  login: ["active", "waiting_login", "waiting_cancel", "free"],
  active: ["waiting", "login", "free"],
  waiting: ["active", "free"],
  waiting_login: ["active", "free"],
  waiting_cancel: ["active_cancel", "free"],
  active_cancel: ["free"],
} as const satisfies Record<keyof typeof CLIENT, readonly (keyof typeof CLIENT)[]>;

const SERVER_MOVES = {
  free: ["login"],
  login: ["idle", "active", "active_cancel", "free"],
  idle: ["active", "used", "free"],
  active: ["idle", "used", "tested", "being_canceled", "free"],
  used: ["tested", "idle", "free"],
  tested: ["idle", "being_canceled", "free"],
  being_canceled: ["idle", "used", "tested", "free"],
  active_cancel: ["free"],
} as const satisfies Record<keyof typeof SERVER, readonly (keyof typeof SERVER)[]>;

/** 1 where the move `from * 8 + to` is legal. */
function legal(states: readonly string[], moves: Record<string, readonly string[]>): Uint8Array {
  const table = new Uint8Array(64);
  for (const [from, targets] of Object.entries(moves))
    for (const to of targets) table[states.indexOf(from) * 8 + states.indexOf(to)] = 1;
  return table;
}

export const LEGAL_CLIENT = legal(CLIENT_STATES, CLIENT_MOVES);
export const LEGAL_SERVER = legal(SERVER_STATES, SERVER_MOVES);
