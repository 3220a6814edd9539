/**
 * The figures of a run, in the order in which they are reported: name, text, interval, and what each
 * means. Terminal tables and HTML pages are made from this one list.
 */
import type { Interval95, Run, Wait } from "../study/results/index.ts";
import { counted, nounFor } from "../study/words.ts";
import { digits, duration, durations, memory, NOTHING, percent, whole } from "./units.ts";

/** One line of a report. */
export interface Figure {
  name: string;
  /** The figure of each run, in a common unit. */
  texts(runs: readonly Run[]): string[];
  /** The 95 % interval of one run; a dash where none is estimated. */
  interval(run: Run): string;
  meaning: string;
}

/** All figures that `run` has; what the workload does not have is left out. */
export function figuresOf(run: Run): Figure[] {
  return [
    ...FIGURES,
    ...(run.clients_waiting.logins === undefined ? [] : LOGIN_FIGURES),
    ...(run.app_wait_ms === undefined ? [] : APP_FIGURES),
    ...(run.cores === undefined ? [] : CORES_FIGURES),
    ...(run.pooler === undefined || run.pooler.cpu_per_message_us === 0 ? [] : POOLER_FIGURES),
    ...(run.retries === undefined ? [] : IMPATIENT_FIGURES),
    ...(run.pooler?.cancel_requests === undefined ? [] : REQUEST_FIGURES),
  ];
}

type Measure = (run: Run) => number;

function time(
  name: string,
  value: Measure,
  meaning: string,
  interval: (run: Run) => Interval95 | undefined = () => undefined,
): Figure {
  return {
    name,
    texts: (runs) => durations(runs.map((run) => (hasTimes(run) ? value(run) : Number.NaN))),
    interval: (run) => between(interval(run), durations),
    meaning,
  };
}

/** A queue that never settles has no wait of its own, and no transaction has none. */
export const hasTimes = ({ unsteady, transactions }: Run): boolean =>
  unsteady === undefined && transactions > 0;

function figure(
  name: string,
  value: Measure,
  text: (value: number) => string,
  meaning: string,
  interval: (run: Run) => Interval95 | undefined = () => undefined,
): Figure {
  return {
    name,
    texts: (runs) => runs.map((run) => text(value(run))),
    interval: (run) => between(interval(run), (values) => values.map(text)),
    meaning,
  };
}

/** `1.10 .. 1.30 ms`: both ends in one unit, which is said once. */
export function between(
  interval: Interval95 | undefined,
  texts: (values: readonly number[]) => string[],
): string {
  if (interval == null) return NOTHING;
  const [low, high] = texts(interval) as [string, string];
  const [number, unit] = split(low);
  return `${unit === split(high)[1] ? number : low} .. ${high}`;
}

/** A figure as its number and its unit. */
function split(text: string): [number: string, unit: string] {
  const end = text.search(/[^-+.,\d]/);
  return end < 0 ? [text, ""] : [text.slice(0, end), text.slice(end)];
}

const FIGURES: Figure[] = [
  time(
    "wait, mean",
    (run) => run.wait_ms.mean,
    "for a server connection, over all transactions",
    (run) => run.wait_ms.mean_ci95,
  ),
  time(
    "wait, p50",
    (run) => run.wait_ms.p50,
    "half of them wait no longer",
    (run) => run.wait_ms.p50_ci95,
  ),
  time(
    "wait, p95",
    (run) => run.wait_ms.p95,
    "1 in 20 waits longer",
    (run) => run.wait_ms.p95_ci95,
  ),
  time(
    "wait, p99",
    (run) => run.wait_ms.p99,
    "1 in 100 waits longer",
    (run) => run.wait_ms.p99_ci95,
  ),
  time("wait, longest", (run) => run.wait_ms.max, "the worst of all"),
  figure(
    "waited at all",
    (run) => run.wait_probability,
    percent,
    "share of transactions that found no idle server",
    (run) => run.wait_probability_ci95,
  ),
  time(
    "response, mean",
    (run) => run.response_ms.mean,
    "whole transaction, as the client sees it",
    (run) => run.response_ms.mean_ci95,
  ),
  time(
    "response, p95",
    (run) => run.response_ms.p95,
    "1 in 20 takes longer",
    (run) => run.response_ms.p95_ci95,
  ),
  time(
    "response, p99",
    (run) => run.response_ms.p99,
    "1 in 100 takes longer",
    (run) => run.response_ms.p99_ci95,
  ),
  figure(
    "throughput",
    (run) => run.throughput_tps,
    (value) => `${digits(value)}/s`,
    "transactions completed",
    (run) => run.throughput_tps_ci95,
  ),
  figure(
    "pool in use",
    (run) => run.utilization,
    percent,
    "server connections linked to a client / pool size",
  ),
  figure(
    "clients waiting, mean",
    (run) => run.clients_waiting.mean,
    digits,
    "cl_waiting over time",
  ),
  figure("clients waiting, most", (run) => run.clients_waiting.max, digits, "longest queue"),
  figure(
    "server connections, mean",
    (run) => run.server_connections.mean,
    digits,
    "open over time",
  ),
  figure("server connections, most", (run) => run.server_connections.max, digits, "open at once"),
  figure(
    "server connections, opened",
    (run) => run.server_connections.opened,
    digits,
    "a replication, after the warm-up",
  ),
  figure(
    "multiplexing",
    // A queue that never settles has as many clients as time was simulated for.
    (run) => (run.unsteady === undefined ? run.multiplexing : Number.NaN),
    digits,
    "served clients per server connection",
  ),
  figure("memory", (run) => run.memory_mb, memory, "of the database, for the most connections"),
  figure(
    "timeouts",
    (run) => run.timeouts,
    whole,
    "ended by a timeout, of the pooler or of the client",
  ),
  figure("refused", (run) => run.refused, whole, "clients turned away by a limit"),
];

const LOGIN_FIGURES: Figure[] = [
  figure(
    "waiting at login, mean",
    (run) => run.clients_waiting.logins ?? 0,
    digits,
    "clients waiting to be let in: their pool has had no server yet",
  ),
];

const appWait = (pick: (wait: Wait) => number): Measure => {
  return (run) => (run.app_wait_ms === undefined ? Number.NaN : pick(run.app_wait_ms));
};

const APP_FIGURES: Figure[] = [
  time(
    "app pool wait, mean",
    appWait((wait) => wait.mean),
    "inside the application, before the pooler",
  ),
  time(
    "app pool wait, p99",
    appWait((wait) => wait.p99),
    "1 in 100 waits longer there",
  ),
];

const ofCores = (pick: (cores: NonNullable<Run["cores"]>) => number): Measure => {
  return (run) => (run.cores === undefined ? Number.NaN : pick(run.cores));
};

const CORES_FIGURES: Figure[] = [
  figure(
    "cores busy",
    ofCores((cores) => cores.speed),
    digits,
    "work of the database at a time, in cores",
  ),
  figure(
    "statements on them, mean",
    ofCores((cores) => cores.mean),
    digits,
    "that share the cores over time",
  ),
  figure(
    "statements on them, most",
    ofCores((cores) => cores.max),
    digits,
    "at once",
  ),
  figure(
    "stretched",
    ofCores((cores) => cores.stretch),
    (value) => `${digits(value)} x`,
    "how many times longer than alone the work takes",
  ),
  figure(
    "wasted statements",
    ofCores((cores) => cores.wasted),
    digits,
    "a replication: finished when nobody waited for them any more",
  ),
];

const ofPooler = (pick: (pooler: NonNullable<Run["pooler"]>) => number): Measure => {
  return (run) => (run.pooler === undefined ? Number.NaN : pick(run.pooler));
};

const POOLER_FIGURES: Figure[] = [
  figure(
    "pooler at work",
    ofPooler((pooler) => pooler.utilization),
    percent,
    "part of the time that its processes read messages",
  ),
  time(
    "message wait, mean",
    ofPooler((pooler) => pooler.message_wait_ms),
    "of each request and answer for the pooler's process; beside the waits above",
  ),
  time(
    "message wait, longest",
    ofPooler((pooler) => pooler.message_wait_max_ms),
    "the worst of all",
  ),
];

type Requests = NonNullable<NonNullable<Run["pooler"]>["cancel_requests"]>;
const ofRequests = (pick: (requests: Requests) => number): Measure =>
  ofPooler(({ cancel_requests: each }) => (each === undefined ? Number.NaN : pick(each)));

const REQUEST_FIGURES: Figure[] = [
  figure(
    "cancels handed on",
    ofRequests((requests) => requests.forwarded),
    whole,
    "reached another process than their client's, which knows its peers",
  ),
  figure(
    "cancels lost",
    ofRequests((requests) => requests.lost),
    whole,
    "reached another process, and no statement ended",
  ),
];

const IMPATIENT_FIGURES: Figure[] = [
  figure("retries", (run) => run.retries ?? 0, whole, "attempts at transactions that had failed"),
  figure("given up", (run) => run.given_up ?? 0, whole, "transactions that were never completed"),
];

/** What a run and a validation say of their pools. */
type Configured = Pick<Run, "pool_mode" | "pool_size" | "pools" | "pooler">;

/** `12 server connections`, and what the pooler is like otherwise: `in each of 4 processes, lifo`. */
function connectionsOf({ pool_size, pools, pooler }: Configured): string {
  const processes = pooler?.processes ?? 1;
  const discipline = pooler?.discipline ?? "fifo";
  const each = processes > 1 ? ` in each of ${processes} processes` : "";
  const size = pools === undefined ? serversText(pool_size) : severalOf(pools);
  return `${size}${each}${discipline === "fifo" ? "" : `, ${discipline}`}`;
}

/** PgBouncer's 0 is no limit. */
const sizeText = (size: number): string => (size === 0 ? "unlimited" : `${size}`);

const serversText = (size: number): string =>
  `${sizeText(size)} server ${nounFor(size, "connection")}`;

type Pools = NonNullable<Run["pools"]>;

/** Pools that are named one by one; more of them are counted. */
const NAMED_POOLS = 4;

/** `pools of 15 (api) and 5 (jobs) server connections`. */
function severalOf(pools: Pools): string {
  const sizes = pools.map((pool) => pool.pool_size);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  const alike = least === most && !areMixed(pools);
  if (alike) return `${pools.length} pools of ${serversText(least)}`;
  if (pools.length > NAMED_POOLS)
    return `${pools.length} pools of ${least === most ? "" : `${sizeText(least)} to `}${serversText(most)}`;
  const names = pools.map((pool) => `${sizeText(pool.pool_size)} (${labelOf(pool, pools)})`);
  return `pools of ${names.slice(0, -1).join(", ")} and ${names.at(-1)} server connections`;
}

function labelOf({ database, user, pool_mode }: Pools[number], pools: Pools): string {
  const shared = pools.filter((pool) => pool.database === database).length > 1;
  const name = shared ? `${database}/${user}` : database;
  return areMixed(pools) ? `${name}, ${pool_mode} mode` : name;
}

const areMixed = (pools: Pools): boolean => new Set(pools.map((pool) => pool.pool_mode)).size > 1;

/** `session mode`; undefined where the pools of a run have several. */
export function modeOf({ pool_mode, pools = [] }: Configured): string | undefined {
  return areMixed(pools) ? undefined : `${pool_mode} mode`;
}

/** `session mode, 12 server connections`; of pools in several modes each is named. */
export function configurationOf(run: Configured): string {
  const mode = modeOf(run);
  return mode === undefined ? connectionsOf(run) : `${mode}, ${connectionsOf(run)}`;
}

/** `session, 12`, for columns and legends; of a few pools each size: `session, 15 + 5`. */
export function shortOf({ pool_mode, pool_size, pools = [] }: Configured): string {
  const several = pools.length > 1 && pools.length <= NAMED_POOLS;
  const sizes = several
    ? pools.map((pool) => sizeText(pool.pool_size)).join(" + ")
    : sizeText(pool_size);
  return `${pool_mode}, ${sizes}`;
}

/** How the simulation was done, in one line that is enough to repeat it. */
export function provenance(run: Run, seed: number, precision: number | undefined): string {
  const each = run.replications > 0 ? run.simulated_s / run.replications : 0;
  const runs = counted(run.replications, "replication");
  const aim = precision === undefined ? "" : `; ${aimText(run.precise, precision)}`;
  const warmup = run.warmup_s > 0 ? ` after ${duration(run.warmup_s * 1000)} of warm-up` : "";
  return `seed ${seed}; ${runs} of ${duration(each * 1000)}${warmup}; ${whole(run.transactions)} ${nounFor(run.transactions, "transaction")}${aim}`;
}

function aimText(precise: boolean, precision: number): string {
  const aim = `intervals within ${percent(precision)}`;
  return precise ? aim : `${aim} NOT reached`;
}
