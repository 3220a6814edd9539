/**
 * One server and services of any law (M/G/1), pools that nobody waits for (M/G/inf), transactions of
 * several statements, and sessions of several transactions.
 */
import type { ClientKind, Workload } from "../../../workloads/schema/workload.ts";
import type { DistributionSpec } from "../../kernel/distributions.ts";
import { openPool } from "../analytic/index.ts";
import {
  gammaServices,
  generalService,
  lognormalServices,
  meanWait,
  mixedServices,
  paretoServices,
  type Services,
  uniformServices,
} from "./general-service.ts";
import { erlang2, phasePool } from "./phase-chain.ts";
import { inUse, meanOnly, type System, settling, waits } from "./system.ts";
import { constant, exponential, MS, openKind, textbook, times } from "./textbook.ts";

/** M/G/1 at this load; the law of the wait is on a grid of `cell` mean services. */
function single(
  letters: string,
  load: number,
  services: Services,
  service: DistributionSpec,
  cell?: number,
): System {
  const rate = load / services.mean;
  const variability = services.square / services.mean ** 2 / 2;
  return {
    family: "M/G/1",
    name: `M/G/1 (${letters}), ${Math.round(100 * load)} %`,
    workload: textbook([openKind(exponential(1 / rate), service)], 1),
    rate,
    settle: settling(load, 1, services.mean, variability),
    figures: waits(generalService(rate, services, cell)),
  };
}

const erlangOf = (k: number): Services => gammaServices(10, 1 / Math.sqrt(k));
const mixed = (): Services =>
  mixedServices([
    [0.9, gammaServices(5, 1)],
    [0.1, gammaServices(55, 1)],
  ]);

/** A transaction of `k` statements holds its server for a sum of services: M/E_k/1. */
function statements(k: number, load: number): System {
  const rate = load / (10 * k);
  const kind = openKind(exponential(1 / rate), exponential(10));
  return {
    family: "several statements",
    name: `M/E${k}/1 by ${k} statements, ${Math.round(100 * load)} %`,
    workload: textbook(
      [{ ...kind, transaction: { ...kind.transaction, statements: times(k) } }],
      1,
    ),
    rate,
    settle: settling(load, 1, 10 * k),
    figures: waits(generalService(rate, gammaServices(10 * k, 1 / Math.sqrt(k)))),
  };
}

/** Two statements on several servers: M/E2/c. */
function pairOfStatements(load: number, servers: number): System {
  const rate = load / 20;
  const kind = openKind(exponential(1 / rate), exponential(10));
  return {
    family: "several statements",
    name: `M/E2/${servers} by 2 statements, ${Math.round((100 * load) / servers)} %`,
    workload: textbook(
      [{ ...kind, transaction: { ...kind.transaction, statements: times(2) } }],
      servers,
    ),
    rate,
    settle: settling(load, servers, 20),
    figures: waits(phasePool({ rate, room: 250 }, erlang2(20), servers)),
  };
}

/** One statement or five, by chance: Erlang's laws mixed. */
function oneOrFive(load: number): System {
  const services = mixedServices([
    [0.7, gammaServices(4, 1)],
    [0.3, gammaServices(20, 1 / Math.sqrt(5))],
  ]);
  const rate = load / services.mean;
  const kind = openKind(exponential(1 / rate), exponential(4));
  const count: DistributionSpec = {
    kind: "mixture",
    parts: [
      { weight: 0.7, of: times(1) },
      { weight: 0.3, of: times(5) },
    ],
  };
  return {
    family: "several statements",
    name: `M/G/1 by 1 or 5 statements, ${Math.round(100 * load)} %`,
    workload: textbook([{ ...kind, transaction: { ...kind.transaction, statements: count } }], 1),
    rate,
    settle: settling(load, 1, services.mean, services.square / services.mean ** 2 / 2),
    figures: waits(generalService(rate, services)),
  };
}

/** Network and idle-in-transaction hold the server too; the mean by Pollaczek and Khinchine. */
function held(): System {
  const gap = 50;
  const network = { client: 0.5 * MS, server: 0.25 * MS };
  const plain = openKind(exponential(gap), exponential(4));
  const transaction = { ...plain.transaction, statements: times(3), gap: exponential(2) };
  // 3 services, 3 round trips to the server, 2 gaps, 2 round trips to the client.
  const mean = 3 * 4 + 3 * 0.25 + 2 * 2 + 2 * 0.5;
  const square = mean ** 2 + 3 * 4 ** 2 + 2 * 2 ** 2;
  const workload: Workload = { ...textbook([{ ...plain, transaction }], 1), network };
  return {
    family: "several statements",
    name: "M/G/1 by 3 statements, gaps and network",
    workload,
    rate: 1 / gap,
    settle: settling(mean / gap, 1, mean),
    figures: [
      ...meanOnly(meanWait(1 / gap, { mean, square, survival: () => 0 })),
      inUse(mean / gap),
    ],
  };
}

/** Session mode: three transactions, the thinking between them and the reset hold the server. */
function sessions(): System {
  const gap = 50;
  const transactions = 3;
  const plain = openKind(exponential(gap), exponential(4));
  const session = { ...plain.session, transactions: times(transactions) };
  const reset = 0.25;
  const linked = 3 * 4 + 3 * 0.25 + 2 * 2 + 3 * 0.5;
  const mean = linked + reset;
  const square = mean ** 2 + 3 * 4 ** 2 + 2 * 2 ** 2;
  const settings = { pool_mode: "session" as const };
  const workload = textbook([{ ...plain, session, think: exponential(2) }], 1, settings);
  const wait = meanWait(1 / gap, { mean, square, survival: () => 0 });
  return {
    family: "sessions",
    name: "M/G/1 by sessions of 3 transactions, with reset",
    workload: { ...workload, network: { client: 0.5 * MS, server: reset * MS } },
    rate: transactions / gap,
    settle: settling(mean / gap, 1, mean),
    // Only the first transaction of a session waits.
    figures: [...meanOnly(wait, { times: transactions }), inUse(linked / gap)],
  };
}

/** Sessions come back after thinking: in transaction mode each visit sees M/M/c (Jackson, BCMP). */
function returning(
  visits: DistributionSpec,
  meanVisits: number,
  load: number,
  servers: number,
): System {
  const rate = load / 10;
  const plain = openKind(exponential(meanVisits / rate), exponential(10));
  const kind: ClientKind = {
    ...plain,
    session: { ...plain.session, transactions: visits },
    think: { kind: "lognormal", mean: 200 * MS, cv: 1 },
  };
  return {
    family: "open network (Jackson)",
    name: `sessions of ${meanVisits} visits to M/M/${servers}, ${Math.round((100 * load) / servers)} %`,
    workload: textbook([kind], servers),
    rate,
    settle: settling(load, servers, 10) + 5 * meanVisits * 210,
    figures: waits(openPool({ rate, service: 10, servers })),
  };
}

/** Two streams of arrivals at one pool are one stream; their services are mixed. */
function merged(): System {
  const rates = [0.03, 0.015] as const;
  const kind = (name: string, rate: number, service: number): ClientKind => ({
    ...openKind(exponential(1 / rate), exponential(service)),
    name,
  });
  const rate = rates[0] + rates[1];
  const services = mixedServices([
    [rates[0] / rate, gammaServices(8, 1)],
    [rates[1] / rate, gammaServices(30, 1)],
  ]);
  const law = generalService(rate, services);
  return {
    family: "open network (Jackson)",
    name: "two streams of arrivals at M/G/1",
    workload: textbook([kind("a", rates[0], 8), kind("b", rates[1], 30)], 1),
    rate,
    settle: settling(rate * services.mean, 1, services.mean, 1.5),
    figures: [...waits(law, { kind: "a" }), ...waits(law, { kind: "b", label: ", second class" })],
  };
}

/** More servers than anybody needs: what is in use follows from Little's law, whatever the service. */
function plenty(letters: string, service: DistributionSpec, load: number): System {
  const rate = load / 10;
  return {
    family: "M/G/inf",
    name: `M/G/inf (${letters}), ${load} in use`,
    workload: textbook([openKind(exponential(1 / rate), service)], 200),
    rate,
    settle: 50 * 10,
    figures: [inUse(load)],
  };
}

/** All of them, made when asked for. */
export const generalSystems: readonly (() => System)[] = [
  () => single("Erlang 3", 0.8, erlangOf(3), { kind: "erlang", mean: 10 * MS, k: 3 }),
  () =>
    single("hyperexponential", 0.7, mixed(), {
      kind: "hyperexponential",
      means: [5 * MS, 55 * MS],
      weights: [0.9, 0.1],
    }),
  () =>
    single("lognormal", 0.7, lognormalServices(10, 1.2), {
      kind: "lognormal",
      mean: 10 * MS,
      cv: 1.2,
    }),
  () => single("gamma", 0.75, gammaServices(10, 1.4), { kind: "gamma", mean: 10 * MS, cv: 1.4 }),
  () =>
    single("uniform", 0.8, uniformServices(2, 18), { kind: "uniform", min: 2 * MS, max: 18 * MS }),
  () =>
    single(
      "bounded Pareto",
      0.6,
      paretoServices(4, 200, 1.5),
      { kind: "pareto", min: 4 * MS, max: 200 * MS, shape: 1.5 },
      1 / 100,
    ),
  () => statements(4, 0.75),
  () => pairOfStatements(3.2, 4),
  () => oneOrFive(0.7),
  held,
  sessions,
  () => returning(times(5), 5, 3.2, 4),
  () => returning({ kind: "uniform", min: 0.5, max: 8.5 }, 4.5, 0.7, 1),
  merged,
  () => plenty("lognormal", { kind: "lognormal", mean: 10 * MS, cv: 2 }, 60),
  () => plenty("constant", constant(10), 60),
];
