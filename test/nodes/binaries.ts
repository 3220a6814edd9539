/** Other versions of Node.js, from npm, in a temporary folder. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The packages hold a plain binary for this platform, and no script that fetches it from elsewhere. */
const PLATFORM = "linux-x64";

/** npm gives up on a registry that it cannot reach. */
const PATIENCE_MS = 120_000;

/** A Node.js that can be run. */
export interface Binary {
  version: string;
  path: string;
}

/** They could not be had here, and why; nothing is wrong with the project. */
export class Unavailable extends Error {}

/** Installs these versions; `remove` deletes them. Errors: Unavailable. */
export async function installBinaries(
  versions: readonly string[],
): Promise<{ binaries: Binary[]; remove: () => void }> {
  const here = `${process.platform}-${process.arch}`;
  if (here !== PLATFORM) throw new Unavailable(`they are packed for ${PLATFORM}, this is ${here}`);
  const folder = mkdtempSync(join(tmpdir(), "poolwise-nodes-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  try {
    const packages = versions.map((version) => `${alias(version)}@npm:node-${PLATFORM}@${version}`);
    await install(folder, packages);
  } catch (error) {
    remove();
    throw error;
  }
  const binaries = versions.map((version) => ({
    version,
    path: join(folder, "node_modules", alias(version), "bin/node"),
  }));
  return { binaries, remove };
}

/** Two versions of one package cannot lie in the same place. */
const alias = (version: string): string => `node-${version.replaceAll(".", "-")}`;

/** `folder` is given: nothing of the project's own packages changes. */
function install(folder: string, packages: readonly string[]): Promise<void> {
  const quiet = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"];
  const safe = ["--ignore-scripts", "--fetch-retries=1", "--prefer-offline"];
  const args = ["install", "--prefix", folder, ...safe, ...quiet, ...packages];
  return new Promise((resolve, reject) => {
    const npm = spawn("npm", args, {
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
      timeout: PATIENCE_MS,
    });
    let errors = "";
    npm.stderr.on("data", (chunk: Buffer) => {
      errors += chunk.toString();
    });
    npm.on("error", (error) => reject(new Unavailable(`npm cannot be run: ${error.message}`)));
    npm.on("close", (status) => {
      if (status === 0) resolve();
      else reject(new Unavailable(`npm cannot install them: ${lastLine(errors, status)}`));
    });
  });
}

/** npm says what went wrong in lines that begin with its name. */
function lastLine(errors: string, status: number | null): string {
  const lines = errors.split("\n").filter((line) => line.startsWith("npm error"));
  const told = lines.find((line) => !/ (code|errno|syscall) /.test(line)) ?? lines[0];
  if (told !== undefined) return told.replace("npm error ", "");
  return status === null ? `no answer within ${PATIENCE_MS / 1000} s` : `status ${status}`;
}
