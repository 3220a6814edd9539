/**
 * `compare --clients`: the largest load that each pool mode carries within the objective, with confidence;
 * found by the search that `size` uses, on the same draws in every mode.
 */
import type { PoolMode } from "../../../engine/core/index.ts";
import type { Workload } from "../../../workloads/schema/workload.ts";
import { BY_MODE, saidOnce } from "../notes.ts";
import type { MostClients } from "../results/index.ts";
import { inTime, type StudyOptions, TIME_LIMIT_MS, TimeUp } from "../run.ts";
import { nameOfTerm } from "../slo.ts";
import { type Filling, filling, waitingInside } from "./inside.ts";
import { clientsOf, factorOf, LOAD, likelySize } from "./load.ts";
import { judge, Probes } from "./probes.ts";
import { narrow } from "./search.ts";

/** A load that nothing carries; the simulator is made for a million clients. */
const TOO_MANY = 1_000_001;

/** What was found, and what a reader should know of it. */
export interface MostFound {
  most: MostClients;
  notes: string[];
}

/**
 * The most clients with whom `workload` meets its objective. It takes `options.timeLimit` at most.
 * Errors: ConfigError when the model refuses the workload; TimeUp when nothing is known of any load.
 */
export async function mostClients(
  workload: Workload,
  options: StudyOptions = {},
): Promise<MostFound> {
  const probes = new Probes(workload, options, LOAD);
  const guess = Math.min(TOO_MANY - 1, likelySize(workload));
  const step = Math.max(1, Math.round(guess / 16));
  const filled = await fillingThatDoes(probes);
  const { good, bad } =
    filled === undefined
      ? await narrow(probes, { good: 0, bad: TOO_MANY }, guess, step)
      : { good: filled.size, bad: TOO_MANY };
  if (probes.all().length === 0) throw new TimeUp(nothingKnown);
  const run = probes.known(good)?.run;
  const beyond = probes.known(bad);
  const broken = beyond?.run.slo?.terms.find((term) => !(term.met && term.certain));
  const most: MostClients = {
    pool_mode: workload.settings.pool_mode,
    clients: clientsAt(workload, good),
    load: factorOf(workload, good),
    ...(run && {
      wait_p99_ms: run.wait_ms.p99,
      wait_p99_ms_ci95: run.wait_ms.p99_ci95 ?? null,
      throughput_tps: run.throughput_tps,
      utilization: run.utilization,
    }),
    beyond:
      beyond === undefined
        ? null
        : {
            clients: clientsAt(workload, bad),
            load: factorOf(workload, bad),
            term: broken === undefined ? null : nameOfTerm(broken),
            sure: judge(beyond) === "missed",
          },
    ...(filled && { any_number: { app_connections: filled.app_connections } }),
  };
  const inside = run === undefined ? [] : waitingInside(workload, run);
  const cut = filled === undefined ? unfinished(workload, good, bad) : [];
  if (good === 0) cut.push(...unknownOfAny(workload, most.beyond));
  const notes = [...cut, ...roomNeeded(workload, good), ...inside];
  return { most, notes };
}

/** Clients who fill the application's own pools and meet the objective: then any number of them does. */
async function fillingThatDoes(probes: Probes): Promise<Filling | undefined> {
  const found = filling(probes.workload);
  if (found === undefined || !(found.size < TOO_MANY)) return undefined;
  await inTime(probes.at(found.size));
  return probes.judge(found.size) === "met" ? found : undefined;
}

const nothingKnown =
  "the time was up before anything was known of how many clients it carries; give it more with --time-limit";

/** Clients that stay, of a load; null when all of them come from outside. */
function clientsAt(workload: Workload, size: number): number | null {
  if (clientsOf(workload) === undefined) return null;
  return clientsOf(LOAD.at(workload, size)) ?? 0;
}

function unfinished(workload: Workload, good: number, bad: number): string[] {
  if (bad - good <= 1) return [];
  const [carried, fails] = [good, bad].map((size) => LOAD.name(size, workload));
  const above = bad === TOO_MANY ? "more were not looked at" : `${fails} are too many`;
  return [
    `the time was up before the search was: ${carried} are carried, ${above}; give it more with --time-limit`,
  ];
}

/** That the smallest load is not carried for sure does not mean that it is too much. */
function unknownOfAny(workload: Workload, beyond: MostClients["beyond"]): string[] {
  if (beyond === null || beyond.sure) return [];
  const least = LOAD.name(1, workload);
  const term = beyond.term === null ? "" : ` of ${beyond.term}`;
  return [
    `${least} may be carried, too little was simulated to be sure${term}; give it more with --duration or --time-limit`,
  ];
}

function roomNeeded(workload: Workload, size: number): string[] {
  if (size === 0) return [];
  const [given, taken] = [workload, LOAD.at(workload, size)].map(
    (each) => each.settings.max_client_conn,
  );
  if (taken === given) return [];
  return [
    `max_client_conn was raised with the clients, to ${taken}: ${given} may turn some of them away`,
  ];
}

/**
 * Each mode's answer; every search gets its share of the time that is left. A mode of which nothing is known
 * when that is over has none, and a note says so.
 */
export async function mostClientsOfEach(
  byMode: readonly (readonly [PoolMode, Workload])[],
  options: StudyOptions = {},
): Promise<{ most_clients: MostClients[]; notes: string[] }> {
  const end = performance.now() + (options.timeLimit ?? TIME_LIMIT_MS);
  const searched = byMode.filter(([mode, workload]) => !likeTransaction(mode, workload));
  const most_clients: MostClients[] = [];
  const told: [PoolMode, string[]][] = [];
  for (const [i, [mode, workload]] of searched.entries()) {
    if (options.signal?.aborted) break;
    const timeLimit = Math.max(0, end - performance.now()) / (searched.length - i);
    const found = await inTime(mostClients(workload, { ...options, timeLimit }));
    if (found !== undefined) {
      most_clients.push({ ...found.most, pool_mode: mode });
      told.push([mode, found.notes]);
    } else if (!options.signal?.aborted) told.push([mode, [nothingKnown]]);
  }
  const notes = saidOnce(
    told.map(([mode]) => mode),
    told.map(([, own]) => own),
    BY_MODE,
  );
  const model = most_clients.find(({ pool_mode }) => pool_mode === "transaction");
  if (searched.length < byMode.length && model !== undefined) {
    most_clients.push({ ...model, pool_mode: "statement" });
    notes.push("statement mode: as transaction mode, for every transaction is a single statement");
  }
  return { most_clients, notes };
}

/** Where no transaction has a second statement, both modes give a connection back after the first. */
function likeTransaction(mode: PoolMode, { clients }: Workload): boolean {
  const single = clients.every(({ transaction: { statements } }) => {
    return statements.kind === "constant" && statements.value <= 1;
  });
  return mode === "statement" && single;
}
