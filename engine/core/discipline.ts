/**
 * Who of those that wait is served next. PgBouncer's own rule, the oldest waiter, is no object: the core
 * has it built in. The others are for comparison in the simulator; no setting of a pgbouncer.ini leads
 * to them.
 */
import type { List } from "./records.ts";

export interface Discipline {
  /**
   * The waiter who has a server that is free at once; -1: nobody has. Those that wait must then look for
   * themselves (`Core.seek`), and whoever comes meanwhile finds it idle.
   */
  next(waiting: List): number;
  /** Who is told to look (effect `rouse`): the first of the queue when a server is free, or each that waits. */
  readonly rouses: "first" | "each" | "nobody";
}

/** Disciplines by name, PgBouncer's left out. */
export const DISCIPLINES = {
  /** The youngest waiter. */
  lifo: { next: (waiting) => waiting.tail, rouses: "nobody" },
  /**
   * A server that becomes free is idle, and the first waiter is woken to take it, if it is still there by
   * then; else the waiter goes to the end of the queue. Source: Odyssey 1.5.0 sources/router.c,
   * od_router_attach(), od_router_detach(); since 1.5.1 the server is handed on (commit b411dc1d).
   */
  race: { next: () => -1, rouses: "first" },
  /**
   * Waiters sleep and look again, however long that is. Source: pgagroal src/libpgagroal/pool.c,
   * pgagroal_get_connection(): "Sleep for 500ms", then from the start.
   */
  poll: { next: () => -1, rouses: "each" },
} as const satisfies Record<string, Discipline>;
