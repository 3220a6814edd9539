/**
 * The pace of clients when nobody waits: how long a transaction and a session of theirs take, how many there
 * are, and for how long each holds a server connection. All are means, in nanoseconds.
 */
import type { ClientKind, Workload } from "../../workloads/schema/workload.ts";
import { type DistributionSpec, mean, sampler } from "../kernel/distributions.ts";
import { Stream } from "../kernel/streams.ts";

export interface Pace {
  /** Of a transaction: its statements, with the way to the database. */
  work: number;
  /** Of a transaction: the pauses between its statements, with the way to the client. */
  pauses: number;
  /** Before a transaction: thinking, with the way to the client. */
  idle: number;
  /** Transactions of a session; Infinity: it never ends. */
  transactions: number;
  /** Of these, as many as there are however long each takes: a session that ends by time has at least one. */
  least: number;
}

/** The pace of one kind of clients. */
export function paceOf({ network }: Workload, kind: ClientKind): Pace {
  const { think, transaction } = kind;
  const statements = Math.max(1, mean(transaction.statements));
  const work = statements * (mean(transaction.service) + network.server);
  const pauses = (statements - 1) * (mean(transaction.gap) + network.client);
  const idle = mean(think) + network.client;
  return { work, pauses, idle, ...lengthOf(kind, idle + work + pauses) };
}

/** From one transaction's begin to the next one's. */
export const cycleOf = ({ work, pauses, idle }: Pace): number => idle + work + pauses;

/**
 * Transactions of a session. One that ends by time ends with the transaction that is under way then; as
 * many fit on average as do where cycles are exponential. Source: Wald's equation.
 */
function lengthOf({ session }: ClientKind, cycle: number): Pick<Pace, "transactions" | "least"> {
  const { transactions, duration } = session;
  const counted = transactions === "forever" ? Number.POSITIVE_INFINITY : mean(transactions);
  if (duration === undefined) return { transactions: counted, least: counted };
  const fitting = 1 + mean(duration) / Math.max(1, cycle);
  return { transactions: Math.min(counted, fitting), least: Math.min(counted, 1) };
}

/**
 * Transactions a nanosecond at `factor` times the load, as many as the application's own pool lets through;
 * Infinity: sessions come that never end.
 */
export function rateOf(kind: ClientKind, pace: Pace, factor = 1): number {
  return Math.min(askedRate(kind, pace, factor), throughApplication(kind, pace));
}

/** What they ask for; of clients of a fixed number a load that is higher shortens nothing but their thinking. */
function askedRate(kind: ClientKind, pace: Pace, factor: number): number {
  const { arrivals, count = 0, session } = kind;
  const { transactions } = pace;
  if (factor === 0) return 0;
  if (arrivals !== undefined) return (transactions * factor) / Math.max(1, mean(arrivals.gap));
  const thinking = mean(kind.think);
  const cycle = Math.max(1, cycleOf(pace) - thinking + thinking / factor);
  if (transactions === Number.POSITIVE_INFINITY) return count / cycle;
  return (count * transactions) / (transactions * cycle + mean(session.away));
}

/**
 * Transactions a nanosecond that the application's own pool lets through: one has a connection of it until its
 * answer is back. Infinity: there is none.
 */
export function throughApplication({ app_pool, think }: ClientKind, pace: Pace): number {
  if (app_pool === undefined) return Number.POSITIVE_INFINITY;
  return (app_pool.instances * app_pool.size) / Math.max(1, cycleOf(pace) - mean(think));
}

/** What clients ask of the application's own pool at `factor` times the load, over what it lets through. */
export const askedOfApplication = (kind: ClientKind, pace: Pace, factor: number): number =>
  askedRate(kind, pace, factor) / throughApplication(kind, pace);

/** From one session's begin to the next one's of the same client; of clients from outside a session's length. */
export function roundOf(kind: ClientKind, pace: Pace): number {
  const length = pace.transactions * cycleOf(pace);
  return kind.arrivals === undefined ? length + mean(kind.session.away) : length;
}

/**
 * How long clients who begin together stay in step, by the random walk of their phases: until it is half a
 * cycle wide. 0 where they all are served at once or never pause; Infinity where nothing varies.
 */
export function inStep(kind: ClientKind, pace: Pace, servers: number): number {
  const { count = 0, think, transaction } = kind;
  if (count <= servers || servers === 0 || mean(think) === 0) return 0;
  const statements = Math.max(1, mean(transaction.statements));
  const perTransaction =
    statements * variance(transaction.service) +
    (statements - 1) * variance(transaction.gap) +
    variance(transaction.statements) * (mean(transaction.service) + mean(transaction.gap)) ** 2;
  const cycle = cycleOf(pace);
  return cycle ** 3 / 4 / (variance(think) + perTransaction);
}

const DRAWS = 500;

/** From draws that are always the same: two digits are enough here. */
function variance(spec: DistributionSpec): number {
  if (spec.kind === "constant") return 0;
  const source = sampler(spec, new Stream(1, "pace", "variance"));
  const values = Array.from({ length: DRAWS }, (_, i) => source.draw(0, i, 0));
  const centre = values.reduce((sum, value) => sum + value, 0) / DRAWS;
  return values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (DRAWS - 1);
}
