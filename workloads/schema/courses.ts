/**
 * The schedule as courses of time: how fast a kind's think times and arrivals pass, and statements. The
 * simulator and the live driver both take them from here.
 */
import type { Nanos } from "../../engine/core/index.ts";
import { Course, type Piece } from "../../sim/kernel/course.ts";
import type { LoadCurve, ScheduleEntry, Workload } from "./workload.ts";

/**
 * The course of the load of the kind `name`; `begin` is that of the measured window. Entries that overlap
 * multiply (where two ramps do, by a straight line between their corners). undefined: it never changes.
 */
export function loadCourse(workload: Workload, name: string, begin: Nanos): Course | undefined {
  const curve = workload.curves?.find((each) => each.clients === name);
  if (curve !== undefined) return curveCourse(curve, begin);
  const entries = workload.schedule.filter((entry) => entry.clients === name);
  return entries.length === 0 ? undefined : new Course(piecesOf(entries), begin);
}

/** The most by which the load of the kind `name` is multiplied within the measured window. */
export const peakFactor = (workload: Workload, name: string): number =>
  Math.max(0, ...factorsOf(workload, name));

/** The least by which it is multiplied within the measured window, or before it. */
export const leastFactor = (workload: Workload, name: string): number =>
  Math.min(1, ...factorsOf(workload, name));

/** Factors of the load of the kind `name` within the measured window: all others lie between two of them. */
function factorsOf(workload: Workload, name: string): number[] {
  const curve = workload.curves?.find((each) => each.clients === name);
  const entries = workload.schedule.filter((entry) => entry.clients === name);
  const pieces = curve === undefined ? piecesOf(entries) : piecesOfCurve(curve);
  const within = pieces.filter(({ at }) => at < workload.run.duration);
  return within.flatMap(({ from, to }) => [from, to]);
}

/** The course of the statements' own time, which stands still in some faults. undefined: it never does. */
export function serviceCourse({ faults = [] }: Workload, begin: Nanos): Course | undefined {
  const still = faults.filter(({ fault }) => fault === "failover" || fault === "stall");
  if (still.length === 0) return undefined;
  const entries = still.map((fault) => ({ ...fault, clients: "", factor: 0 }));
  return new Course(piecesOf(entries), begin);
}

function curveCourse(curve: LoadCurve, begin: Nanos): Course {
  return new Course(piecesOfCurve(curve), begin, curve.every);
}

function piecesOfCurve({ points }: LoadCurve): Piece[] {
  const [first] = points as [LoadCurve["points"][number]];
  return points.map(({ at, factor }, i) => ({
    at,
    from: factor,
    to: (points[i + 1] ?? first).factor,
  }));
}

function piecesOf(entries: readonly ScheduleEntry[]): Piece[] {
  const corners = entries.flatMap(({ at, for: length, over = 0 }) => [
    ...[at - over, at, at + length, at + length + over],
  ]);
  // What rises before the window begins is there from its begin on.
  const times = [...new Set([0, ...corners])].filter((time) => time >= 0).sort((a, b) => a - b);
  return times.map((at, i) => {
    const next = times[i + 1] ?? at + 1;
    const product = (time: Nanos): number =>
      entries.reduce((all, entry) => all * factorOf(entry, time, (at + next) / 2), 1);
    return { at, from: product(at), to: product(next) };
  });
}

/** The entry's factor at `time`, on the straight line that holds at `within`. */
function factorOf(entry: ScheduleEntry, time: Nanos, within: Nanos): number {
  const { at, for: length, factor, over = 0 } = entry;
  const end = at + length;
  if (within < at - over || within > end + over) return 1;
  if (within >= at && within <= end) return factor;
  const share = (within < at ? time - (at - over) : end + over - time) / over;
  return 1 + (factor - 1) * share;
}
