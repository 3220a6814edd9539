/**
 * Exact answers of queueing theory, against which the simulator is checked and which it prints where
 * they hold: Erlang's open pool, the closed pool of clients that think, deterministic service, and
 * waiters who give up. All of them are first come, first served, with infinite room. Times are in any
 * unit, so long as rates are in its inverse; answers come back in the same unit.
 */
export { type DeterministicPool, deterministicPool } from "./deterministic.ts";
export {
  type ClosedPool,
  closedPool,
  erlangB,
  erlangC,
  type OpenPool,
  openPool,
} from "./exponential.ts";
export {
  type ImpatientLaw,
  type ImpatientPool,
  impatientPool,
  type Patience,
} from "./impatience.ts";
export type { WaitLaw } from "./law.ts";
