/** The `schedule` of a workload file: load that changes with time, and what fails. */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { ConfigError, didYouMean, whyUnreadable } from "../../engine/config/index.ts";
import { type Nanos, SECOND } from "../../engine/core/index.ts";
import { MOST_LOAD, type WorkloadFile } from "./file.ts";
import type { At } from "./server.ts";
import { duration, EXPECTED } from "./units.ts";
import type { Fault, LoadCurve, ScheduleEntry, Workload } from "./workload.ts";

type Entry = NonNullable<WorkloadFile["schedule"]>[number];
type Key = keyof Entry;

/** What an entry is, by the key that tells, with the other keys that it must and may have. */
const SHAPES = [
  { tells: "fault", must: ["at", "for"], may: ["shutdown"] },
  { tells: "curve", must: ["clients"], may: ["every"] },
  { tells: "factor", must: ["at", "for", "clients"], may: ["over"] },
] as const satisfies readonly { tells: Key; must: readonly Key[]; may: readonly Key[] }[];

const DAY: Nanos = 86_400 * SECOND;

/**
 * Checks the entries and sorts them by what they are; load of clients who are not among those present is left
 * out. Errors: ConfigError.
 */
export function scheduleOf(
  { schedule = [], clients }: WorkloadFile,
  present: readonly { name: string }[],
  file: string,
  at: At,
): Pick<Workload, "schedule" | "curves" | "faults"> {
  const names = clients.map((kind) => kind.name);
  const loads: ScheduleEntry[] = [];
  const curves: LoadCurve[] = [];
  const faults: Fault[] = [];
  schedule.forEach((entry, i) => {
    checkKeys(entry, i, at);
    const [begin, length] = [duration(entry.at) ?? 0, duration(entry.for) ?? 0];
    if (entry.fault !== undefined) {
      faults.push(faultOf(entry, i, { at: begin, for: length, fault: entry.fault }, at));
      return;
    }
    const name = checkName(entry.clients as string, names, i, at);
    if (entry.curve !== undefined) {
      const place = at("schedule", i, "curve");
      curves.push(curveOf(entry, name, resolve(dirname(file), entry.curve), place, i));
    } else {
      const over = entry.over === undefined ? undefined : duration(entry.over);
      loads.push({ at: begin, for: length, clients: name, factor: entry.factor ?? 1, over });
    }
  });
  faults.sort((a, b) => a.at - b.at);
  checkFaults(faults, schedule, at);
  checkCurves(curves, schedule, at);
  const there = (each: { clients: string }): boolean =>
    present.some((kind) => kind.name === each.clients);
  const drawn = curves.filter(there);
  return {
    schedule: loads.filter(there),
    ...(drawn.length > 0 && { curves: drawn }),
    ...(faults.length > 0 && { faults }),
  };
}

function faultOf({ shutdown }: Entry, i: number, fault: Fault, at: At): Fault {
  if (shutdown === undefined) return fault;
  if (fault.fault.startsWith("pooler_")) return { ...fault, shutdown };
  throw new ConfigError({
    at: at("schedule", i, "shutdown"),
    name: `schedule[${i}].shutdown`,
    problem: `does not go with fault: ${fault.fault}`,
    expected: "fault: pooler_restart or pooler_takeover beside it",
    fix: "remove it",
  });
}

function checkKeys(entry: Entry, i: number, at: At): void {
  const shape = SHAPES.find(({ tells }) => entry[tells] !== undefined);
  if (shape === undefined)
    throw new ConfigError({
      at: at("schedule", i),
      name: `schedule[${i}]`,
      problem: "says nothing that happens",
      expected: "factor (load), curve (load by a file) or fault (of the database, of the pooler)",
      fix: "add factor: 3",
    });
  const missing = shape.must.find((key) => entry[key] === undefined);
  if (missing !== undefined)
    throw new ConfigError({
      at: at("schedule", i),
      name: `schedule[${i}].${missing}`,
      expected: `${shape.must.join(", ")} beside ${shape.tells}`,
    });
  const known: readonly Key[] = [shape.tells, ...shape.must, ...shape.may];
  const odd = (Object.keys(entry) as Key[]).find((key) => !known.includes(key));
  if (odd === undefined) return;
  throw new ConfigError({
    at: at("schedule", i, odd),
    name: `schedule[${i}].${odd}`,
    problem: `does not go with ${shape.tells}`,
    expected: known.join(", "),
    fix: "remove it, or make two entries of it",
  });
}

function checkName(name: string, names: readonly string[], i: number, at: At): string {
  if (names.includes(name)) return name;
  throw new ConfigError({
    at: at("schedule", i, "clients"),
    name: `schedule[${i}].clients`,
    got: name,
    expected: `one of ${names.join(" | ")}`,
    fix: didYouMean(name, names),
  });
}

function checkFaults(faults: readonly Fault[], schedule: readonly Entry[], at: At): void {
  const second = faults.find((fault, i) => {
    const before = faults[i - 1];
    return before !== undefined && before.at + before.for > fault.at;
  });
  if (second === undefined) return;
  const i = schedule.findIndex((entry) => entry.fault && duration(entry.at) === second.at);
  throw new ConfigError({
    at: at("schedule", i),
    name: `schedule[${i}]`,
    problem: `begins a ${second.fault} before the fault before it is over`,
    expected: "one fault at a time",
  });
}

/** A curve says it all about the load of its kind. */
function checkCurves(curves: readonly LoadCurve[], schedule: readonly Entry[], at: At): void {
  for (const { clients } of curves) {
    const i = schedule.findLastIndex((entry) => entry.clients === clients);
    const others = schedule.filter((entry) => entry.clients === clients);
    if (others.length === 1) continue;
    throw new ConfigError({
      at: at("schedule", i),
      name: `schedule[${i}]`,
      problem: `changes the load of ${clients} beside its curve`,
      expected: "one curve, or factors",
      fix: "write the change into the curve's file",
    });
  }
}

function curveOf(entry: Entry, clients: string, file: string, at: string, i: number): LoadCurve {
  const every = entry.every === undefined ? DAY : (duration(entry.every) ?? 0);
  const points: LoadCurve["points"] = [];
  linesOf(file, at, `schedule[${i}].curve`).forEach((line, number) => {
    const place = `${file}:${number + 1}`;
    const [when = "", factor = "", ...more] = line.split(",").map((part) => part.trim());
    const header = number === 0 && /^[a-z_ ]+$/i.test(when);
    if (line.trim() === "" || header) return;
    const known = factor !== "" && Number(factor) >= 0 && Number(factor) <= MOST_LOAD;
    if (more.length > 0 || !known)
      throw new ConfigError({ at: place, name: "line", got: line, expected: LINE });
    points.push({ at: timeOf(when, place), factor: Number(factor) });
    const [before, last] = points.slice(-2);
    if (last !== undefined && before !== undefined && last.at <= before.at)
      throw new ConfigError({ at: place, name: "time", got: when, expected: "times that rise" });
    if (points[0]?.at !== 0)
      throw new ConfigError({ at: place, name: "time", got: when, expected: "00:00 first" });
    if ((points.at(-1)?.at ?? 0) >= every)
      throw new ConfigError({ at: place, name: "time", got: when, expected: "less than `every`" });
  });
  if (points.length === 0)
    throw new ConfigError({ at: file, name: "the curve", problem: "is empty", expected: LINE });
  return { clients, points, every };
}

const LINE = `lines of time and factor (0 to ${MOST_LOAD}), such as 06:00, 0.4`;

function linesOf(file: string, at: string, name: string): string[] {
  try {
    return readFileSync(file, "utf8").split("\n");
  } catch (error) {
    const problem = `names ${file}, which cannot be read (${whyUnreadable(error)})`;
    throw new ConfigError({ at, name, problem, expected: `a file with ${LINE}` });
  }
}

/** A time of the day, or a duration since the curve's begin. */
function timeOf(text: string, at: string): Nanos {
  const [, hours, minutes] = /^([0-9]{1,2}):([0-5][0-9])$/.exec(text) ?? [];
  if (hours !== undefined) return (Number(hours) * 3600 + Number(minutes) * 60) * SECOND;
  const time = duration(text);
  if (time !== undefined) return time;
  throw new ConfigError({ at, name: "time", got: text, expected: `06:00 or ${EXPECTED.duration}` });
}
