/** PostgreSQL as the system has it installed. Debian keeps `initdb` off PATH, Homebrew may too. */
import { access, constants, readdir, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Where packages put PostgreSQL: the parent directory, and what follows the version in it. */
const PLACES = [
  ["/usr/lib/postgresql", "bin"],
  ["/opt/homebrew/opt", "bin"],
  ["/usr/local/opt", "bin"],
] as const;

/**
 * Directory with `initdb` and `postgres`: $PG_BINDIR, PATH, then the usual places, newest first.
 */
export async function installedBinaries(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const named = [env.PG_BINDIR ?? "", ...(env.PATH ?? "").split(":")].filter((path) => path !== "");
  for (const directory of [...named, ...(await usualPlaces())]) {
    const bin = await binaryDirectory(directory);
    if (bin !== undefined) return bin;
  }
  return undefined;
}

async function usualPlaces(): Promise<string[]> {
  const found: string[] = [];
  for (const [parent, child] of PLACES) {
    const names = await readdir(parent).catch(() => []);
    const versions = names.filter((name) => /^(\d+|postgresql(@\d+)?)$/.test(name));
    versions.sort((a, b) => majorOf(b) - majorOf(a));
    found.push(...versions.map((name) => join(parent, name, child)));
  }
  return found;
}

function majorOf(name: string): number {
  return Number(/\d+$/.exec(name)?.[0] ?? 0);
}

/** Follows links first: /usr/local/bin/postgres may point to where `initdb` lies as well. */
async function binaryDirectory(directory: string): Promise<string | undefined> {
  try {
    const bin = dirname(await realpath(join(directory, "postgres")));
    await access(join(bin, "postgres"), constants.X_OK);
    await access(join(bin, "initdb"), constants.X_OK);
    return bin;
  } catch {
    return undefined;
  }
}
