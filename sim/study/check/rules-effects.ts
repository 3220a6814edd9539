/** Rules about settings that somebody wrote and that change nothing where they stand. */
import type { SettingName } from "../../../engine/config/index.ts";
import type { PoolMode } from "../../../engine/core/index.ts";
import { type Instance, placeOf } from "./instance.ts";
import { type Hit, pageOf, perInstance, type Rule, seconds } from "./rule.ts";

/** Parameters that PgBouncer keeps for each client anyway. Source: its src/varcache.c. */
const TRACKED = [
  ...["client_encoding", "datestyle", "timezone"],
  ...["standard_conforming_strings", "application_name"],
];

export const EFFECT_RULES: readonly Rule[] = [
  idle(
    "effect-reset-query",
    "server_reset_query",
    "server_reset_query outside session mode without server_reset_query_always.",
    (instance) =>
      instance.config.values.server_reset_query === "" ||
      instance.config.values.server_reset_query_always ||
      inMode(instance, "session")
        ? undefined
        : {
            why: "it is sent in session mode only, and no pool is in it",
            fix: "remove it: in transaction mode clients must not leave anything behind",
          },
  ),
  idle(
    "effect-reset-always",
    "server_reset_query_always",
    "server_reset_query_always with an empty server_reset_query.",
    ({ config: { values } }) =>
      !values.server_reset_query_always || values.server_reset_query !== ""
        ? undefined
        : { why: "server_reset_query is empty: there is nothing to send", fix: "remove it" },
  ),
  idle(
    "effect-prepared",
    "max_prepared_statements",
    "max_prepared_statements where every pool is in session mode.",
    (instance) =>
      instance.config.values.max_prepared_statements === 0 ||
      inMode(instance, "transaction", "statement")
        ? undefined
        : {
            why: "in session mode a client keeps its server, and with it its prepared statements",
            fix: "remove it",
          },
  ),
  idle(
    "effect-fast-close",
    "server_fast_close",
    "server_fast_close where no pool is in session mode.",
    (instance) =>
      !instance.config.values.server_fast_close || inMode(instance, "session")
        ? undefined
        : {
            why: "other modes release a server at the end of its transaction anyway",
            fix: "remove it",
          },
  ),
  idle(
    "effect-client-idle",
    "client_idle_timeout",
    "client_idle_timeout where every pool is in session mode.",
    (instance) =>
      instance.config.values.client_idle_timeout === 0 ||
      inMode(instance, "transaction", "statement")
        ? undefined
        : {
            why: "it spares clients that hold a server, and in session mode they do from their first query on",
            fix: "use idle_session_timeout of PostgreSQL, or transaction mode",
          },
  ),
  idle(
    "effect-idle-transaction",
    "idle_transaction_timeout",
    "idle_transaction_timeout where every pool is in statement mode.",
    (instance) =>
      instance.config.values.idle_transaction_timeout === 0 ||
      inMode(instance, "session", "transaction")
        ? undefined
        : { why: "statement mode has no open transactions", fix: "remove it" },
  ),
  idle(
    "effect-reserve-timeout",
    "reserve_pool_timeout",
    "reserve_pool_timeout where no pool has a reserve.",
    ({ pools }) =>
      pools.some((pool) => pool.reserve_pool_size.value > 0)
        ? undefined
        : { why: "reserve_pool_size is 0", fix: "set reserve_pool_size, or remove it" },
  ),
  idle(
    "effect-check-delay",
    "server_check_delay",
    "server_check_delay with an empty server_check_query.",
    ({ config: { values } }) =>
      values.server_check_query !== ""
        ? undefined
        : { why: "server_check_query is empty: nothing is ever checked", fix: "remove it" },
  ),
  idle("effect-auth-query", "auth_query", "auth_query without auth_user.", ({ config, entries }) =>
    config.values.auth_user !== null || entries.some((entry) => entry.auth_user !== null)
      ? undefined
      : { why: "nobody is named who could run it", fix: "set auth_user, or remove it" },
  ),
  idle(
    "effect-autodb",
    "autodb_idle_timeout",
    "autodb_idle_timeout without a * entry.",
    ({ config }) =>
      config.autodb !== undefined
        ? undefined
        : { why: "only databases made from a * entry are ever forgotten", fix: "remove it" },
  ),
  idle(
    "effect-hba-file",
    "auth_hba_file",
    "auth_hba_file without auth_type hba.",
    ({ config: { values } }) =>
      values.auth_type === "hba" || values.auth_hba_file === ""
        ? undefined
        : {
            why: `auth_type is ${values.auth_type}: the file is not looked at, and whoever relies on its rules has none`,
            fix: "set auth_type = hba, or remove it",
          },
    "warning",
  ),
  idle(
    "effect-client-tls",
    "client_tls_cert_file",
    "A certificate for clients with client_tls_sslmode disable.",
    ({ config: { values } }) =>
      values.client_tls_sslmode !== "disable" || values.client_tls_cert_file === ""
        ? undefined
        : {
            why: "client_tls_sslmode is disable: clients talk in the clear",
            fix: "set client_tls_sslmode = require",
          },
    "warning",
  ),
  {
    id: "effect-keepalive",
    severity: "note",
    doc: "Times of TCP keepalive with tcp_keepalive 0.",
    source: pageOf("tcp_keepalive"),
    find: perInstance((instance) => {
      const { given, values } = instance.config;
      const names = ["tcp_keepidle", "tcp_keepintvl", "tcp_keepcnt"] as const;
      const written = names.filter((name) => given.has(name) && values[name] > 0);
      if (values.tcp_keepalive || written.length === 0) return undefined;
      return {
        at: placeOf(instance, ...written),
        what: `${written.join(", ")} without effect`,
        why: "tcp_keepalive is 0: no probes are sent",
        fix: "set tcp_keepalive = 1, or remove them",
      };
    }),
  },
  {
    id: "effect-ignored-startup",
    severity: "note",
    doc: "ignore_startup_parameters names parameters that are kept for each client anyway.",
    source: pageOf("ignore_startup_parameters"),
    find: perInstance((instance) => {
      const { values } = instance.config;
      const kept = [...TRACKED, ...list(values.track_extra_parameters)];
      const found = list(values.ignore_startup_parameters).filter((name) => kept.includes(name));
      if (found.length === 0) return undefined;
      return {
        at: placeOf(instance, "ignore_startup_parameters"),
        what: `ignore_startup_parameters names ${found.join(", ")} without effect`,
        why: "PgBouncer tracks them and sets them on the server for each client",
        fix: `take ${found.length === 1 ? "it" : "them"} out`,
      };
    }),
  },
  {
    id: "effect-user-entry",
    severity: "note",
    doc: "A [users] entry with pool settings for a user who never has a pool.",
    source: pageOf("section-users"),
    find: perInstance(({ config, entries }) => {
      if (entries.length === 0 || entries.some(({ user }) => user === null)) return [];
      return config.users.flatMap((user): Hit[] => {
        const keys = (
          ["pool_mode", "pool_size", "reserve_pool_size", "max_user_connections"] as const
        ).filter((key) => user[key] !== null);
        if (keys.length === 0 || entries.some((entry) => entry.user === user.name)) return [];
        return [
          {
            at: user.at,
            what: `${keys.join(", ")} of user ${user.name} without effect`,
            why: "every database has user=, and settings of a pool are looked up for that user",
            fix: "put them on the entries of [databases], or on their user",
          },
        ];
      });
    }),
  },
  {
    id: "effect-user-wait",
    severity: "warning",
    doc: "A user's query_wait_timeout while the global one is 0: PgBouncer does not look.",
    source:
      "PgBouncer's main branch, src/loader.c, parse_user(): it sets the flag of another timeout",
    find: perInstance((instance) =>
      instance.config.values.query_wait_timeout > 0
        ? []
        : instance.config.users.flatMap((user): Hit[] =>
            user.query_wait_timeout === null || user.query_wait_timeout === 0
              ? []
              : [
                  {
                    at: user.at,
                    what: `query_wait_timeout ${seconds(user.query_wait_timeout)} of user ${user.name} without effect`,
                    why: "PgBouncer looks after waiting clients only when the global query_wait_timeout is set",
                    fix: "set the global one to a long time, such as 86400, in place of 0",
                  },
                ],
          ),
    ),
  },
];

/** A rule about one setting that was written and has no effect. */
function idle(
  id: string,
  name: SettingName,
  doc: string,
  judge: (instance: Instance) => Pick<Hit, "why" | "fix"> | undefined,
  severity: Rule["severity"] = "note",
): Rule {
  return {
    id,
    severity,
    doc,
    source: pageOf(name),
    find: perInstance((instance) => {
      const found = instance.config.given.has(name) ? judge(instance) : undefined;
      return found && { at: placeOf(instance, name), what: `${name} without effect`, ...found };
    }),
  };
}

/** Whether some pool is in one of these modes; with no pools at all the global mode counts. */
function inMode({ config, pools }: Instance, ...modes: PoolMode[]): boolean {
  const found = pools.map((pool) => pool.pool_mode.value);
  return (found.length === 0 ? [config.values.pool_mode] : found).some((mode) =>
    modes.includes(mode),
  );
}

/** The parts of a list with commas, in small letters. */
export function list(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim().toLowerCase())
    .filter((part) => part !== "");
}
