/** Closed pools: a fixed number of clients who think and come back. */
import type { ClientKind } from "../../../workloads/schema/workload.ts";
import type { DistributionSpec } from "../../kernel/distributions.ts";
import { IDEAL } from "../../model/index.ts";
import { closedPool } from "../analytic/index.ts";
import { twoClasses } from "./classes.ts";
import { erlang2, hyperexponential2, phasePool } from "./phase-chain.ts";
import { inUse, meanOnly, type System, settling, waits } from "./system.ts";
import {
  closedKind,
  constant,
  exponential,
  MS,
  textbook,
  times,
  visitingKind,
} from "./textbook.ts";

/** Cycles of a client after which nobody remembers the common start. */
const CYCLES = 10;

interface Closed {
  clients: number;
  think: number;
  service: number;
  servers: number;
}

const nameOf = (letters: string, { clients, servers }: Closed): string =>
  `${letters}/${servers}//${clients.toLocaleString("en")}`;

/** Machine repair. The law of thinking does not matter but for its mean: nobody queues to think. */
function repair(pool: Closed, think = exponential(pool.think), letters = "M/M"): System {
  const law = closedPool(pool);
  const kind = closedKind(pool.clients, think, exponential(pool.service));
  return {
    family: "M/M/c//N",
    name: nameOf(letters, pool),
    workload: textbook([kind], pool.servers),
    rate: law.throughput,
    // Thinking that is not exponential starts all at once and has to get out of step.
    settle: letters === "M/M" ? soon(pool) : 5 * CYCLES * (pool.think + law.mean + pool.service),
    figures: waits(law),
  };
}

/** Exponential thinking begins in its steady state; what has to settle is the queue, at the latest in
 * some think times, for that is what drives it back.
 */
function soon({ clients, think, service, servers }: Closed): number {
  const load = (clients * service) / (think + service);
  const cycles = CYCLES * (think + 2 * service);
  return load < servers ? Math.min(cycles, settling(load, servers, service)) : cycles;
}

/** Very many clients: one run in batches, because logging in takes longer than running. */
function crowd(pool: Closed): System {
  return { ...repair(pool), batches: 10 };
}

const lognormal = (mean: number, cv: number): DistributionSpec => ({
  kind: "lognormal",
  mean: mean * MS,
  cv,
});

function phased(kind: "E2" | "H2", pool: Closed): System {
  const { clients, think, service, servers } = pool;
  const means: [number, number] = [service / 2, service * 3];
  const phases = kind === "E2" ? erlang2(service) : hyperexponential2(means, 0.8);
  const spec: DistributionSpec =
    kind === "E2"
      ? { kind: "erlang", mean: service * MS, k: 2 }
      : { kind: "hyperexponential", means: means.map((mean) => mean * MS), weights: [0.8, 0.2] };
  const law = phasePool({ clients, think }, phases, servers);
  return {
    family: "M/PH/c//N",
    name: `${nameOf("M/PH", pool)} (${kind})`,
    workload: textbook([closedKind(clients, exponential(think), spec)], servers),
    rate: law.throughput,
    settle: 2 * CYCLES * (think + law.mean + service),
    figures: waits(law),
  };
}

/** Session mode, a session for each transaction: the server's reset is nobody's, and takes its time. */
function switching(pool: Closed, reset: number): System {
  const { clients, think, service, servers } = pool;
  const law = phasePool(
    { clients, think },
    { first: 1, means: [service, reset], second: 1, resets: true },
    servers,
  );
  const kind = visitingKind(clients, exponential(think), exponential(service));
  return {
    family: "machine repair with switching",
    name: `${nameOf("M/M", pool)}, reset ${reset} ms`,
    workload: textbook([kind], servers, { pool_mode: "session" }),
    machine: { ...IDEAL, reset: exponential(reset) },
    rate: law.throughput,
    settle: CYCLES * (think + law.mean + service + reset),
    figures: [...waits(law), inUse(law.utilization * servers)],
  };
}

/** Session and statement mode make one pool of sessions that bring one statement each. */
function brief(pool: Closed, pool_mode: "session" | "statement"): System {
  const law = closedPool(pool);
  const kind = visitingKind(pool.clients, exponential(pool.think), exponential(pool.service));
  return {
    ...repair(pool),
    name: `${nameOf("M/M", pool)}, ${pool_mode} mode`,
    workload: textbook([kind], pool.servers, { pool_mode }),
    figures: waits(law),
  };
}

/** BCMP: two kinds of clients with think times of their own. */
function classes(a: Closed, b: Pick<Closed, "clients" | "think">): System {
  const { service, servers } = a;
  const [first, second] = twoClasses([a, b], service, servers);
  const kind = (name: string, one: typeof b): ClientKind => ({
    ...closedKind(one.clients, exponential(one.think), exponential(service)),
    name,
  });
  return {
    family: "two classes (BCMP)",
    name: `${a.clients} at ${a.think} ms + ${b.clients} at ${b.think} ms on ${servers}`,
    workload: textbook([kind("a", a), kind("b", b)], servers),
    rate: first.throughput + second.throughput,
    settle: CYCLES * (Math.max(a.think, b.think) + first.mean + service),
    figures: [
      ...waits(first, { kind: "a" }),
      ...waits(second, { kind: "b", label: ", second class" }),
    ],
  };
}

/** Statement mode: each of `statements` queues for itself, after the gap or the think time before it. */
function apart(pool: Closed, statements: number, gap: number): System {
  const between = (pool.think + (statements - 1) * gap) / statements;
  const law = closedPool({ ...pool, think: between });
  const plain = closedKind(pool.clients, exponential(pool.think), exponential(pool.service));
  const transaction = {
    ...plain.transaction,
    statements: times(statements),
    gap: exponential(gap),
  };
  return {
    family: "statement mode (Jackson)",
    name: `${nameOf("M/M", pool)}, ${statements} statements apart`,
    workload: textbook([{ ...plain, transaction }], pool.servers, { pool_mode: "statement" }),
    rate: law.throughput / statements,
    settle: CYCLES * statements * (between + law.mean + pool.service),
    figures: [...meanOnly(statements * law.mean), inUse(law.utilization * pool.servers)],
  };
}

const THIRTY: Closed = { clients: 30, think: 100, service: 10, servers: 3 };

/** All of them, made when asked for. */
export const closedSystems: readonly (() => System)[] = [
  () => repair({ clients: 5, think: 20, service: 10, servers: 2 }),
  () => repair({ clients: 100, think: 1000, service: 10, servers: 2 }),
  () => repair({ clients: 400, think: 300, service: 40, servers: 50 }),
  () => repair({ clients: 1_000, think: 1_000, service: 10, servers: 10 }),
  () => repair({ clients: 10_000, think: 1_000, service: 10, servers: 110 }),
  () => crowd({ clients: 1_000_000, think: 1_000, service: 1, servers: 1_035 }),
  () => repair(THIRTY, lognormal(100, 1.5), "G/M"),
  () => repair(THIRTY, { kind: "erlang", mean: 100 * MS, k: 3 }, "E3/M"),
  () => repair(THIRTY, constant(100), "D/M"),
  () => brief({ clients: 20, think: 40, service: 10, servers: 4 }, "session"),
  () => brief({ clients: 20, think: 40, service: 10, servers: 4 }, "statement"),
  () => phased("E2", THIRTY),
  () => phased("H2", THIRTY),
  () => phased("H2", { clients: 60, think: 60, service: 10, servers: 8 }),
  () => switching({ clients: 20, think: 40, service: 10, servers: 4 }, 2),
  () => switching({ clients: 30, think: 100, service: 10, servers: 4 }, 5),
  () => classes({ ...THIRTY, clients: 12, think: 60 }, { clients: 40, think: 300 }),
  () => classes({ clients: 90, think: 200, service: 20, servers: 12 }, { clients: 10, think: 20 }),
  () => apart({ clients: 20, think: 150, service: 10, servers: 4 }, 3, 5),
  () => apart({ clients: 100, think: 400, service: 4, servers: 5 }, 6, 10),
];
