/** A workload's objective, held against a run. */
import type { Slo } from "../../workloads/schema/workload.ts";
import type { Interval95, Run, SloOutcome } from "./results/index.ts";

const MILLISECOND = 1e6;

/** What of a run an objective looks at. */
export type Judged = Pick<
  Run,
  | "transactions"
  | "wait_ms"
  | "response_ms"
  | "timeouts"
  | "timeout_share_ci95"
  | "refused"
  | "retries"
  | "errors"
  | "clients_waiting"
  | "unsteady"
>;

/** Whether there is anything to meet. */
export function hasObjective(slo: Slo): boolean {
  return Object.values(slo).some((limit) => limit !== undefined);
}

/**
 * Every term with its value; undefined when the workload has no objective. Waits are those of clients who
 * are served: beside a term that the workload has, clients that are never served, turned away by a limit
 * such as `max_client_conn`, or dropped because the database refuses them a connection, miss the objective
 * whatever the others' waits are; and so does one of several kinds of clients that misses a term by itself,
 * that for timeouts included, however many transactions of others it is among. A run without a single
 * transaction meets nothing.
 */
export function sloOutcome(
  slo: Slo,
  run: Judged,
  beyond: Beyond = UNKNOWN,
  kinds: readonly JudgedKind[] = [],
): SloOutcome | undefined {
  const terms = termsOf(slo, run, beyond, 1, kinds);
  if (terms.length === 0) return undefined;
  return { met: run.transactions > 0 && terms.every((term) => term.met), terms };
}

/** Whether every term is surely met or missed: its interval, made so many times as wide, is on one side of the limit. */
export function isDecided(
  slo: Slo,
  run: Judged,
  beyond: Beyond,
  times: number,
  kinds: readonly JudgedKind[] = [],
): boolean {
  const terms = termsOf(slo, run, beyond, times, kinds);
  return terms.length > 0 && terms.every((term) => term.certain);
}

/** The share of waits, or of responses, beyond a limit in ns, with its interval. */
export type Beyond = (part: "wait" | "response", limit: number) => Share;

/** A share with its interval; null: nobody knows. */
export type Share = { value: number; interval: Interval95 };

/** One of several kinds of clients, by itself. */
export interface JudgedKind
  extends Pick<Run, "transactions" | "wait_ms" | "response_ms" | "retries"> {
  name: string;
  beyond: Beyond;
  /** Attempts at transactions that were completed or ended in a timeout. */
  asked: number;
  /** The share of them that ended in a timeout. */
  late: Share;
}

const UNKNOWN: Beyond = () => ({ value: 0, interval: null });

/** Transactions that must be expected beyond a quantile before their number means anything. */
const EXPECTED = 10;

/**
 * What was counted, or measured live, is what it is. A quantile with too few transactions beyond it for an
 * interval of its own may still be far from its limit: then the share beyond the limit tells. Where
 * nothing settles nothing is sure, but that a limit which is exceeded already will be.
 */
function isCertain(bare: Bare, run: Judged, beyond: Beyond, times: number): boolean {
  const { limit, value, interval, quantile } = bare;
  if (interval === undefined) return true;
  if (interval !== null) return isBeside(limit, value, interval, times);
  if (run.unsteady !== undefined) return value > limit;
  if (quantile === undefined || run.transactions * (1 - quantile.p) < EXPECTED) return false;
  const share = beyond(quantile.part, limit * MILLISECOND);
  return share.interval !== null && isBeside(1 - quantile.p, share.value, share.interval, times);
}

/** The interval, made so many times as wide, lies on one side of the limit. */
function isBeside(
  limit: number,
  value: number,
  [low, high]: NonNullable<Interval95>,
  times: number,
): boolean {
  return value + times * (high - value) <= limit || value - times * (value - low) > limit;
}

function termsOf(
  slo: Slo,
  run: Judged,
  beyond: Beyond,
  times: number,
  kinds: readonly JudgedKind[],
): Term[] {
  const terms = [...TIMES.flatMap((each) => time(each, slo, run)), ...timeouts(slo.timeouts, run)];
  if (terms.length > 0) terms.push(...unserved(run), ...refused(run), ...withoutServer(run));
  const all = terms.map((bare): Term => {
    const { interval, quantile, ...each } = bare;
    return { ...each, certain: isCertain(bare, run, beyond, times) };
  });
  return [...all, ...kinds.flatMap((kind) => missedAlone(slo, kind, times))];
}

/**
 * The terms that a kind of clients does not surely meet by itself, by the share of its transactions beyond the
 * limit, or that ended in a timeout. A kind with few transactions has the benefit of the doubt.
 */
function missedAlone(slo: Slo, kind: JudgedKind, times: number): Term[] {
  const slow = TIMES.flatMap(({ name, part, p, figure }): Term[] => {
    const limit = slo[name];
    if (limit === undefined) return [];
    const expected = kind.transactions * (1 - p);
    const found = openShare(kind.beyond(part, limit), 1 - p, expected, times);
    const [clients, value] = [kind.name, kind[`${part}_ms`][figure]];
    return found
      ? [{ name, clients, limit: limit / MILLISECOND, value, unit: "ms", ...found }]
      : [];
  });
  return [...slow, ...timeoutsAlone(slo.timeouts, kind, times)];
}

/**
 * The term for timeouts, as in `missedAlone`. Where so many were seen that their number means something it
 * counts, however few would be expected. Whoever allows none asks what was seen.
 */
function timeoutsAlone(limit: number | undefined, kind: JudgedKind, times: number): Term[] {
  if (limit === undefined) return [];
  const { name: clients, asked, retries } = kind;
  const { value } = kind.late;
  const late: Share = limit === 0 ? { value, interval: [value, value] } : kind.late;
  const expected = Math.max(asked * limit, Math.round(asked * value));
  const found = openShare(late, limit, expected, times);
  if (found === undefined) return [];
  return [{ name: "timeouts", clients, limit, value, unit: "", ...ofAttempts(retries), ...found }];
}

/**
 * A share that does not surely keep to what is allowed. undefined: it does, or nobody knows, or what is in doubt
 * are fewer transactions than mean anything.
 */
function openShare(
  { value, interval }: Share,
  allowed: number,
  expected: number,
  times: number,
): Pick<Term, "met" | "certain"> | undefined {
  if (interval === null) return undefined;
  const certain = isBeside(allowed, value, interval, times);
  const met = value <= allowed;
  if (certain ? met : expected < EXPECTED) return undefined;
  return { met, certain };
}

/** What a term is called, such as `wait_p99 of web`. */
export const nameOfTerm = ({ name, clients }: Pick<Term, "name" | "clients">): string =>
  clients === undefined ? name : `${name} of ${clients}`;

/** What the share of a term is of, as `12 % of attempts`, where it is not of transactions. */
export const ofWhat = ({ of }: Pick<Term, "of">): string => (of === undefined ? "" : ` of ${of}`);

/** The value as `own` has it; where that reads like its limit, `text`, on which side of it the value is. */
export function besideLimit(
  { value, limit }: Pick<Term, "value" | "limit">,
  own: string,
  text: string,
): string {
  const plain = own.replace(/\.0+(?=\D)/, ""); // 9.996 ms is 10.0 ms, 10 ms is 10 ms.
  if (plain !== text || value === limit) return own;
  return `a little ${value > limit ? "over" : "under"} ${text}`;
}

type Term = SloOutcome["terms"][number];
type Bare = Omit<Term, "certain"> & { interval: Interval95 | undefined; quantile?: Quantile };

/** A term of an objective that limits a quantile. */
interface Quantile {
  name: Exclude<keyof Slo, "timeouts">;
  part: "wait" | "response";
  p: number;
  figure: "p50" | "p95" | "p99";
}

const TIMES: readonly Quantile[] = [
  { name: "wait_p50", part: "wait", p: 0.5, figure: "p50" },
  { name: "wait_p95", part: "wait", p: 0.95, figure: "p95" },
  { name: "wait_p99", part: "wait", p: 0.99, figure: "p99" },
  { name: "response_p95", part: "response", p: 0.95, figure: "p95" },
  { name: "response_p99", part: "response", p: 0.99, figure: "p99" },
];

function time(quantile: Quantile, slo: Slo, run: Judged): Bare[] {
  const { name, part, figure } = quantile;
  const limit = slo[name];
  if (limit === undefined) return [];
  const times = run[`${part}_ms`];
  const bare = term(name, limit / MILLISECOND, times[figure], "ms", times[`${figure}_ci95`]);
  return [{ ...bare, quantile }];
}

/** Whoever is never served has no wait that could be counted, but is no sign of a met objective. */
function unserved(run: Judged): Bare[] {
  const clients = run.clients_waiting.unserved;
  return clients > 0 ? [term("unserved", 0, clients, "clients", undefined)] : [];
}

/** Whoever is turned away waits for nothing, and is served as little. */
function refused(run: Judged): Bare[] {
  return run.refused > 0 ? [term("refused", 0, run.refused, "times", undefined)] : [];
}

/** Whoever waits for a server connection that the database refuses is dropped, and served as little. */
function withoutServer(run: Judged): Bare[] {
  const clients = refusedByDatabase(run);
  return clients > 0 ? [term("server_error", 0, clients, "times", undefined)] : [];
}

/** By the model's reasons; live also by what the clients were told, PostgreSQL's words included. */
const NO_SERVER =
  /^server_error$|server_login_retry|server login failed|too many clients|connection slots are reserved/;

/** Clients dropped because the database refused them a server connection. */
export function refusedByDatabase({ errors }: Pick<Run, "errors">): number {
  let sum = 0;
  for (const [reason, times] of Object.entries(errors)) if (NO_SERVER.test(reason)) sum += times;
  return sum;
}

/** Clients that were not let in, by a limit of the pooler or by the database. */
export const turnedAway = (run: Run): number => run.refused + refusedByDatabase(run);

/**
 * Waiting clients that the waits of served transactions do not account for. By Little's law served
 * transactions keep throughput x mean wait clients waiting; clearly more than that wait in vain, such
 * as those for whom session mode has no server connection left.
 */
export function unservedClients(waiting: number, throughput_tps: number, wait_ms: number): number {
  const served = (throughput_tps * wait_ms) / 1000;
  return waiting >= 0.5 && waiting > 1.25 * served ? waiting - served : 0;
}

/** Whether new settings turn clients away and the old ones turned none. */
export function turnsAway(old: Run, fresh: Run): boolean {
  return turnedAway(old) === 0 && turnedAway(fresh) > 0;
}

/** Whether new settings leave clients unserved and the old ones served all. */
export function starves(old: Run, fresh: Run): boolean {
  return old.clients_waiting.unserved === 0 && fresh.clients_waiting.unserved > 0;
}

/** Transactions that ended in a timeout. Whoever is dropped for being idle had asked for none. */
export const timedOut = ({ timeouts, errors }: Pick<Run, "timeouts" | "errors">): number =>
  timeouts - (errors.client_idle_timeout ?? 0);

/**
 * A timeout is a transaction that was asked for and not done, or where clients retry an attempt at one. Whoever
 * allows none asks what was seen.
 */
function timeouts(limit: number | undefined, run: Judged): Bare[] {
  if (limit === undefined) return [];
  const late = timedOut(run);
  const asked = Math.max(1, run.transactions + late);
  const interval = limit === 0 ? undefined : run.timeout_share_ci95;
  return [{ ...term("timeouts", limit, late / asked, "", interval), ...ofAttempts(run.retries) }];
}

/** Clients that try again fail, and are done with, attempt by attempt. */
const ofAttempts = (retries = 0): Pick<Term, "of"> => (retries > 0 ? { of: "attempts" } : {});

function term(
  name: string,
  limit: number,
  value: number,
  unit: string,
  interval: Interval95 | undefined,
): Bare {
  return { name, limit, value, unit, met: value <= limit, interval };
}
