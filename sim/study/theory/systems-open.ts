/** Open pools, where sessions of one transaction arrive from outside: Erlang's, and any arrivals. */
import type { DistributionSpec } from "../../kernel/distributions.ts";
import { deterministicPool, impatientPool, openPool, type WaitLaw } from "../analytic/index.ts";
import {
  erlangGaps,
  type Gaps,
  generalArrivals,
  mixedGaps,
  regularGaps,
} from "./general-arrivals.ts";
import { limitedClosedPool, limitedPool } from "./loss.ts";
import { erlang2, hyperexponential2, type Phases, phasePool } from "./phase-chain.ts";
import { givenUp, inUse, refused, type System, settling, waits } from "./system.ts";
import { constant, exponential, MS, openKind, textbook, visitingKind } from "./textbook.ts";

/** Mean service of these systems, ms. */
const SERVICE = 10;

/** The pool that these gaps and services make, at `load` servers' worth of work. */
function pool(
  family: string,
  law: Pick<WaitLaw, "mean" | "tail" | "quantile">,
  spec: { gap: DistributionSpec; service: DistributionSpec; load: number; servers: number },
  { kind = "", variability = 1 } = {},
): System {
  const { gap, service, load, servers } = spec;
  const percent = Math.round((100 * load) / servers);
  return {
    family,
    name: `${family.replace("c", String(servers))}${kind}, ${percent} %`,
    workload: textbook([openKind(gap, service)], servers),
    rate: load / SERVICE,
    settle: settling(load, servers, SERVICE, variability),
    figures: waits(law),
  };
}

function markov(load: number, servers: number): System {
  const rate = load / SERVICE;
  const spec = { gap: exponential(1 / rate), service: exponential(SERVICE), load, servers };
  const law = openPool({ rate, service: SERVICE, servers });
  return pool(servers === 1 ? "M/M/1" : "M/M/c", law, spec);
}

function deterministic(load: number, servers: number): System {
  const rate = load / SERVICE;
  const spec = { gap: exponential(1 / rate), service: constant(SERVICE), load, servers };
  const law = deterministicPool({ rate, service: SERVICE, servers });
  return pool(servers === 1 ? "M/D/1" : "M/D/c", law, spec, { variability: 0.5 });
}

const H2: { means: [number, number]; weights: [number, number] } = {
  means: [5, 30],
  weights: [0.8, 0.2],
};
const erlangSpec = (mean: number, k: number): DistributionSpec => ({
  kind: "erlang",
  mean: mean * MS,
  k,
});
const mixedSpec = (scale: number): DistributionSpec => ({
  kind: "hyperexponential",
  means: H2.means.map((mean) => mean * scale * MS),
  weights: H2.weights,
});

function phased(kind: "E2" | "H2", load: number, servers: number): System {
  const rate = load / SERVICE;
  const phases: Phases =
    kind === "E2" ? erlang2(SERVICE) : hyperexponential2(H2.means, H2.weights[0]);
  const service = kind === "E2" ? erlangSpec(SERVICE, 2) : mixedSpec(1);
  const law = phasePool({ rate, room: 250 }, phases, servers);
  const spec = { gap: exponential(1 / rate), service, load, servers };
  return pool("M/PH/c", law, spec, { kind: ` (${kind})`, variability: kind === "E2" ? 0.75 : 1.5 });
}

function general(kind: "D" | "E2" | "E4" | "H2", load: number, servers: number): System {
  const mean = SERVICE / load;
  const laws: Record<typeof kind, [Gaps, DistributionSpec, number]> = {
    D: [regularGaps(mean), constant(mean), 0.5],
    E2: [erlangGaps(mean, 2), erlangSpec(mean, 2), 0.75],
    E4: [erlangGaps(mean, 4), erlangSpec(mean, 4), 0.6],
    H2: [
      mixedGaps(
        H2.means.map((each) => (each * mean) / SERVICE),
        H2.weights,
      ),
      mixedSpec(mean / SERVICE),
      1.5,
    ],
  };
  const [gaps, gap, variability] = laws[kind];
  const law = generalArrivals(gaps, SERVICE, servers);
  const spec = { gap, service: exponential(SERVICE), load, servers };
  if (kind === "D") return pool(servers === 1 ? "D/M/1" : "D/M/c", law, spec, { variability });
  const family = servers === 1 ? "GI/M/1" : "GI/M/c";
  return pool(family, law, spec, { kind: ` (${kind})`, variability });
}

/**
 * M/M/c+D by `query_wait_timeout`. PgBouncer looks at the clock each third of a second, so patience is
 * half of that longer on the average; services of half a minute make its spread invisible.
 */
function impatient(load: number, servers: number, patience: number): System {
  const service = 30_000;
  const TICK = 1000 / 3;
  const rate = load / service;
  const end = patience + TICK / 2;
  const law = impatientPool({ rate, service, servers, patience: { constant: end } });
  const settings = { query_wait_timeout: patience * MS };
  const percent = (100 * load) / servers;
  return {
    family: "M/M/c+D",
    name: `M/M/${servers}+D, ${percent} %, patience ${patience / 1000} s`,
    workload: textbook([openKind(exponential(1 / rate), exponential(service))], servers, settings),
    rate,
    settle: 20 * service,
    // Beyond the timeout the tick shows.
    figures: [
      givenUp(law.abandoned),
      ...waits(law.served).filter(({ exact, quantile }) => !quantile || exact < 0.98 * patience),
    ],
  };
}

/** `max_client_conn` as the room of the system: M/M/c/K; without room to wait, Erlang's loss system. */
function limitedTo(
  room: number,
  load: number,
  servers: number,
  service?: DistributionSpec,
): System {
  const rate = load / SERVICE;
  const law = limitedPool({ rate, service: SERVICE, servers, room });
  const kind = openKind(exponential(1 / rate), service ?? exponential(SERVICE));
  const loss = room === servers;
  const name = loss ? `M/${service ? "G" : "M"}/${servers}/${servers}` : `M/M/${servers}/${room}`;
  return {
    family: loss ? "Erlang B" : "M/M/c/K",
    name: `${name}, ${Math.round((100 * load) / servers)} % offered`,
    workload: textbook([kind], servers, { max_client_conn: room }),
    rate,
    settle: 40 * SERVICE,
    figures: [refused(law.blocked), inUse(law.utilization * servers), ...(loss ? [] : waits(law))],
  };
}

/** Engset: a fixed number of clients who are refused when the pooler is full, and try again later. */
function engset(clients: number, away: number, servers: number, room: number): System {
  const law = limitedClosedPool({ clients, think: away, service: SERVICE, servers, room });
  const kind = visitingKind(clients, exponential(away), exponential(SERVICE));
  const loss = room === servers;
  return {
    family: "Engset",
    name: `M/M/${servers}/${room}//${clients}`,
    workload: textbook([kind], servers, { max_client_conn: room }),
    rate: law.throughput / (1 - law.blocked),
    settle: 10 * away,
    figures: [refused(law.blocked), inUse(law.utilization * servers), ...(loss ? [] : waits(law))],
  };
}

/** All of them, made when asked for: some exact answers take a tenth of a second. */
export const openSystems: readonly (() => System)[] = [
  () => markov(0.5, 1),
  () => markov(0.8, 1),
  () => markov(3.2, 4),
  () => markov(9, 10),
  () => markov(95, 100),
  () => deterministic(0.7, 1),
  () => deterministic(0.85, 1),
  () => deterministic(4, 5),
  () => deterministic(45, 50),
  () => phased("E2", 2.25, 3),
  () => phased("H2", 2.1, 3),
  () => phased("H2", 6.4, 8),
  () => general("E2", 0.8, 1),
  () => general("H2", 0.7, 1),
  () => general("D", 0.8, 1),
  () => general("D", 4.25, 5),
  () => general("E4", 8.5, 10),
  () => general("H2", 4, 5),
  () => impatient(10, 10, 15_000),
  () => impatient(22, 20, 10_000),
  () => limitedTo(10, 8, 10),
  () => limitedTo(40, 44, 40, { kind: "lognormal", mean: SERVICE * MS, cv: 1.5 }),
  () => limitedTo(6, 2.7, 3),
  () => limitedTo(30, 22, 20),
  () => engset(30, 10_000 / 300, 5, 5),
  () => engset(60, 100, 4, 9),
];
