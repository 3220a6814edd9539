/**
 * The charts once more, small, of characters: what a terminal shows of each of them. A picture that would say
 * nothing is an empty text.
 */
import type {
  ComparedQuantile,
  CurvePoint,
  Occupancy,
  Run,
  Validated,
} from "../study/results/index.ts";
import { bars, lane, shade, sparkline } from "./blocks.ts";
import { shortOf } from "./figures.ts";
import { digits, duration, percent, whole } from "./units.ts";

const PICTURED = [0.5, 0.9, 0.95, 0.99, 0.999];

/** The distribution of the waits: what so many of the transactions wait at most. */
export function waitBars(run: Run): string {
  const rows = PICTURED.flatMap((p) => {
    const point = (run.distribution ?? []).find((each) => Math.abs(each.p - p) < 1e-9);
    if (point === undefined) return [];
    const label = `${percent(p)} wait at most`;
    return [{ label, value: point.wait_ms, text: duration(point.wait_ms) }];
  });
  return rows.length === 0 ? "" : `Waits\n${bars(rows)}\n`;
}

/** The queue over time. */
export function queueLine({ timeline = [] }: Run): string {
  const most = Math.max(0, ...timeline.map((moment) => moment.clients_waiting));
  const last = timeline.at(-1);
  if (last === undefined || most === 0) return "";
  const line = sparkline(timeline.map((moment) => moment.clients_waiting));
  const title = `Clients waiting, first replication, 0 to ${duration(last.at_s * 1000)}`;
  return `${title}; at most ${digits(most)}\n${line}\n`;
}

/** Lanes that fit above a prompt. */
const LANES = 16;

/** Who has which server connection, from when to when. */
export function occupancyLanes({ spans, servers, to_ms }: Occupancy, of = ""): string {
  const drawn = Math.min(servers, LANES);
  const lines = Array.from({ length: drawn }, (_, i) => {
    const own = spans.filter((span) => span.server === i + 1);
    const stretches = own.map(({ from_ms, to_ms: to, used }) => ({
      ...{ from: from_ms, to, mark: used ? "█" : "▒" },
    }));
    const number = `${String(i + 1).padStart(3)}  `;
    return `${number}${lane(stretches, to_ms, 60, number.length)}`;
  });
  const title = `Server connections${of}, 0 to ${duration(to_ms)}: █ working, ▒ held, not used, ░ a little of it, · free`;
  const more = servers > drawn ? [`     and ${whole(servers - drawn)} more`] : [];
  return servers === 0 ? "" : `${[title, ...lines, ...more].join("\n")}\n`;
}

/** Several runs side by side, by what they are called. */
export function runsBars(runs: readonly Run[], name: (run: Run) => string): string {
  if (runs.length < 2) return "";
  const picture = (title: string, value: (run: Run) => number, text: (value: number) => string) => {
    const rows = runs.map((run) => ({
      label: name(run),
      value: value(run),
      text: text(value(run)),
    }));
    return rows.some((row) => row.value > 0) ? `${title}\n${bars(rows)}\n` : "";
  };
  return [
    picture("Wait, p99", (run) => run.wait_ms.p99, duration),
    picture(
      "Throughput",
      (run) => run.throughput_tps,
      (rate) => `${digits(rate)}/s`,
    ),
  ]
    .filter((text) => text !== "")
    .join("\n");
}

/** Wait (or response, where a bigger pool can hurt) and throughput over the pool size. */
export function curveBars(curve: readonly CurvePoint[], response: boolean): string {
  if (curve.length < 2) return "";
  const picture = (title: string, row: (point: CurvePoint) => [number, string]): string => {
    const rows = curve.map((point) => {
      const [value, text] = row(point);
      return { label: `${point.pool_size}`, value, text };
    });
    return `${title} over the pool size\n${bars(rows)}\n`;
  };
  return [
    picture(`${response ? "Response" : "Wait"}, p99,`, (point) => {
      const value = response ? point.response_p99_ms : point.wait_p99_ms;
      return [value, duration(value)];
    }),
    picture("Throughput", ({ throughput_tps }) => [throughput_tps, `${digits(throughput_tps)}/s`]),
  ].join("\n");
}

/** The p99 wait over two keys as shades. */
export function shadeMap(runs: readonly Run[], x: string, y: string): string {
  const waits = runs.map((run) => run.wait_ms.p99).filter((wait) => wait > 0);
  const [low, high] = [Math.min(...waits), Math.max(...waits)];
  const named = (run: Run, key: string): string => `${run.settings[key]}`;
  const columns = [...new Set(runs.map((run) => named(run, x)))];
  const rows = [...new Set(runs.map((run) => named(run, y)))].reverse();
  if (waits.length === 0 || rows.length < 2) return "";
  const wide = 2 + Math.max(...columns.map((column) => column.length));
  const label = Math.max(...rows.map((row) => row.length));
  const cell = (column: string, row: string): string => {
    const run = runs.find((each) => named(each, x) === column && named(each, y) === row);
    return run === undefined ? "" : shade(run.wait_ms.p99, low, high).repeat(wide - 1);
  };
  const lines = rows.map((row) => {
    const cells = columns.map((column) => ` ${cell(column, row)}`.padEnd(wide));
    return `${row.padStart(label)}  ${cells.join("")}`.trimEnd();
  });
  const foot = `${" ".repeat(label)}  ${columns.map((column) => column.padStart(wide)).join("")}`;
  const title = `Wait, p99: darker is longer, ${duration(low)} to ${duration(high)}; ${y} upwards, ${x} to the right`;
  return `${[title, ...lines, foot].join("\n")}\n`;
}

/** Beyond this share of the transactions a line would show the unluckiest alone. */
const LAST = 0.99;
const POINTS = 40;

/** The waits, predicted and live, from the shortest to the longest but one in a hundred. */
export function quantileLines(validations: readonly Validated[]): string {
  const lines = validations.flatMap((each) => {
    const { quantiles } = each;
    const shown = evenly(quantiles);
    const top = Math.max(0, ...shown.flatMap((each) => [each.predicted_ms, each.live_ms]));
    if (top === 0) return [];
    const predicted = shown.map((each) => each.predicted_ms);
    const live = shown.map((each) => each.live_ms);
    const name = shortOf(each).replace(",", "").padEnd(15);
    return [
      `${name} predicted  ${sparkline(predicted, POINTS, top)}  at most ${duration(top)}`,
      `${" ".repeat(name.length)} live       ${sparkline(live, POINTS, top)}`,
    ];
  });
  const title = "Waits, the shortest on the left, up to the longest but one in a hundred";
  return lines.length === 0 ? "" : `${title}\n${lines.join("\n")}\n`;
}

/** The quantiles at shares that lie evenly; given are more of them where the tail is. */
function evenly(quantiles: readonly ComparedQuantile[]): ComparedQuantile[] {
  return Array.from({ length: POINTS }, (_, i) => ((i + 1) * LAST) / POINTS).flatMap(
    (share) => quantiles.find(({ p }) => p >= share - 1e-9) ?? [],
  );
}
