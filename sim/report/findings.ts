/** What a result says, in sentences: the part of a report that most people read. */
import type { Difference, Interval95, Result, Run, SloOutcome } from "../study/results/index.ts";
import { besideLimit, nameOfTerm, ofWhat } from "../study/slo.ts";
import { configurationOf, modeOf } from "./figures.ts";
import { digits, duration, durations, percent, whole } from "./units.ts";

/** One run: how many wait, how long, and what went wrong. */
export function runFindings(run: Run): string[] {
  const { wait_ms } = run;
  const [mean, p99] = durations([wait_ms.mean, wait_ms.p99]);
  const head = capital(configurationOf(run));
  if (run.transactions === 0) return [`${head}: ${NO_TRANSACTION}`, ...trouble(run)];
  if (run.unsteady !== undefined) return [`${head}: ${run.unsteady}.`, ...trouble(run)];
  const waits =
    wait_ms.max === 0
      ? `nobody${run.clients_waiting.unserved > 0 ? " who is served" : ""} waits`
      : `${percent(run.wait_probability)} of the transactions wait; ${mean} on average over all` +
        (wait_ms.p99 === 0 ? "" : `, 1 in 100 longer than ${p99}`);
  return [`${head}: ${waits}.`, ...trouble(run), ...sloFindings(run.slo)];
}

export const NO_TRANSACTION =
  "not one transaction was completed in the simulated time; give it more with --duration.";

/** What should not happen in a healthy pool; empty when it does not. */
export function trouble(run: Run): string[] {
  const dropped = Object.entries(run.errors).map(([reason, times]) => `${reason} ${whole(times)}`);
  const found: string[] = [];
  const { unserved } = run.clients_waiting;
  if (unserved > 0) found.push(starved(run));
  if (dropped.length > 0) found.push(`${modeName(run)}: clients dropped: ${dropped.join(", ")}.`);
  if (!run.precise && run.unsteady === undefined) {
    found.push(
      `${modeName(run)}: the asked-for precision was not reached: ` +
        "give it more with --time-limit or --replications.",
    );
  }
  return found;
}

function starved(run: Run): string {
  const { unserved } = run.clients_waiting;
  const who =
    unserved === 1 ? "client waits at any moment and gets" : "clients wait at any moment and get";
  const others = run.transactions > 0 ? "; its waits are those of the transactions that did" : "";
  return `${modeName(run)}: ${digits(unserved)} ${who} no server connection${others}.`;
}

/** Each term of the objective and whether it is met. */
export function sloFindings(slo: SloOutcome | undefined): string[] {
  if (slo === undefined) return [];
  const terms = slo.terms.map((term) => {
    const limit = valueText(term.limit, term.unit);
    const verdict = `${term.met ? "met" : "NOT met"}${term.certain ? "" : ", within the error"}`;
    const own = besideLimit(term, valueText(term.value, term.unit), limit);
    return `${nameOfTerm(term)} ${own}${ofWhat(term)}, limit ${limit}: ${verdict}`;
  });
  return terms.length === 0 ? [] : [`SLO: ${terms.join("; ")}.`];
}

function valueText(value: number, unit: string): string {
  if (unit === "ms") return duration(value);
  return unit === "" ? percent(value) : `${digits(value)} ${unit}`;
}

/** Modes against each other. */
export function comparisonFindings(result: Result): string[] {
  const { differences = [] } = result;
  // By the mode that is compared, whatever one user's pools keep.
  const runs = result.runs.map(({ pools: _, ...run }): Run => run);
  const hungry = runs.filter((run) => run.clients_waiting.unserved > 0);
  // First: a mode that serves a few without a wait and the others never is not the better one.
  const first = hungry.map(starved);
  const unequal = ({ from, to }: Difference): boolean =>
    hungry.some(({ pool_mode }) => pool_mode === from || pool_mode === to);
  const compared = differences.filter(({ from, to }) =>
    runs.every((run) => run.transactions > 0 || ![from, to].includes(run.pool_mode)),
  );
  const changes = compared.map((each) => differenceFinding(each, unequal(each)));
  const modes = runs.flatMap((run) => [...unsettled(run), ...trouble(run), ...sloOfMode(run)]);
  return [...first, ...changes, ...carried(runs), ...modes.filter((text) => !first.includes(text))];
}

function unsettled(run: Run): string[] {
  if (run.transactions === 0) return [`${modeName(run)}: ${NO_TRANSACTION}`];
  return run.unsteady === undefined ? [] : [`${modeName(run)}: ${run.unsteady}.`];
}

/** Differences in the mean wait that nobody would act on, however certain they are. */
const TRIFLING_MS = 0.01;

/** `served`: one of the two leaves clients unserved, so that the waits are not of the same clients. */
function differenceFinding(difference: Difference, served: boolean): string {
  const { from, to } = difference;
  const { wait_mean_ms, wait_mean_ms_ci95, throughput_tps, throughput_tps_ci95 } = difference;
  const waits = changeOf(wait_mean_ms, wait_mean_ms_ci95, durations, TRIFLING_MS);
  const rates = changeOf(throughput_tps, throughput_tps_ci95, (all) => all.map(digits), 0);
  const mean = served ? "mean wait of those served" : "mean wait";
  const noWait = noneOf(wait_mean_ms_ci95);
  const noRate = noneOf(throughput_tps_ci95);
  const wait = waits === undefined ? `${noWait} in the ${mean}` : `${mean} ${waits}`;
  const rate =
    rates === undefined
      ? `${waits === undefined && noWait === noRate ? "nor" : noRate} in throughput`
      : `throughput ${rates} transactions/s`;
  const both = waits === undefined && rates !== undefined ? "; " : ", ";
  return `${capital(to)} mode instead of ${from} mode: ${wait}${both}${rate}.`;
}

/** Where there is no interval a difference may be there all the same. */
const noneOf = (interval: Interval95): string =>
  interval === null ? "nothing is sure of a difference" : "no real difference";

/** `8.91 ms less (95 %: 8.40 to 9.50 ms)`; undefined when it may be chance, or a `trifle`. */
function changeOf(
  change: number,
  interval: Interval95,
  texts: (values: readonly number[]) => string[],
  trifle: number,
): string | undefined {
  if (interval === null || (interval[0] <= trifle && interval[1] >= -trifle)) return undefined;
  const [size, one, other] = texts([change, ...interval].map(Math.abs));
  const ends = change < 0 ? [other, one] : [one, other];
  return `${size} ${change < 0 ? "less" : "more"} (95 %: ${ends.join(" to ")})`;
}

/** Clients per server connection, mode by mode: what sharing buys. A queue that grows is none of it. */
function carried(runs: readonly Run[]): string[] {
  const settled = runs.filter(({ unsteady }) => unsteady === undefined);
  const parts = settled.map((run) => `${run.pool_mode} ${digits(run.multiplexing)}`);
  return parts.length === 0 ? [] : [`Clients per server connection: ${parts.join(", ")}.`];
}

function sloOfMode(run: Run): string[] {
  if (run.transactions === 0) return [];
  return sloFindings(run.slo).map((text) => `${modeName(run)}: ${text}`);
}

function modeName(run: Run): string {
  return capital(modeOf(run) ?? "all pools");
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
