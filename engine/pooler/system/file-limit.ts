/**
 * How many files we may have open, and how many it may come to: said at the start, as in PgBouncer, since a
 * pooler that runs out of them turns clients away. Source: PgBouncer 1.25.2 src/main.c, check_limits().
 */
import { readFileSync } from "node:fs";
import type { Config } from "../../config/index.ts";
import { CONSOLE } from "./names.ts";

/** Where Linux tells; other systems have no such file, and the line is left out there. */
const LIMITS = "/proc/self/limits";

/** Files beside those of connections, by PgBouncer's reckoning, and servers of its console. */
const OTHERS = 10;
const CONSOLE_POOL = 2;

/** The line for the log. `names`: the users of auth_file. */
export function fileLimitLine(config: Config, names: readonly string[]): string | undefined {
  const limits = readLimits();
  if (limits === undefined) return undefined;
  const expected = `max expected fd use: ${mostFiles(config, names)}`;
  const most = `max_client_conn: ${config.values.max_client_conn}`;
  return `kernel file descriptor limit: ${limits.soft} (hard: ${limits.hard}); ${most}, ${expected}`;
}

/** Each user may come to each database, unless that has a user of its own. */
export function mostFiles({ values, databases, users }: Config, names: readonly string[]): number {
  const forced = databases.flatMap(({ user }) => user ?? []);
  const everybody = new Set([...names, ...users.map(({ name }) => name), ...forced, CONSOLE]);
  const servers = databases.map(
    ({ pool_size, user }) =>
      (pool_size ?? values.default_pool_size) * (user === null ? everybody.size : 1),
  );
  const sum = servers.reduce((total, count) => total + count, CONSOLE_POOL);
  return values.max_client_conn + OTHERS + sum;
}

function readLimits(): { soft: string; hard: string } | undefined {
  try {
    const found = /^Max open files +(\S+) +(\S+)/m.exec(readFileSync(LIMITS, "utf8"));
    return found === null ? undefined : { soft: found[1] ?? "", hard: found[2] ?? "" };
  } catch {
    return undefined;
  }
}
