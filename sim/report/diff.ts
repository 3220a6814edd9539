/** `diff` as text and as a report: what changed in the settings, and what that does to a workload. */
import type { Difference, Interval95, Result, Run } from "../study/results/index.ts";
import { starves, turnedAway, turnsAway } from "../study/slo.ts";
import { nounFor } from "../study/words.ts";
import { distribution } from "./charts/distributions.ts";
import { type Bars, runBars } from "./charts/modes.ts";
import { between, figuresOf, provenance } from "./figures.ts";
import { NO_TRANSACTION, sloFindings, trouble } from "./findings.ts";
import type { Report } from "./html.ts";
import { MEANING, type Table } from "./tables.ts";
import { terminal } from "./terminal.ts";
import { BLUE, VERMILLION } from "./theme.ts";
import { digits, durations, memory, NOTHING, whole } from "./units.ts";

/** The whole report, for `--chart`. */
export function diffReport(result: Result): Report {
  const { old, fresh, difference } = both(result);
  const title = `Change of settings: ${result.workload}`;
  const named: Bars[] = [
    { label: "old", colour: BLUE, run: old },
    { label: "new", colour: VERMILLION, run: fresh },
  ];
  const subtitle = "the same draws under both; whiskers are 95 % confidence intervals";
  return {
    title,
    findings: [...diffFindings(result), ...(result.notes ?? []), repeat(result)],
    charts: [runBars(title, subtitle, named), waits(named)],
    tables: [changeTable(result), effectTable(old, fresh, difference), sidesTable(old, fresh)],
    data: result,
  };
}

/** The terminal's version; `quiet` leaves out the whole list of figures. */
export function diffText(result: Result, quiet: boolean): string {
  const { old, fresh, difference } = both(result);
  const tables = [changeTable(result), effectTable(old, fresh, difference)];
  if (!quiet) tables.push(sidesTable(old, fresh));
  const shown = tables.filter(({ rows }) => rows.length > 0).map(terminal);
  return [diffFindings(result).join("\n"), ...shown, repeat(result)]
    .join("\n\n")
    .replaceAll(/\n{3,}/g, "\n\n");
}

function both({ runs, differences }: Result): { old: Run; fresh: Run; difference: Difference } {
  const [[old, fresh], [difference]] = [runs, differences ?? []];
  if (old === undefined || fresh === undefined || difference === undefined)
    throw new RangeError("a report of a change needs two runs and their difference");
  return { old, fresh, difference };
}

const VERDICTS = {
  pass: "Verdict: pass. The new settings meet the objective.",
  fail: "Verdict: fail.",
  unsure: "Verdict: unsure. There is no objective: give one with --wait-p99 or --timeouts.",
} as const;

/** What lies within the error may be otherwise on other draws, or on a longer day. */
function verdictText({ verdict = "unsure", slo }: Result, old: Run, fresh: Run): string {
  const terms = slo?.terms ?? [];
  const away = turnsAway(old, fresh) || starves(old, fresh);
  const doubtful =
    verdict === "pass"
      ? terms.some((term) => !term.certain)
      : verdict === "fail" && !away && !terms.some((term) => !term.met && term.certain);
  if (!doubtful) return VERDICTS[verdict];
  if (fresh.transactions === 0)
    return `Verdict: ${verdict}, but not surely: there is no transaction to judge by.`;
  const reason =
    fresh.unsteady === undefined
      ? `the objective is ${verdict === "pass" ? "met" : "missed"} within the error; give it more with --precision`
      : "nothing settles within the simulated time";
  return `Verdict: ${verdict}, but not surely: ${reason}.`;
}

/** The verdict, its reasons, and the effects that are more than chance. */
function diffFindings(result: Result): string[] {
  const { old, fresh, difference } = both(result);
  const gone = turnedAway(fresh);
  const away = `The new settings turn ${whole(gone)} ${nounFor(gone, "client")} away, the old ones none.`;
  const before = old.slo?.met === false ? "Old settings: the objective is not met either." : "";
  return [
    [
      verdictText(result, old, fresh),
      ...(fresh.transactions === 0 ? [] : sloFindings(result.slo)),
    ].join(" "),
    turnsAway(old, fresh) ? away : "",
    result.verdict === "fail" ? before : "",
    result.changes?.length === 0 ? "No setting has changed." : "",
    ...effectFindings(old, fresh, difference),
    ...troubles(old).map((text) => `Old settings: ${text}`),
    ...troubles(fresh).map((text) => `New settings: ${text}`),
  ].filter((text) => text !== "");
}

const troubles = (run: Run): string[] => [
  ...(run.transactions === 0 ? [NO_TRANSACTION] : []),
  ...(run.unsteady === undefined ? [] : [`${run.unsteady}.`]),
  ...trouble(run),
];

/** What is more than chance, and of what that cannot be said. */
function effectFindings(old: Run, fresh: Run, difference: Difference): string[] {
  const all = effects(old, fresh, difference);
  const real = all.filter(({ interval }) => certain(interval));
  const names = real.map(({ name, value, texts }) => `${name} ${change(value, texts)}`);
  if (all.every(({ value = 0 }) => value === 0) && allAlike(old, fresh))
    return ["No difference: every figure is the same."];
  const unknown = all.filter(({ interval }) => interval === null).map(({ name }) => name);
  const found = names.length === 0 ? [] : [`Real differences: ${names.join("; ")}.`];
  if (unknown.length > 0) found.push(`Differences that nothing is sure of: ${unknown.join("; ")}.`);
  return found.length === 0 ? ["No difference that is more than chance."] : found;
}

function allAlike(old: Run, fresh: Run): boolean {
  const pairs = figuresOf(old).map(({ texts }) => texts([old, fresh]));
  return pairs.every(([before, after]) => before === after);
}

interface Effect {
  name: string;
  value: number | undefined;
  interval: Interval95 | undefined;
  texts(values: readonly number[]): string[];
}

function effects(old: Run, fresh: Run, difference: Difference): Effect[] {
  // A queue that never settles has no wait of its own.
  const settled = [old, fresh].every((run) => run.unsteady === undefined);
  const again = [old, fresh].some(({ retries = 0 }) => retries > 0);
  const each = (text: (value: number) => string) => (values: readonly number[]) => values.map(text);
  const row = (
    name: string,
    key:
      | "wait_mean_ms"
      | "wait_p99_ms"
      | "timeouts"
      | "server_connections"
      | "memory_mb"
      | "throughput_tps",
    texts: Effect["texts"],
  ): Effect => ({
    name,
    value: settled || !key.startsWith("wait") ? difference[key] : undefined,
    interval: difference[`${key}_ci95`],
    texts,
  });
  return [
    row("wait, mean", "wait_mean_ms", durations),
    row("wait, p99", "wait_p99_ms", durations),
    row(again ? "timeouts, of attempts" : "timeouts", "timeouts", each(points)),
    row("server connections, mean", "server_connections", each(digits)),
    // The mean of the replications: the figure of each side is the most of them.
    row("memory, most of a replication", "memory_mb", each(memory)),
    row(
      "throughput",
      "throughput_tps",
      each((value) => `${digits(value)}/s`),
    ),
  ];
}

/** A difference of shares: from 1 % to 4 % are 3 points. */
const points = (share: number): string => `${digits(100 * share)} points`;

function certain(interval: Interval95 | undefined): boolean {
  return interval != null && (interval[0] > 0 || interval[1] < 0);
}

function change(value: number | undefined, texts: Effect["texts"]): string {
  return value === undefined ? NOTHING : (signed(texts)([value])[0] as string);
}

function signed(texts: Effect["texts"]): Effect["texts"] {
  return (values) =>
    texts(values).map((text, i) => ((values[i] as number) > 0 ? `+${text}` : text));
}

/** New minus old, with the interval of the paired difference. */
function effectTable(old: Run, fresh: Run, difference: Difference): Table {
  return {
    title:
      "New minus old (95 % interval of the paired difference; it is real when 0 is not inside)",
    head: ["", "change", "95 % interval", "real"],
    align: ["left", "right", "right", "left"],
    rows: effects(old, fresh, difference).map(({ name, value, interval, texts }) => [
      name,
      change(value, texts),
      between(interval, signed(texts)),
      interval === null ? NOTHING : certain(interval) ? "yes" : "no",
    ]),
  };
}

const NEEDS = {
  reload: "RELOAD",
  reconnect: "RELOAD, which reconnects",
  restart: "a restart",
} as const;

/** The settings that are not as they were. */
function changeTable({ changes = [] }: Result): Table {
  return {
    title: changes.length === 0 ? "No setting has changed" : "Settings that have changed",
    head: ["", "old", "new", "it takes", "simulated"],
    align: ["left", "left", "left", "left", "left"],
    rows: changes.map(({ section, name, from, to, needs, scheduler }) => [
      section === "pgbouncer" ? name : `[${section}] ${name}`,
      from ?? NOTHING,
      to ?? NOTHING,
      NEEDS[needs],
      scheduler ? "yes" : "no",
    ]),
  };
}

/** All figures of both runs. */
function sidesTable(old: Run, fresh: Run): Table {
  return {
    title: "Under the old and the new settings",
    head: ["", "old", "new", MEANING],
    align: ["left", "right", "right", "left"],
    rows: figuresOf(old).map(({ name, texts, meaning }) => [name, ...texts([old, fresh]), meaning]),
  };
}

function waits(named: readonly Bars[]) {
  const series = named.map(({ label, colour, run }) => ({
    label,
    colour,
    points: (run.distribution ?? []).map(({ p, wait_ms }) => ({ p, ms: wait_ms })),
  }));
  return distribution("Waits under both", "Wait for a server connection", series);
}

function repeat(result: Result): string {
  const { old, fresh } = both(result);
  const precise = old.precise && fresh.precise;
  return `To repeat: ${provenance({ ...fresh, precise }, result.seed, result.precision)}.`;
}
