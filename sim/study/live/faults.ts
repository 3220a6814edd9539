/** Faults of a live run: which can be played, and how each is. */
import type { ConfigError } from "../../../engine/config/index.ts";
import { type Nanos, SECOND } from "../../../engine/core/index.ts";
import {
  type Database,
  type PrivateServer,
  type Span,
  until,
  wall,
} from "../../../workloads/database/index.ts";
import { type Breaker, noFault, playedFaults, usesCores } from "../../../workloads/live/index.ts";
import { type Fault, shutdownOf, type Workload } from "../../../workloads/schema/workload.ts";
import type { PoolerSeat } from "./pooler-seat.ts";
import { processesOf } from "./several.ts";

/** What stands beside faults. */
export interface BesideFaults {
  /** Somebody's own database or pooler, as it was named. */
  foreign?: string | undefined;
  /** The measured window. */
  duration: Nanos;
}

/** Whose the database and the pooler are, as `BesideFaults` has it; undefined: the run's own. */
export function foreignOf(running: unknown, database: Pick<Database, "server"> | undefined) {
  if (running !== undefined) return "a pooler that runs already";
  return database?.server === undefined ? "a database that is not private" : undefined;
}

/** Refuses faults that cannot be played. Errors: ConfigError. */
export function checkFaults(workload: Workload, beside: BesideFaults): void {
  for (const fault of playedFaults(workload, beside.duration)) {
    const refusal = refusalOf(workload, fault, beside);
    if (refusal !== undefined) throw refusal;
  }
}

function refusalOf(
  workload: Workload,
  one: Fault,
  { foreign, duration }: BesideFaults,
): ConfigError | undefined {
  const refuse = (...why: [problem: string, expected?: string, fix?: string]): ConfigError =>
    noFault(workload, one, ...why);
  if (foreign !== undefined)
    return refuse(`cannot be played with ${foreign}: what is somebody's own is not broken`);
  if (one.at + one.for > duration) {
    const [problem, end] = ["is not over when the run is", `an end by ${duration / SECOND} s`];
    return refuse(problem, end, "set a longer --duration");
  }
  if (!ofPooler(one)) return undefined;
  if (processesOf(workload) === 1) return undefined;
  const problem =
    "cannot be played with several processes of the pooler: they share a port, on which";
  return refuse(
    `${problem} those that come after them would be dealt clients before their time`,
    "pooler.processes = 1 beside it",
  );
}

/** Whether it is the pooler's, not the database's. */
export const ofPooler = ({ fault }: Fault): boolean => fault.startsWith("pooler_");

/** Refuses what can be played, and not predicted. Errors: ConfigError. */
export function checkPredictableFaults(workload: Workload, duration: Nanos): void {
  const [fault] = playedFaults(workload, duration);
  if (fault !== undefined && usesCores(workload))
    throw noFault(
      workload,
      fault,
      "cannot be predicted with work: cpu",
      "work: sleep, or no fault",
    );
}

/** What is broken: both are the run's own. */
interface Breakable {
  server: PrivateServer | undefined;
  /** The pooler, where it is one process. */
  seat: PoolerSeat;
}

/** Plays them. */
export function breakerOf({ server, seat }: Breakable): Breaker | undefined {
  if (server === undefined) return undefined;
  return {
    prepare: async (fault) => {
      if (ofPooler(fault)) await seat.prepare();
      else if (fault.fault === "failover") await server.prepareFailover();
    },
    play: async (fault, span, signal) => {
      if (fault.fault === "restart") return server.restart(span, signal);
      await PLAYED[fault.fault]({ server, seat }, fault, span, signal);
      return wall() - span.end;
    },
  };
}

type Play = (
  what: { server: PrivateServer; seat: PoolerSeat },
  ...how: [fault: Fault, span: Span, signal: AbortSignal]
) => Promise<void>;

/** Those that are over when they are to be; a restart tells when it was. */
const PLAYED: Record<Exclude<Fault["fault"], "restart">, Play> = {
  stall: ({ server }, _, span, signal) => server.stall(span, signal),
  failover: ({ server }, _, span, signal) => server.failOver(span, signal),
  pooler_restart: ({ seat }, ...how) => restartPooler(seat, ...how),
  pooler_takeover: ({ seat }, ...how) => takeOver(seat, ...how),
};

/** PgBouncer's signals. Source: PgBouncer 1.25.2, doc/usage.md. */
const SIGNALS = {
  immediate: "SIGQUIT",
  wait_for_servers: "SIGINT",
  wait_for_clients: "SIGTERM",
} as const;

async function restartPooler(
  seat: PoolerSeat,
  fault: Fault,
  { begin, end }: Span,
  signal: AbortSignal,
): Promise<void> {
  await until(begin, signal);
  if (signal.aborted) return;
  seat.signal(SIGNALS[shutdownOf(fault)]);
  await until(end, signal);
  await seat.succeed();
}

/** The next one is there before the old one is told to go, so that nobody finds the address empty. */
async function takeOver(
  seat: PoolerSeat,
  fault: Fault,
  { begin, end }: Span,
  signal: AbortSignal,
): Promise<void> {
  await until(begin, signal);
  if (signal.aborted) return;
  const old = await seat.relieve();
  old?.signal(SIGNALS[shutdownOf(fault)]);
  await until(end, signal);
  await old?.kill();
}
