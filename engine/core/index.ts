/** The public face of the scheduler. */
export { configuredPool } from "./configured-pool.ts";
export { Core } from "./core.ts";
export { DISCIPLINES, type Discipline } from "./discipline.ts";
export { EFFECT, EFFECT_NAMES, type EffectKind, EffectQueue } from "./effects.ts";
export { InvariantError, invariant } from "./errors.ts";
export { INPUT, INPUT_NAMES, type Input, type Tape } from "./inputs.ts";
export {
  JournalError,
  type JournalSink,
  JournalWriter,
  type Replayed,
  replayJournal,
  type TurnHandler,
} from "./journal.ts";
export { OBSTACLE } from "./launching.ts";
export type { Database, Pool, User } from "./pool.ts";
export { REASON, REASON_NAMES, REASONS, type ReasonName } from "./reasons.ts";
export { doubledMemory, type RecordMemory, recordMemory } from "./record-memory.ts";
export {
  type CoreSettings,
  type DatabaseSettings,
  DEFAULTS,
  type GlobalSettings,
  type PeerSettings,
  POOL_MODES,
  type PoolMode,
  type UserSettings,
} from "./settings.ts";
export { CLIENT, CLIENT_STATES, SERVER, SERVER_STATES, STATUS } from "./states.ts";
export { STAT, STAT_NAMES, sumStatistics } from "./statistics.ts";
export { MICROSECOND, MILLISECOND, type Nanos, NEVER, SECOND, START, TICK } from "./units.ts";
export type { CoreOptions } from "./world.ts";
