/** Why this size, and why none: in words, with the numbers that say so. */
import type { AppPool, ClientKind, Workload } from "../../../workloads/schema/workload.ts";
import { workOnCores } from "../offered.ts";
import { paceOf, rateOf } from "../pace.ts";
import { allHaveOwn, connectionsOf, poolOf, poolsOf } from "../pools.ts";
import type { Run, SloOutcome } from "../results/index.ts";
import { besideLimit, nameOfTerm, ofWhat } from "../slo.ts";
import { counted, nounFor } from "../words.ts";
import { admittedBy, withPoolSize } from "./variants.ts";

type Term = SloOutcome["terms"][number];

const MILLISECOND = 1e6;

/** One sentence or two: how busy, what one connection less would do, and what holds connections. */
export function whySize(workload: Workload, run: Run, less: Run | undefined): string {
  const busy = `${connections(workload, run)} busy ${percent(run.utilization)} of the time`;
  const open = less?.slo?.terms.filter((term) => !(term.met && term.certain)) ?? [];
  const broken = open.find((term) => term.certain) ?? open[0];
  const fewer =
    less === undefined || broken === undefined ? "" : `; with ${less.pool_size} ${shown(broken)}`;
  return `${busy}${fewer}. ${holding(workload)}${sharing(workload, run)}`;
}

/** Of several pools the utilisation is of all of them. */
function connections({ pooler }: Workload, { pool_size, pools }: Run): string {
  if (pools !== undefined) return `All connections of the ${pools.length} pools are`;
  const processes = pooler?.processes ?? 1;
  const where = processes > 1 ? ` in each of ${processes} processes` : "";
  return `${counted(pool_size, "connection")}${where} ${nounFor(pool_size, "is", "are")}`;
}

/** What the clients ask of the cores, and how these slow the statements down. */
function sharing(workload: Workload, { cores }: Run): string {
  const work = workOnCores(workload);
  if (work === undefined || cores === undefined) return "";
  const slower =
    cores.stretch < ALONE ? "hardly longer than" : `${round(cores.stretch)} times as long as`;
  return (
    ` They would bring ${worth(work.offered)}${peak(workload)}; the database does at ` +
    `most ${round(work.capacity)}, and statements take ${slower} alone.`
  );
}

const worth = (cores: number): string =>
  Number.isFinite(cores) ? `${round(cores)} cores' worth of work` : "ever more work";

const peak = ({ schedule, curves }: Workload): string =>
  schedule.length > 0 || curves !== undefined ? " at the peak of the schedule" : "";

/** What is not sure is not said to be over its limit: a note says of that size that it may do as well. */
function shown(term: Term): string {
  const limit = text(term, term.limit);
  if (!term.certain)
    return `${nameOfTerm(term)} is ${beside(term)}, known too little to be sure of its limit of ${limit}`;
  return `${nameOfTerm(term)} would be ${beside(term)}, over its limit of ${limit}`;
}

const standing = (term: Term): string =>
  `${nameOfTerm(term)} is ${beside(term)}, limit ${text(term, term.limit)}`;

const beside = (term: Term): string =>
  besideLimit(term, text(term, term.value), text(term, term.limit)) + ofWhat(term);

const text = ({ unit }: Term, value: number): string =>
  unit === "" ? percent(value) : `${round(value)} ${unit}`;

/** What connections are held for, over all kinds of clients. */
export interface Holding {
  what: string;
  /** Connections in use by it when nobody waits. */
  connections: number;
}

/**
 * Connections in use by each kind of clients and each part of its transactions when nobody waits, by
 * Little's law. The most first.
 */
export function holdings(workload: Workload): Holding[] {
  const parts = workload.clients.flatMap((kind) => partsOf(workload, kind));
  return parts.filter((part) => part.connections > 0).sort((a, b) => b.connections - a.connections);
}

function partsOf(workload: Workload, kind: ClientKind): Holding[] {
  const { name, app_pool } = kind;
  const pace = paceOf(workload, kind);
  const { work, pauses, idle, transactions } = pace;
  const { mode } = poolOf(workload, kind);
  const busy = work + (mode === "statement" ? 0 : pauses);
  const rate = rateOf(kind, pace);
  const held = (what: string, time: number): Holding => ({ what, connections: rate * time });
  // A session has its server from its first transaction on.
  const later = transactions === Number.POSITIVE_INFINITY ? 1 : 1 - 1 / transactions;
  return [
    held(`statements of ${name}`, work),
    // In statement mode nobody holds a connection between statements.
    held(`pauses of ${name} inside transactions`, mode === "statement" ? 0 : pauses),
    mode === "session" && app_pool !== undefined
      ? { what: `${OWN_POOL} of ${name}`, connections: Math.max(0, kept(app_pool) - rate * busy) }
      : held(`thinking of ${name} between transactions`, mode === "session" ? later * idle : 0),
  ];
}

const OWN_POOL = "idle connections of the application's pool";

/** Connections that the application's own pools keep open, and in session mode hold: all, where none is closed. */
function kept({ instances, size, min_size = size, idle_timeout }: AppPool): number {
  return instances * (idle_timeout === undefined ? size : min_size);
}

const ENDLESS = "ever more connections would be in use, for sessions come that never end";

function holding(workload: Workload): string {
  const all = holdings(workload);
  const sum = all.reduce((total, part) => total + part.connections, 0);
  const [first, second] = all;
  if (first === undefined || sum === 0) return "Nobody holds a connection.";
  if (sum === Number.POSITIVE_INFINITY) return `Without any waiting ${ENDLESS}.`;
  const share = (part: Holding): string => `${percent(part.connections / sum)} ${part.what}`;
  const also = second && second.connections > 0.05 * sum ? `, ${share(second)}` : "";
  return `Without any waiting ${round(sum)} would be in use${unchanged(workload)}: ${share(first)}${also}.`;
}

/** The sum is of the load as it stands beside `count` and `arrivals`. */
const unchanged = ({ schedule, curves }: Workload): string =>
  schedule.length > 0 || curves !== undefined ? " at the load that the schedule multiplies" : "";

/** Why even the largest pool is not enough, and what else would be; `looked`: see `whyNoneShared`. */
export function whyNone(
  workload: Workload,
  run: Run,
  largest: number,
  looked?: readonly number[],
): string[] {
  const missed = missedBy(run);
  const upTo = counted(largest, "connection");
  const none =
    looked === undefined
      ? `no pool of up to ${upTo} ${meets(missed)} the objective: `
      : `${cutShort(largest, looked)}; ${run.pool_size} come nearest: `;
  const found = [none + missed.map(standing).join("; "), ...unfinished(run)];
  found.push(...sizedElsewhere(workload));
  if (missed.length > 0 && run.transactions > 0 && missed.every((term) => term.met))
    return [...found, "it is met within the error: what was simulated is too little to be sure"];
  const [first] = holdings(workload);
  found.push(...wantedOf(workload, largest));
  if (missed.some((term) => term.name === "refused"))
    found.push(
      `a limit turns clients away, whatever the pool (${limitsMet(run).join(", ")}): raise it`,
    );
  if (missed.some((term) => term.name === "server_error"))
    found.push(
      "the database refuses server connections, whatever the pool: all pools together may open more than " +
        `max_connections, ${workload.server.max_connections}, or it is down`,
    );
  if (first?.what.startsWith("thinking"))
    found.push(
      "session mode holds connections for clients that think: try pool_mode = transaction",
    );
  if (first?.what.startsWith(OWN_POOL))
    found.push(
      "session mode holds a connection for each of the application's pool: try pool_mode = transaction, " +
        "or a smaller pool there",
    );
  if (first?.what.startsWith("pauses"))
    found.push(
      "most of the time a connection is held for a pause inside a transaction: shorten those",
    );
  if (
    missed.some((term) => term.name.startsWith("response")) &&
    run.wait_ms.p99 < MILLISECOND / 1e6
  )
    found.push(
      "nearly nobody waits: the response is the statements' own time, which no pool changes",
    );
  return found;
}

/** Terms that are missed; where none surely is, also those of which it is not sure that they are met. */
function missedBy({ slo }: Run): Term[] {
  const open = slo?.terms.filter((term) => !(term.met && term.certain)) ?? [];
  const sure = open.some((term) => !term.met && term.certain);
  return sure ? open.filter((term) => !term.met) : open;
}

/** Timeouts that end transactions which have a connection, or never come to wait for one in the pooler. */
const ELSEWHERE = [
  ...["query_timeout", "transaction_timeout", "idle_transaction_timeout"],
  "app_pool_timeout",
];

function unfinished({ transactions, errors, slo }: Run): string[] {
  const late = ELSEWHERE.filter((reason) => (errors[reason] ?? 0) > 0);
  const missed = slo?.terms.some(({ name, met }) => name === "timeouts" && !met) === true;
  return [
    ...(transactions === 0 ? ["not one transaction was completed in the simulated time"] : []),
    ...(late.length > 0 && (missed || transactions === 0)
      ? [`timeouts end transactions, whatever the pool: ${late.join(", ")}`]
      : []),
  ];
}

/** Timeouts drop clients too, and are no limits on how many come in. */
const limitsMet = ({ errors }: Run): string[] =>
  Object.keys(errors).filter((reason) => /^max_.*client/.test(reason));

/** More connections are wanted than limits, or the database, leave all pools together. */
function wantedOf(workload: Workload, largest: number): string[] {
  const wanted = holdings(workload).reduce((sum, part) => sum + part.connections, 0);
  const sized = withPoolSize(workload, largest);
  const processes = workload.pooler?.processes ?? 1;
  const left = connectionsOf(sized) * processes;
  const all = poolsOf(sized).reduce((sum, { size }) => sum + size, 0) * processes;
  const admitted = admittedBy(workload.server);
  const much = `${round(wanted)} connections would be in use if nobody waited; `;
  if (wanted === NO_END) return [ENDLESS];
  if (wanted > left && left < all)
    return [`${much}max_db_connections and max_user_connections leave the pools ${left}`];
  if (wanted <= admitted) return [];
  return [`${much}max_connections of the database admits ${admitted} beside its reserved ones`];
}

const NO_END = Number.POSITIVE_INFINITY;

/** Nothing is claimed of terms whose intervals hold their limits. */
const meets = (missed: readonly Term[]): string =>
  missed.some((term) => !term.met && term.certain) ? "meets" : "surely meets";

/** Pools of clients that `default_pool_size` does not size, and how to size those. */
function sizedElsewhere(workload: Workload): string[] {
  // Where all of them have a size, default_pool_size stands for theirs: see `withPoolSize`.
  if (allHaveOwn(workload, "pool_size")) return [];
  const told = poolsOf(workload).flatMap((pool) => {
    const owner = pool.ownerOf("pool_size");
    if (owner === undefined) return [];
    const { name } = owner.settings;
    const key = `${owner === pool.user ? "users" : "databases"}.${name}.pool_size`;
    return [
      `the pools of ${name} are not sized by default_pool_size, for it has pool_size = ${pool.size} of its ` +
        `own: where its clients wait, try poolwise sweep --vary ${key}=A..B`,
    ];
  });
  return [...new Set(told)];
}

/**
 * Why no pool is enough, neither small nor large, where busy statements share the database's cores.
 * `looked`: the sizes looked at, where the time was up before others were; then nothing is said of those.
 */
export function whyNoneShared(
  workload: Workload,
  run: Run,
  largest: number,
  looked?: readonly number[],
): string[] {
  const missed = missedBy(run);
  const none =
    looked === undefined
      ? `no pool of up to ${counted(largest, "connection")} meets the objective`
      : cutShort(largest, looked);
  const found = [
    `${none}; ${run.pool_size} come nearest: ${missed.map(standing).join("; ")}`,
    ...unfinished(run),
  ];
  const work = workOnCores(workload);
  const { cores } = run;
  if (work === undefined || cores === undefined) return found;
  if (work.offered >= LIMIT * work.capacity || cores.speed >= LIMIT * work.capacity)
    found.push(
      `the cores are the limit: if nobody waited, statements would bring ${worth(work.offered)}` +
        `${peak(workload)}, and the database does at most ${round(work.capacity)}`,
    );
  else if (cores.stretch < ALONE)
    found.push("statements hardly share their cores: their own time is what no pool changes");
  return found;
}

const cutShort = (largest: number, looked: readonly number[]): string =>
  "the time was up before the search was; give it more with --time-limit. Of the pools looked " +
  `at, with ${looked.join(", ")} of up to ${counted(largest, "connection")}, none meets the objective`;

/** Part of what the cores do at most from which on they are the limit. */
const LIMIT = 0.95;
/** Statements take hardly longer than alone. */
const ALONE = 1.1;

const percent = (share: number): string => `${round(share * 100)} %`;
const round = (value: number): string => `${Number(value.toPrecision(3))}`;
