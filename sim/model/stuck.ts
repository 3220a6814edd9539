/**
 * When a run may end although transactions of its window are pending: they wait for server connections that
 * nobody will ever give back, as in session mode without query_wait_timeout. Nothing that is measured can
 * change any more then; to go on until the run's patience is over would be up to a hundred times the work.
 */
import type { Pool } from "../../engine/core/index.ts";
import { M, PHASE } from "./population.ts";
import { isCounted } from "./retries.ts";
import type { Run } from "./run.ts";

/**
 * Whether every pending transaction waits in vain. Whatever might free a server makes it false, be it
 * unlikely: sessions that end, timeouts, clients that give up, faults, a pool that may still open one.
 */
export function stuck(run: Run): boolean {
  return run.faults === undefined && run.kinds.every(staysForEver) && allWait(run) && allHeld(run);
}

/** A client of this kind never leaves by itself. */
function staysForEver({ draws, attempts }: Run["kinds"][number]): boolean {
  return draws.transactions === undefined && draws.duration === undefined && attempts === undefined;
}

/** No transaction of the window is anywhere but in the queue. */
function allWait(run: Run): boolean {
  const { ints } = run.clients;
  const length = ints.length >> 4;
  for (let client = 0; client < length; client++) {
    const phase = ints[(client << 4) + M.phase];
    if (phase === PHASE.asking && isCounted(run, client)) return false;
  }
  return true;
}

/** Where anybody waits, all servers are held, and no more are to be had. */
function allHeld({ core }: Run): boolean {
  if (core.settings.client_idle_timeout > 0) return false;
  return core.pools.every((pool) => pool.waiting.length === 0 || isHeld(pool));
}

function isHeld(pool: Pool): boolean {
  const { active, mode, reserve_size, servers, size } = pool;
  const full = size > 0 && servers >= size + reserve_size && active === servers;
  const { query_wait_timeout, query_timeout, transaction_timeout, idle_transaction_timeout } = pool;
  const timeouts =
    query_wait_timeout + query_timeout + transaction_timeout + idle_transaction_timeout;
  return mode === "session" && full && timeouts === 0;
}
