/**
 * Do the product's 95 % intervals hold the truth 95 times in 100? Whole studies, with their own warm-up
 * and their own stopping, under hundreds of seeds, on systems whose answers are known.
 */
import type { Workload } from "../../../workloads/schema/workload.ts";
import { closedPool, openPool, type WaitLaw } from "../analytic.ts";
import { difference } from "../compare.ts";
import type { CoveredFigure, Interval95 } from "../results.ts";
import { type Study, studies } from "../run.ts";
import { generalService, lognormalServices } from "./general-service.ts";
import { closedKind, exponential, MS, openKind, textbook } from "./textbook.ts";

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
}

/** What an interval may really cover. `bounds` let chance alone take one table in 10,000 out of it. */
export const ALLOWED = [0.93, 0.97] as const;
/** Chance that one figure's count falls outside by luck, when its interval covers what is allowed. */
const FALSE_ALARM = 2.5e-6;
const STUDIES = 400;
/** Simulated seconds of a replication, and the precision asked for: some dozen of replications. */
const PRECISION = 0.12;

const brief = (workload: Workload, seconds: number): Workload => ({
  ...workload,
  run: { ...workload.run, duration: seconds * 1000 * MS, precision: PRECISION },
});

function closedPair(): Covered {
  const pool = { clients: 30, think: 100, service: 10 };
  const kind = closedKind(pool.clients, exponential(pool.think), exponential(pool.service));
  return {
    name: "M/M/3//30, and M/M/4//30",
    workloads: [3, 4].map((servers) => brief(textbook([kind], servers), 8)),
    laws: [3, 4].map((servers) => closedPool({ ...pool, servers })),
  };
}

function open(): Covered {
  const kind = openKind(exponential(1 / 0.3), exponential(10));
  const law = openPool({ rate: 0.3, service: 10, servers: 5 });
  return { name: "M/M/5, 60 %", workloads: [brief(textbook([kind], 5), 20)], laws: [law] };
}

function general(): Covered {
  const kind = openKind(exponential(20), { kind: "lognormal", mean: 10 * MS, cv: 1 });
  const law = generalService(1 / 20, lognormalServices(10, 1));
  return { name: "M/G/1, 50 %", workloads: [brief(textbook([kind], 1), 60)], laws: [law] };
}

const COVERED = [closedPair, open, general];

/** Counts, system by system. No study is stopped by the clock, so that the same seed counts the same. */
export async function coverage(options: CoverageOptions = {}): Promise<CoveredFigure[]> {
  const { seed = 1, studies: count = STUDIES, systems = COVERED.length } = options;
  const found: CoveredFigure[] = [];
  for (const [place, make] of COVERED.slice(0, systems).entries()) {
    const system = make();
    const counts = new Map<string, Counts>();
    for (let i = 0; i < count && !options.signal?.aborted; i++) {
      options.onProgress?.((place + i / count) / systems, system.name);
      const master = seed * 1_000_003 + place * 10_007 + i;
      const made = await studies(system.workloads, {
        seed: master,
        timeLimit: Number.POSITIVE_INFINITY,
      });
      for (const [figure, interval, exact] of intervals(made, system.laws))
        tally(counts, figure, interval, exact);
    }
    for (const [figure, each] of counts) found.push(summed(system.name, figure, each));
  }
  return found;
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
}

function tally(
  counts: Map<string, Counts>,
  figure: string,
  interval: Interval95 | undefined,
  exact: number,
): void {
  const each = counts.get(figure) ?? { held: 0, below: 0, above: 0 };
  counts.set(figure, each);
  const [low, high] = interval ?? [Number.NaN, Number.NaN];
  if (high < exact) each.below++;
  else if (low > exact) each.above++;
  else if (low <= exact) each.held++;
}

function summed(system: string, figure: string, counts: Counts): CoveredFigure {
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
