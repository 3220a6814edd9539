/** What a command says while it works and nobody looks at a terminal. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { sayWhenUp, startLines } from "../../sim/cli/progress.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("a line every so often says what it is still doing, until it stops", () => {
  const lines: string[] = [];
  const progress = startLines(10_000, (line) => lines.push(line));
  progress.update(0.2, "8 connections");
  vi.advanceTimersByTime(9_999);
  expect(lines).toEqual([]);
  progress.update(0.456, "12 connections");
  vi.advanceTimersByTime(1);
  expect(lines).toEqual(["note: still at it after 10 s, 46 % of the time: 12 connections"]);
  progress.update(1.5, "24 connections, precisely");
  vi.advanceTimersByTime(10_000);
  expect(lines[1]).toBe(
    "note: still at it after 20 s, 100 % of the time: 24 connections, precisely",
  );
  progress.stop();
  vi.advanceTimersByTime(60_000);
  expect(lines).toHaveLength(2);
});

test("a time limit that is exceeded is said once, after a grace, and only while the work goes on", () => {
  const lines: string[] = [];
  sayWhenUp(2_000, (line) => lines.push(line));
  const inTime = sayWhenUp(2_000, (line) => lines.push(line));
  vi.advanceTimersByTime(2_999);
  expect(lines).toEqual([]);
  inTime();
  vi.advanceTimersByTime(60_000);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain("the 2 s of the time limit are up");
});
