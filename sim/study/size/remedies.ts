/**
 * What would meet the objective where no pool does because the cores are the limit: more of them, or
 * statements that need less. Simulated like everything else, each at a few pool sizes.
 */
import type { Workload } from "../../../workloads/schema/workload.ts";
import { counted } from "../words.ts";
import { judge, type Probes } from "./probes.ts";
import { withCores, withPoolSize, withService } from "./variants.ts";

/** Factors in order; the first that does is the answer. */
const FACTORS = [1.25, 1.5, 2, 3, 4, 8];

/** In sentences; those for which no time is left are left out. `best`: the best size as things are. */
export async function remedies(probes: Probes, best: number, until: number): Promise<string[]> {
  const { workload } = probes;
  const { cores } = workload.server;
  const found: string[] = [];
  const lighter = await least(probes, best, until, (factor) => withService(workload, 1 / factor));
  if (lighter !== undefined)
    found.push(
      `statements that take ${percent(1 / lighter.factor)} of their time would meet it, ` +
        `with ${counted(lighter.size, "connection")}`,
    );
  if (cores === undefined) return found;
  const more = (factor: number): Workload => withCores(workload, Math.ceil(factor * cores) / cores);
  const stronger = await least(probes, best, until, more);
  if (stronger !== undefined)
    found.push(
      `${Math.ceil(stronger.factor * cores)} cores instead of ${cores} would meet it, ` +
        `with ${counted(stronger.size, "connection")}`,
    );
  return found;
}

/** Bisects over the factors: more of a good thing never makes it worse. */
async function least(
  probes: Probes,
  best: number,
  until: number,
  variant: (factor: number) => Workload,
): Promise<{ factor: number; size: number } | undefined> {
  let [low, high] = [0, FACTORS.length];
  let answer: { factor: number; size: number } | undefined;
  while (low < high && probes.spent < until) {
    const middle = (low + high) >> 1;
    const factor = FACTORS[middle] as number;
    probes.tell(`what would do: ${factor} times as much`);
    const size = await meetingSize(probes, variant(factor), [best, Math.ceil(factor * best)]);
    if (size === undefined) low = middle + 1;
    else {
      answer = { factor, size };
      high = middle;
    }
  }
  return answer;
}

async function meetingSize(
  probes: Probes,
  workload: Workload,
  sizes: readonly number[],
): Promise<number | undefined> {
  for (const size of new Set(sizes))
    if (judge(await probes.probe(withPoolSize(workload, size))) === "met") return size;
  return undefined;
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;
