/** What a PgBouncer of somebody's own must be able to do for a workload. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ConfigError } from "../../../engine/config/index.ts";
import { DEFAULTS } from "../../../engine/core/index.ts";
import { OutsideError } from "../../../workloads/database/errors.ts";
import { prepares } from "../../../workloads/live/index.ts";
import { shutdownOf, type Workload } from "../../../workloads/schema/workload.ts";
import type { Sections } from "./stand-ini.ts";

/** What takes a PgBouncer from this version on. */
interface Need {
  minor: number;
  what: string;
  fix: string;
}

/** What of the workload does. Source: PgBouncer 1.25.2, NEWS.md. */
function needsOf(workload: Workload, sections: Sections): Need[] {
  const needs: Need[] = [];
  if (prepares(workload))
    needs.push({
      minor: 21,
      what: "clients that prepare statements",
      fix: "leave out --pgbouncer, or `prepared` in the workload",
    });
  if (workload.faults?.some((fault) => shutdownOf(fault) !== "immediate"))
    needs.push({
      minor: 23,
      what: "a shutdown that waits",
      fix: "leave out --pgbouncer, or `shutdown` in the schedule",
    });
  if (workload.pooler?.peering !== undefined)
    needs.push({
      minor: 19,
      what: "poolers that know each other",
      fix: "leave out --pgbouncer, or `peering` in the workload",
    });
  return [...needs, ...settingNeeds(workload), ...keyNeeds(sections)];
}

/** Keys of users and of databases, and the version that had them first. */
const SINCE: Readonly<Record<keyof Sections, Readonly<Record<string, number>>>> = {
  databases: { server_lifetime: 23, max_db_client_connections: 24, query_wait_timeout: 26 },
  users: {
    pool_size: 23,
    reserve_pool_size: 24,
    max_user_client_connections: 24,
    query_timeout: 24,
    idle_transaction_timeout: 24,
    client_idle_timeout: 24,
    transaction_timeout: 25,
    query_wait_timeout: 26,
  },
};

/** Global settings, and the version that had them first. */
const GLOBAL_SINCE = {
  cancel_wait_timeout: 19,
  transaction_timeout: 25,
  query_wait_notify: 25,
  pool_idle_timeout: 26,
} as const satisfies Partial<Record<keyof typeof DEFAULTS, number>>;

/** Of those that are written, for they are not as usual. */
function settingNeeds({ settings }: Workload): Need[] {
  const names = Object.keys(GLOBAL_SINCE) as (keyof typeof GLOBAL_SINCE)[];
  return names
    .filter((name) => settings[name] !== DEFAULTS[name])
    .map((name) => {
      const fix = "leave out --pgbouncer, or the setting";
      return { minor: GLOBAL_SINCE[name], what: name, fix };
    });
}

function keyNeeds(sections: Sections): Need[] {
  return (["databases", "users"] as const).flatMap((section) => {
    const keys = [...sections[section].values()].flatMap((entry) => Object.keys(entry));
    return [...new Set(keys)].flatMap((key): Need[] => {
      const minor = SINCE[section][key];
      const fix = "leave out --pgbouncer, or the setting";
      return minor === undefined ? [] : [{ minor, what: `${key} in [${section}]`, fix }];
    });
  });
}

/**
 * Errors: ConfigError where that PgBouncer is too old for the workload; OutsideError where it does not tell its
 * version.
 */
export async function checkVersion(
  program: string,
  workload: Workload,
  sections: Sections,
): Promise<void> {
  const needs = needsOf(workload, sections);
  if (needs.length === 0) return;
  const said = await promisify(execFile)(program, ["--version"]).catch((error) => {
    throw new OutsideError(`${program} --version failed: ${error.message}`, "", error);
  });
  const [, major, minor] = /(\d+)\.(\d+)/.exec(said.stdout) ?? [];
  const has = (least: number): boolean =>
    Number(major) > 1 || (Number(major) === 1 && Number(minor) >= least);
  const missing = needs.find((need) => !has(need.minor));
  if (missing === undefined) return;
  throw new ConfigError({
    at: program,
    name: "version",
    got: said.stdout.split("\n")[0] ?? "",
    expected: `PgBouncer 1.${missing.minor} or later, for ${missing.what}`,
    fix: missing.fix,
  });
}
