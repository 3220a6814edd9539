/** Runs the tests of the core in a copy of the sources and says which one failed first. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

/** What a run has shown. `none`: not a single test could run, which says nothing of the variant. */
export type Outcome =
  | { kind: "passed" }
  | { kind: "failed"; test: string }
  | { kind: "hung" }
  | { kind: "none"; why: string };

/**
 * A run takes a few seconds. A variant may turn around forever, which no timeout of a test can stop: then it takes
 * so many times as long as the run before all others, and so much at least, in ms.
 */
const TIMES = 10;
const LEAST_MS = 60_000;

let patience = 10 * LEAST_MS;

// The properties try random schedules: a variant must not be caught by luck.
// One thread and no isolation is the quickest: the core and its tests keep no state between files.
const ARGUMENTS = [
  "node_modules/vitest/vitest.mjs",
  "run",
  "test/core",
  "--exclude=test/core/properties.test.ts",
  "--bail=1",
  "--cache=false",
  "--pool=threads",
  "--no-file-parallelism",
  "--no-isolate",
  "--reporter=json",
  "--outputFile=report.json",
];

const running = new Set<ChildProcess>();

/** Runs the tests on the core as it is, which tells how long they may take on this machine. */
export async function runFirstCoreTests(folder: string): Promise<Outcome> {
  const begin = performance.now();
  const outcome = await runCoreTests(folder);
  patience = Math.max(LEAST_MS, TIMES * (performance.now() - begin));
  return outcome;
}

/** Runs the tests in `folder`, up to the first that fails. */
export async function runCoreTests(folder: string): Promise<Outcome> {
  const report = join(folder, "report.json");
  rmSync(report, { force: true });
  const child = spawn(process.execPath, ARGUMENTS, {
    cwd: folder,
    env: { ...process.env, NO_COLOR: "1" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  running.add(child);
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const hung = await ended(child);
  running.delete(child);
  return hung ? { kind: "hung" } : outcome(report, errors);
}

/** Ends the tests that are running, at once. */
export function stopCoreTests(): void {
  for (const child of running) child.kill("SIGKILL");
}

/** True: it had to be ended. */
function ended(child: ChildProcess): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, patience);
    child.on("error", reject);
    child.on("close", () => {
      clearTimeout(timer);
      resolve(late);
    });
  });
}

interface Report {
  success: boolean;
  testResults: {
    message: string;
    assertionResults: { status: string; fullName: string }[];
  }[];
}

function outcome(file: string, errors: string): Outcome {
  let report: Report;
  try {
    report = JSON.parse(readFileSync(file, "utf8")) as Report;
  } catch {
    return { kind: "none", why: oneLine(errors) || "vitest wrote no report" };
  }
  if (report.success) return { kind: "passed" };
  const tests = report.testResults.flatMap((result) => result.assertionResults);
  const failed = tests.find((result) => result.status === "failed");
  if (failed) return { kind: "failed", test: failed.fullName };
  const why = report.testResults.map((result) => result.message).find((message) => message);
  return { kind: "none", why: oneLine(why ?? errors) || "no test ran" };
}

const oneLine = (text: string): string => text.trim().replace(/\s+/g, " ").slice(0, 300);
