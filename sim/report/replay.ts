/** `replay` as text and as a report: whether the decisions are the recorded ones, and what they came to. */
import type { Replay, Result } from "../study/results/index.ts";
import { queueDepth } from "./charts/index.ts";
import type { Report } from "./html.ts";
import type { Table } from "./tables.ts";
import { terminal } from "./terminal.ts";
import { digits, duration, durations, whole } from "./units.ts";

/** The whole report, for `--chart`. */
export function replayReport(result: Result): Report {
  const replay = only(result);
  return {
    title: `Replayed: ${result.workload}`,
    findings: [...findings(replay), ...(result.notes ?? [])],
    charts: [queueDepth(`Queue over time: ${result.workload}`, replay.timeline, RECORDED)],
    tables: [countTable(replay), poolTable(replay)],
    data: result,
  };
}

const RECORDED = { time: "Recorded time", subtitle: "one sample a row, not the worst moment" };

/** The terminal's version. */
export function replayText(result: Result): string {
  const replay = only(result);
  const tables = [countTable(replay), poolTable(replay)].filter(({ rows }) => rows.length > 0);
  return [findings(replay).join("\n"), ...tables.map(terminal)].join("\n\n");
}

function only({ replay }: Result): Replay {
  if (replay === undefined) throw new RangeError("a report of a replay needs one");
  return replay;
}

function findings(replay: Replay): string[] {
  const { checks, cut_bytes, decisions, difference, equal } = replay;
  const compared = `${whole(decisions)} decisions, hashed ${whole(checks)} times`;
  const verdict = {
    true: `Verdict: pass. Every decision is the recorded one: ${compared}.`,
    null: `Verdict: unsure. The journal is too short to hold a hash to compare with.`,
    false: `Verdict: fail. ${difference?.message ?? ""}.`,
  }[String(equal)];
  const cut =
    `The journal was cut off: its last ${whole(cut_bytes)} bytes are no whole record. ` +
    "Decisions after its last hash are replayed, but not compared.";
  return [verdict ?? "", ...(cut_bytes > 0 && equal !== false ? [cut] : [])];
}

function countTable({ inputs, kinds, recorded_s, turns, wait_ms }: Replay): Table {
  const names = ["mean", "p50", "p95", "p99", "max"] as const;
  const waits = durations(names.map((name) => wait_ms[name]));
  const rows = [
    ["recorded", duration(recorded_s * 1000)],
    ["inputs", whole(inputs ?? Number.NaN)],
    ["turns", whole(turns)],
    ...Object.entries(kinds).map(([kind, count]) => [`decisions: ${kind}`, whole(count)]),
    ...names.map((name, i) => [`wait, ${name}`, waits[i] as string]),
  ];
  return { title: "The recording", head: ["", "value"], align: ["left", "right"], rows };
}

function poolTable({ pools }: Replay): Table {
  return {
    title: "Its pools",
    head: ["database", "user", "mode", "size", "transactions", "assignments", "wait, all"],
    align: ["left", "left", "left", "right", "right", "right", "right"],
    rows: pools.map((pool) => [
      ...[pool.database, pool.user, pool.pool_mode, digits(pool.pool_size)],
      ...[whole(pool.transactions), whole(pool.assignments), duration(pool.wait_s * 1000)],
    ]),
  };
}
