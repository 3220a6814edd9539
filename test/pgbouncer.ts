/**
 * The PgBouncer that tests compare with: Debian's, or the program that the environment variable PGBOUNCER
 * names. An ordinary user must be able to run it.
 */
import { spawnSync } from "node:child_process";

export const PGBOUNCER = process.env.PGBOUNCER ?? "/usr/sbin/pgbouncer";

/** The first line of what it says of itself, which is what SHOW VERSION says; "": it does not run. */
export const PGBOUNCER_NAME = nameOf(PGBOUNCER);

/** Its version as a number that grows, as 1_018 for 1.18; 0 without it. */
export const PGBOUNCER_VERSION = versionOf(PGBOUNCER_NAME);

/** Why tests beside PgBouncer are skipped; "": they are not. */
export const NO_PGBOUNCER = PGBOUNCER_NAME === "" ? `${PGBOUNCER} does not run` : "";

function nameOf(program: string): string {
  const { status, stdout } = spawnSync(program, ["--version"], { cwd: "/" });
  return status === 0 ? (stdout.toString().split("\n")[0] ?? "") : "";
}

function versionOf(name: string): number {
  const [, major = 0, minor = 0] = /(\d+)\.(\d+)/.exec(name) ?? [];
  return 1_000 * Number(major) + Number(minor);
}
