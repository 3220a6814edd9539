/**
 * `npm run endurance [-- OPTIONS]`: the pooler among thousands of clients while servers and clients are
 * killed, settings change and the database restarts. Prints what it finds; exit status 1 if that speaks
 * against the pooler.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { OutsideError } from "../../workloads/database/index.ts";
import { endure, type Outcome, type Progress } from "./endurance.ts";

const HELP = `Usage: npm run endurance [-- OPTIONS]

Runs our pooler in a process of its own in front of a private PostgreSQL, with busy clients that know what
they must be answered and many more that are idle, while backends are terminated, clients killed, databases
paused and killed, settings changed, and in the end the database restarts. Any error that none of this
calls for, any answer to the wrong client, any client that hears nothing, and memory that grows is a fault.

  --minutes N       how long (default: 60)
  --connections N   clients, the busy ones included (default: 10000)
  --seed N          what happens when (default: by the clock)
  --log FILE        keep what the pooler has logged
  --quiet           no progress

Ctrl-C ends it early and prints what is known by then.
Exit status: 0 no fault, 1 faults, 2 bad usage, 3 no database or too few open files, 130 no fault up to Ctrl-C.
`;

/** As a shell has it for SIGINT. */
const INTERRUPTED = 130;

const PROGRESS_EVERY_MS = 10_000;
const MIB = 1 << 20;

/** What was typed cannot be obeyed. */
class UsageError extends Error {}

process.exitCode = await main(process.argv.slice(2));

async function main(words: string[]): Promise<number> {
  try {
    const options = optionsOf(words);
    if (options === undefined) {
      process.stdout.write(HELP);
      return 0;
    }
    const { seed, minutes, connections, log } = options;
    process.stdout.write(`seed ${seed}, ${minutes} min, ${connections} connections\n`);
    const stop = new AbortController();
    // `on`, not `once`: who presses Ctrl-C again must wait until all is cleaned up.
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
      process.on(signal, () => stop.abort());
    const onProgress = options.quiet ? () => undefined : progress();
    const onLog = (text: string): void => {
      if (log !== undefined) writeFileSync(log, text);
    };
    const what = { seed, minutes, connections };
    const outcome = await endure({ ...what, stop: stop.signal, onProgress, onLog });
    process.stdout.write(report(outcome));
    if (outcome.faults.length > 0) return 1;
    return stop.signal.aborted ? INTERRUPTED : 0;
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof OutsideError)) throw error;
    process.stderr.write(`endurance: ${error.message}\n`);
    return error instanceof UsageError ? 2 : 3;
  }
}

interface Options {
  minutes: number;
  connections: number;
  seed: number;
  log: string | undefined;
  quiet: boolean;
}

/** Undefined: only help is wanted. Errors: UsageError. */
function optionsOf(args: string[]): Options | undefined {
  const text = { type: "string" } as const;
  const flag = { type: "boolean", default: false } as const;
  const options = {
    minutes: text,
    connections: text,
    seed: text,
    log: text,
    quiet: flag,
    help: { ...flag, short: "h" },
  };
  const { values } = parsed(() => parseArgs({ args, options }));
  if (values.help) return undefined;
  return {
    minutes: numberOf("--minutes", values.minutes ?? "60", 0.1),
    connections: Math.floor(numberOf("--connections", values.connections ?? "10000", 34)),
    seed: Math.floor(numberOf("--seed", values.seed ?? String(Date.now() % 1e9), 0)),
    log: values.log,
    quiet: values.quiet,
  };
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function numberOf(name: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= least) return value;
  throw new UsageError(`${name} is "${text}"; expected a number from ${least} on`);
}

/** Writes a line now and then. */
function progress(): (progress: Progress) => void {
  let next = 0;
  return ({ at, connected, answers, calledFor, complaints, bytes }) => {
    if (at < next) return;
    next = at + PROGRESS_EVERY_MS;
    const memory = bytes === undefined ? "" : `, ${(bytes / MIB).toFixed(0)} MiB`;
    const errors = `${calledFor} errors called for, ${complaints} not`;
    process.stderr.write(
      `${(at / 1000).toFixed(0)} s: ${connected} connected, ${answers} answers, ${errors}${memory}\n`,
    );
  };
}

function report({ seconds, answers, troubles, calledFor, faults, memory }: Outcome): string {
  const list = (counts: ReadonlyMap<string, number>): string =>
    [...counts].map(([name, count]) => `${name} ${count}`).join(", ") || "none";
  const trend =
    memory === undefined
      ? "too short to say"
      : `from ${(memory.from / MIB).toFixed(1)} to ${(memory.to / MIB).toFixed(1)} MiB`;
  const lines = [
    `${seconds.toFixed(0)} s, ${answers} right answers`,
    `troubles: ${list(troubles)}`,
    `errors called for: ${list(calledFor)}`,
    `memory after the warm-up: ${trend}`,
    ...faults.map((fault) => `FAULT: ${fault}`),
    faults.length === 0 ? "no fault" : `${faults.length} faults`,
  ];
  return `${lines.join("\n")}\n`;
}
