/** Rules about settings that the PgBouncer of the day does not know. */
import type { SettingName } from "../../../engine/config/index.ts";
import { type Instance, placeOf } from "./instance.ts";
import { type Hit, perInstance, type Rule } from "./rule.ts";

/** Settings of `[pgbouncer]` that are on its main branch only. */
const NEWER: readonly SettingName[] = ["login_notify_message", "pool_idle_timeout"];
const WHY =
  "PgBouncer up to 1.25.2 does not know it, and does not start with a setting that it does not know";
const UNLESS = ", unless this is for our pooler, or for a PgBouncer from its main branch";

export const VERSION_RULES: readonly Rule[] = [
  {
    id: "newer-than-1.25",
    severity: "error",
    doc: "A setting that is on PgBouncer's main branch only: 1.25.2 does not start with it.",
    source:
      "PgBouncer 1.25.2 src/loader.c and src/main.c; github.com/pgbouncer/pgbouncer/pull/1449",
    find: perInstance((instance) => [...ofGlobal(instance), ...ofEntries(instance)]),
  },
];

function ofGlobal(instance: Instance): Hit[] {
  return NEWER.filter((name) => instance.config.given.has(name)).map((name) => ({
    at: placeOf(instance, name),
    what: `${name} is newer than PgBouncer 1.25.2`,
    why: WHY,
    fix: `remove it${UNLESS}`,
  }));
}

function ofEntries({ config, entries }: Instance): Hit[] {
  const own = [...entries, ...config.users].filter((entry) => entry.query_wait_timeout !== null);
  return own.map(({ at, name }) => ({
    at,
    what: `query_wait_timeout of the entry ${name} is newer than PgBouncer 1.25.2`,
    why: WHY,
    fix: `use the global query_wait_timeout${UNLESS}`,
  }));
}
