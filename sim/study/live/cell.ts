/** A configuration that is played live, and the database that it is played against. */
import type { PoolMode } from "../../../engine/core/index.ts";
import type { Address } from "../../../workloads/database/dsn.ts";
import type { Database } from "../../../workloads/database/index.ts";

/** One configuration to measure: an entry of the pooler for each pool of the workload. */
export interface Cell {
  /** Starts the entries' names; letters, digits and `_`. */
  name: string;
  pool_mode: PoolMode;
  pool_size: number;
  /** True: each pool keeps the mode and the size that the workload gives it. */
  own?: boolean;
  /** True: what the machine does is measured there, without the limits of the workload's databases. */
  plain?: boolean;
}

/** A database to play against; one with a `server` is private, and may be broken. */
export type Played = Address & Pick<Database, "server">;
