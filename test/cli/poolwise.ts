/** Runs the program as a person does: another process, its output in pipes. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { vi } from "vitest";
import { runProgram } from "../../sim/cli/program.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const BUILT = resolve(ROOT, "dist/sim/cli/main.js");

/** What the program left behind. */
export interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** Close stdout after this many bytes, as `head` does. */
  closeAfter?: number;
  /** Press Ctrl-C this many milliseconds after the start. */
  interruptAfter?: number;
}

/** Runs the built `poolwise` with these arguments from the root of the project. */
export function poolwise(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  if (!existsSync(BUILT)) throw new Error("the program is not built: npm run build, or npm test");
  const child = spawn(process.execPath, [BUILT, ...args], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const outcome: Outcome = { status: null, stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => {
    outcome.stdout += chunk.toString();
    if (outcome.stdout.length > (options.closeAfter ?? Number.POSITIVE_INFINITY)) {
      child.stdout.destroy();
    }
  });
  child.stderr.on("data", (chunk: Buffer) => {
    outcome.stderr += chunk.toString();
  });
  if (options.interruptAfter !== undefined) {
    setTimeout(() => child.kill("SIGINT"), options.interruptAfter);
  }
  return new Promise((done) => {
    child.on("close", (status) => done({ ...outcome, status }));
  });
}

/** The same without a process of its own, which takes a second: for what ends before any work. */
export async function inThisProcess(args: readonly string[]): Promise<Outcome> {
  const outcome: Outcome = { status: null, stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((name) =>
    vi.spyOn(process[name], "write").mockImplementation((chunk, ...rest: unknown[]) => {
      outcome[name] += String(chunk);
      const done = rest.at(-1);
      if (typeof done === "function") done();
      return true;
    }),
  );
  try {
    outcome.status = await runProgram(args);
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return outcome;
}

/** A workload that is simulated in a moment; `more` lines are appended to it. */
export const SMALL = `name: small
pgbouncer:
  pool_mode: transaction
  default_pool_size: 2
  max_client_conn: 100
clients:
  - name: web
    count: 20
    think: { exponential: 100 ms }
    transaction: { service: { exponential: 5 ms } }
network: { client: 0 ms, server: 0 ms }
run: { duration: 5 s, warmup: 1 s, precision: 20 % }
`;

/** A folder for the files of one test file. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), "poolwise-cli-"));

  /** Writes a file and returns its path. */
  file(name: string, text: string): string {
    const path = join(this.path, name);
    writeFileSync(path, text);
    return path;
  }

  /** The same of bytes. */
  bytes(name: string, content: Uint8Array): string {
    const path = join(this.path, name);
    writeFileSync(path, content);
    return path;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
