/**
 * Do the product's 95 % intervals hold the truth 95 times in 100? Whole studies, with their own warm-up
 * and their own stopping, under hundreds of seeds, on systems whose answers are known. And do studies that
 * stop as soon as an objective is decided, as those of `size`, decide rightly as often?
 */
import type { Workload } from "../../../workloads/schema/workload.ts";
import { closedPool, deterministicPool, openPool, type WaitLaw } from "../analytic/index.ts";
import { difference } from "../compare.ts";
import type { CoveredFigure, Interval95, Run } from "../results/index.ts";
import { type Study, studies, study } from "../run.ts";
import { generalService, lognormalServices } from "./general-service.ts";
import { closedKind, constant, exponential, MS, openKind, textbook } from "./textbook.ts";

export interface CoverageOptions {
  seed?: number | undefined;
  /** Studies of each system. */
  studies?: number | undefined;
  /** Only the first so many systems. */
  systems?: number | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((share: number, text: string) => void) | undefined;
}

/** A pool, and where it says so the same with one server more, on the same draws. */
interface Covered {
  name: string;
  workloads: Workload[];
  laws: WaitLaw[];
  /** Decisions about objectives near its p99 are counted too. */
  decides?: boolean;
}

/** What an interval may really cover. `bounds` let chance alone take one table in 10,000 out of it. */
export const ALLOWED = [0.93, 0.97] as const;
/** Chance that one figure's count falls outside by luck, when its interval covers what is allowed. */
const FALSE_ALARM = 2.5e-6;
const STUDIES = 400;
/** Objectives for the p99 wait whose outcome is known: so many times the exact one. */
const OBJECTIVES = [0.9, 1.1] as const;
/** Mean service, ms. */
const SERVICE = 10;

/**
 * Short windows, of a thousand transactions or a few, and a precision that most often takes twenty to forty
 * of them: there intervals are at their worst, and hundreds of studies affordable.
 */
const brief = (workload: Workload, seconds: number, precision: number): Workload => ({
  ...workload,
  run: { ...workload.run, duration: seconds * 1000 * MS, precision },
});

function closedPair(): Covered {
  const pool = { clients: 30, think: 100, service: SERVICE };
  const kind = closedKind(pool.clients, exponential(pool.think), exponential(SERVICE));
  return {
    name: "M/M/3//30, and M/M/4//30",
    workloads: [3, 4].map((servers) => brief(textbook([kind], servers), 4, 0.2)),
    laws: [3, 4].map((servers) => closedPool({ ...pool, servers })),
  };
}

function closed(): Covered {
  const pool = { clients: 100, think: 1000, service: SERVICE, servers: 2 };
  const kind = closedKind(pool.clients, exponential(pool.think), exponential(SERVICE));
  const workload = brief(textbook([kind], pool.servers), 12, 0.15);
  return { name: "M/M/2//100", workloads: [workload], laws: [closedPool(pool)] };
}

function open(servers: number, load: number, seconds: number, precision: number): Covered {
  const rate = (load * servers) / SERVICE;
  const kind = openKind(exponential(1 / rate), exponential(SERVICE));
  return {
    name: `M/M/${servers}, ${100 * load} %`,
    workloads: [brief(textbook([kind], servers), seconds, precision)],
    laws: [openPool({ rate, service: SERVICE, servers })],
  };
}

function deterministic(): Covered {
  const pool = { rate: 0.4, service: SERVICE, servers: 5 };
  const kind = openKind(exponential(1 / pool.rate), constant(SERVICE));
  const workload = brief(textbook([kind], pool.servers), 4, 0.2);
  return { name: "M/D/5, 80 %", workloads: [workload], laws: [deterministicPool(pool)] };
}

function general(): Covered {
  const kind = openKind(exponential(20), { kind: "lognormal", mean: SERVICE * MS, cv: 1 });
  const law = generalService(1 / 20, lognormalServices(SERVICE, 1));
  const workload = brief(textbook([kind], 1), 20, 0.25);
  return { name: "M/G/1, 50 %", workloads: [workload], laws: [law] };
}

const COVERED = [
  closedPair,
  closed,
  () => open(1, 0.5, 20, 0.2),
  () => open(1, 0.8, 20, 0.35),
  () => ({ ...open(5, 0.6, 4, 0.3), decides: true }),
  () => open(5, 0.9, 12, 0.6),
  deterministic,
  general,
];

/** Counts, system by system. No study is stopped by the clock, so that the same seed counts the same. */
export async function coverage(options: CoverageOptions = {}): Promise<CoveredFigure[]> {
  const { seed = 1, studies: count = STUDIES, systems = COVERED.length } = options;
  const rows: CoveredFigure[] = [];
  for (const [place, make] of COVERED.slice(0, systems).entries()) {
    const system = make();
    const counts = new Map<string, Counts>();
    let [made, replications] = [0, 0];
    for (let i = 0; i < count && !options.signal?.aborted; i++) {
      options.onProgress?.((place + i / count) / systems, system.name);
      const master = seed * 1_000_003 + place * 10_007 + i;
      const found = await studies(system.workloads, {
        seed: master,
        timeLimit: Number.POSITIVE_INFINITY,
      });
      made++;
      replications += found[0]?.run.replications ?? 0;
      for (const [figure, interval, exact] of intervals(found, system.laws))
        tally(counts, figure, interval, exact);
    }
    for (const [figure, each] of counts)
      rows.push({ ...summed(system.name, figure, each), replications: replications / made });
    if (system.decides === true && !options.signal?.aborted)
      rows.push(...(await decisions(system, options)));
  }
  return rows;
}

/** The same for studies that stop when they have decided; one that has decided wrongly is beside the truth. */
async function decisions(system: Covered, options: CoverageOptions): Promise<CoveredFigure[]> {
  const rows: CoveredFigure[] = [];
  for (const factor of OBJECTIVES) {
    const counts = { held: 0, below: 0, above: 0, none: 0 };
    let [made, replications] = [0, 0];
    for (let i = 0; i < (options.studies ?? STUDIES) && !options.signal?.aborted; i++) {
      const run = await decided(system, factor, (options.seed ?? 1) * 1_000_003 + i);
      made++;
      replications += run.replications;
      const [term] = run.slo?.terms ?? [];
      if (term?.certain !== true) counts.none++;
      else if (term.met === factor > 1) counts.held++;
      else counts[term.met ? "below" : "above"]++;
    }
    const row = summed(system.name, `p99, decided at ${factor} of it`, counts);
    // To be right more often is no fault.
    const bounds: [number, number] = [row.bounds[0], made];
    const met = row.held >= bounds[0];
    rows.push({ ...row, bounds, met, replications: replications / made });
  }
  return rows;
}

async function decided({ workloads, laws }: Covered, factor: number, seed: number): Promise<Run> {
  const [workload, law] = [workloads[0] as Workload, laws[0] as WaitLaw];
  const slo = { wait_p99: factor * law.quantile(0.99) * MS };
  const run = { ...workload.run, precision: 0.05 };
  const timeLimit = Number.POSITIVE_INFINITY;
  return (await study({ ...workload, slo, run }, { seed, goal: "objective", timeLimit })).run;
}

type Known = readonly [figure: string, interval: Interval95 | undefined, exact: number];

/** Every interval whose exact value is known. */
function intervals([first, second]: readonly Study[], laws: readonly WaitLaw[]): Known[] {
  const { run } = first as Study;
  const [law, other] = laws as [WaitLaw, WaitLaw | undefined];
  const known: Known[] = [
    ["mean", run.wait_ms.mean_ci95, law.mean],
    ["p95", run.wait_ms.p95_ci95, law.quantile(0.95)],
    ["p99", run.wait_ms.p99_ci95, law.quantile(0.99)],
    ["waits", run.wait_probability_ci95, law.probability],
    ["throughput", run.throughput_tps_ci95, law.throughput * 1000],
  ];
  if (second === undefined || other === undefined) return known;
  const paired = difference("", "", first as Study, second);
  return [
    ...known,
    ["paired difference, mean", paired.wait_mean_ms_ci95, other.mean - law.mean],
    ["paired difference, p99", paired.wait_p99_ms_ci95, other.quantile(0.99) - law.quantile(0.99)],
  ];
}

interface Counts {
  held: number;
  below: number;
  above: number;
  /** Studies without an interval: the truth is not in it, nor is anything said that is wrong. */
  none: number;
}

function tally(
  counts: Map<string, Counts>,
  figure: string,
  interval: Interval95 | undefined,
  exact: number,
): void {
  const each = counts.get(figure) ?? { held: 0, below: 0, above: 0, none: 0 };
  counts.set(figure, each);
  if (interval == null) each.none++;
  else if (interval[1] < exact) each.below++;
  else if (interval[0] > exact) each.above++;
  else each.held++;
}

function summed(
  system: string,
  figure: string,
  counts: Counts,
): Omit<CoveredFigure, "replications"> {
  const count = counts.held + counts.below + counts.above;
  const [low, high] = ALLOWED;
  const least = binomialBounds(count, low, FALSE_ALARM)[0];
  const most = binomialBounds(count, high, FALSE_ALARM)[1];
  const met = counts.held >= least && counts.held <= most;
  return { system, figure, studies: count, ...counts, bounds: [least, most], met };
}

/** The counts that a binomial variable leaves with a chance of at most `alpha` on each side. */
export function binomialBounds(
  count: number,
  p: number,
  alpha: number,
): [least: number, most: number] {
  // In logarithms: (1 - p)^count may be too small for a number.
  let log = count * Math.log1p(-p);
  let [sum, least] = [0, 0];
  for (let k = 0; k <= count; k++) {
    sum += Math.exp(log);
    if (sum < alpha) least = k + 1;
    if (sum > 1 - alpha) return [least, k];
    log += Math.log((count - k) / (k + 1)) + Math.log(p / (1 - p));
  }
  return [least, count];
}
