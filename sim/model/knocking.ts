/**
 * Clients that wait to be let in, because their pool has had no server yet. PgBouncer shows them among
 * cl_waiting; they have no transaction that their waiting would belong to, so there are figures for it alone.
 */
import { M, PHASE } from "./population.ts";
import type { Run } from "./run.ts";

/** EFFECT.wait of a client that logs in. */
export function knock(run: Run, client: number): void {
  run.clients.ints[(client << 4) | M.phase] = PHASE.knocking;
  run.waiting.up(run.now);
  run.knocking.up(run.now);
}

/** The client has been let in, or sent away. */
export function heard(run: Run, client: number): void {
  const { ints } = run.clients;
  const phase = (client << 4) | M.phase;
  if (ints[phase] !== PHASE.knocking) return;
  ints[phase] = PHASE.login;
  run.waiting.down(run.now);
  run.knocking.down(run.now);
}
