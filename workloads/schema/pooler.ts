/**
 * The `pooler` section of a workload file: what the pooler is like beyond its settings. None of it is
 * PgBouncer's, or an ini's: it says how many processes there are, what a message costs them, and, for
 * comparison with other poolers, in which order those that wait are served.
 */
import { ConfigError } from "../../engine/config/index.ts";
import { MICROSECOND, MILLISECOND, type Nanos } from "../../engine/core/index.ts";
import type { WorkloadFile } from "./file.ts";
import type { At } from "./server.ts";
import { duration } from "./units.ts";
import type { PoolerModel } from "./workload.ts";

/** From a signal to a coroutine of another thread that runs; a guess, as no pooler says. */
const WAKE_UP: Nanos = 100 * MICROSECOND;
/** Source: pgagroal src/libpgagroal/pool.c, pgagroal_get_connection(): "Sleep for 500ms". */
const SLEEP: Nanos = 500 * MILLISECOND;

/** Errors: ConfigError for a time that nothing has a use for, or that is 0. `peers`: the ini has [peers]. */
export function poolerOf(
  { pooler, schedule = [] }: WorkloadFile,
  peers: boolean,
  at: At,
): PoolerModel | undefined {
  if (pooler === undefined) return undefined;
  const { discipline = "fifo", processes = 1 } = pooler;
  const several = processes > 1 || schedule.some(({ fault }) => fault === "pooler_takeover");
  const peering = peeringOf(pooler, several, peers, at);
  const only = (name: "wake_up" | "sleep", of: string): Nanos | undefined => {
    const written = pooler[name];
    if (written === undefined) return undefined;
    const place = { at: at("pooler", name), name: `pooler.${name}` };
    if (discipline !== of)
      throw new ConfigError({
        ...place,
        problem: `is of no use to discipline ${discipline}`,
        expected: `discipline: ${of} beside it`,
        fix: "remove it",
      });
    const time = duration(written) as Nanos;
    if (time > 0) return time;
    throw new ConfigError({ ...place, got: String(written), expected: "a duration above 0" });
  };
  return {
    discipline,
    wake_up: only("wake_up", "race") ?? WAKE_UP,
    sleep: only("sleep", "poll") ?? SLEEP,
    processes,
    ...(peering !== undefined && { peering }),
    cpu_per_message: duration(pooler.cpu_per_message ?? 0) ?? 0,
  };
}

function peeringOf(
  { peering }: NonNullable<WorkloadFile["pooler"]>,
  several: boolean,
  peers: boolean,
  at: At,
): Nanos | undefined {
  if (peering === undefined) return peers && several ? 0 : undefined;
  if (several) return duration(peering);
  throw new ConfigError({
    at: at("pooler", "peering"),
    name: "pooler.peering",
    problem: "is of no use to one process",
    expected: "processes: 2 or more beside it",
    fix: "remove it",
  });
}
