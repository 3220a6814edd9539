/** The driver's process, seen from its parent. */
import { type ChildProcess, fork } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { OutsideError } from "../database/errors.ts";
import type { DriverResult, LiveProgress, Plan, Report } from "./plan.ts";

/** Told while the run is on. */
export interface DriverEvents {
  /** `wall`: Unix time of the common start, in ms. */
  onStarted(wall: number): void;
  onProgress(progress: LiveProgress): void;
}

/**
 * Starts a driver, has it play `plan`, and ends it whatever happens. Errors: OutsideError; the
 * signal's reason when aborted.
 */
export async function withDriver(
  plan: Plan,
  signal: AbortSignal | undefined,
  events: DriverEvents,
): Promise<DriverResult> {
  const child = forkDriver();
  let abort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
  });
  try {
    return await Promise.race([play(child, plan, events), aborted]);
  } finally {
    signal?.removeEventListener("abort", abort);
    await end(child);
  }
}

function play(child: ChildProcess, plan: Plan, events: DriverEvents): Promise<DriverResult> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, name) => {
      reject(
        new OutsideError(`the live driver's process ended early: ${name ?? `status ${code}`}`),
      );
    });
    child.on("message", (report: Report) => {
      if (report.kind === "hello") child.send(plan);
      else if (report.kind === "started") events.onStarted(report.wall);
      else if (report.kind === "progress") events.onProgress(report.progress);
      else if (report.kind === "result") resolve(report.result);
      else reject(report.outside ? new OutsideError(report.message) : new Error(report.message));
    });
  });
}

/** Run from its sources (by tests, in development), the child needs the same loader as we do. */
function forkDriver(): ChildProcess {
  const fromSource = import.meta.url.endsWith(".ts");
  const file = fileURLToPath(new URL(fromSource ? "driver.ts" : "driver.js", import.meta.url));
  const loader = (): string => pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  const execArgv = fromSource ? ["--import", loader()] : [];
  // "advanced" carries typed arrays, and NaN, as they are.
  return fork(file, { execArgv, serialization: "advanced" });
}

/** Closing the channel ends a driver in good order; one that is too busy to notice is killed. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  if (child.connected) child.disconnect();
  const patience = setTimeout(() => child.kill("SIGKILL"), END_MS);
  await gone;
  clearTimeout(patience);
}

const END_MS = 2_000;
