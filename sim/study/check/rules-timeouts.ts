/**
 * Rules about time: the one who waits must be the last to give up. Inside the pooler, between pooler
 * and application, between pooler and database.
 */
import { placeOf } from "./instance.ts";
import { type Hit, pageOf, perInstance, perPool, type Rule, seconds } from "./rule.ts";
import type { DatabaseTimeout } from "./surroundings.ts";

const SECOND = 1e9;

export const TIMEOUT_RULES: readonly Rule[] = [
  {
    id: "wait-outlives-application",
    severity: "warning",
    doc: "The application gives up before query_wait_timeout, and stays in the queue.",
    source: pageOf("query_wait_timeout"),
    find: perPool(({ label, query_wait_timeout: wait }, _instance, { app_timeout: app }) =>
      app === undefined || (wait.value > 0 && wait.value < app)
        ? undefined
        : {
            at: wait.at,
            what: `clients of ${label} may wait ${wait.value === 0 ? "for ever" : seconds(wait.value)}`,
            why: `the application gives up after ${seconds(app)}; whoever left is noticed only when its turn comes, and its retry queues behind it`,
            fix: `set query_wait_timeout below ${seconds(app)}`,
          },
    ),
  },
  {
    id: "wait-for-ever",
    severity: "note",
    doc: "query_wait_timeout 0: clients wait for a server as long as it takes.",
    source: pageOf("query_wait_timeout"),
    find: perPool(({ label, query_wait_timeout: wait }, _instance, { app_timeout }) =>
      wait.value > 0 || app_timeout !== undefined
        ? undefined
        : {
            at: wait.at,
            what: `clients of ${label} wait for ever (query_wait_timeout 0)`,
            why: "when the database stalls the queue grows without an error that anybody could see",
            fix: "set it to the longest wait that the application can use, such as 15",
          },
    ),
  },
  {
    id: "query-outlives-application",
    severity: "warning",
    doc: "query_timeout is above the time after which the application gives up.",
    source: pageOf("query_timeout"),
    find: perPool(({ query_timeout: query }, _instance, { app_timeout: app }) => {
      if (app === undefined || query.value === 0 || query.value < app) return undefined;
      return {
        at: query.at,
        what: `query_timeout is ${seconds(query.value)}`,
        why: `the application gives up after ${seconds(app)}, and its query goes on for nobody`,
        fix: `set query_timeout below ${seconds(app)}, and statement_timeout below that`,
      };
    }),
  },
  {
    id: "wait-over-query",
    severity: "warning",
    doc: "query_timeout counts the wait too, so a longer query_wait_timeout has no effect.",
    source: pageOf("query_timeout"),
    find: perPool(({ label, query_timeout, query_wait_timeout: wait }, instance) => {
      const { query_timeout: all } = instance.config.values;
      // Of a user's own nothing is seen before there is a server. Source: PgBouncer 1.25.2 src/janitor.c.
      const query = all === 0 ? query_timeout.value : all;
      if (query === 0 || (wait.value > 0 && wait.value < query)) return undefined;
      return {
        at: wait.at,
        what: `query_wait_timeout of ${label} is ${wait.value === 0 ? "off" : seconds(wait.value)}, query_timeout ${seconds(query)}`,
        why:
          all === 0
            ? "waiting counts as part of the query: who has waited that long is dropped as soon as there is a server"
            : "waiting counts as part of the query, so query_timeout always ends it first",
        fix: `set query_wait_timeout below ${seconds(query)}`,
      };
    }),
  },
  ordered(
    "query-over-transaction",
    "query_timeout",
    "transaction_timeout",
    "a query is a part of its transaction, which ends first",
  ),
  ordered(
    "idle-over-transaction",
    "idle_transaction_timeout",
    "transaction_timeout",
    "the idle time is a part of the transaction, which ends first",
  ),
  {
    id: "idle-transaction-unlimited",
    severity: "note",
    doc: "In transaction mode nothing ends a transaction whose client does nothing.",
    source: pageOf("idle_transaction_timeout"),
    find: perPool((pool, _instance, { timeouts }) => {
      const { idle_transaction_timeout: idle, transaction_timeout: whole } = pool;
      const { idle_in_transaction_session_timeout = 0, transaction_timeout = 0 } = timeouts;
      const ends = [idle.value, whole.value, idle_in_transaction_session_timeout];
      if (pool.pool_mode.value !== "transaction") return undefined;
      if ([...ends, transaction_timeout].some((timeout) => timeout > 0)) return undefined;
      return {
        at: idle.at,
        what: `a client of ${pool.label} may stay idle inside a transaction for ever`,
        why: "it holds its server all that time, and as many such clients as the pool has servers stop everybody",
        fix: "set idle_transaction_timeout, such as 60, or PostgreSQL's idle_in_transaction_session_timeout",
      };
    }),
  },
  {
    id: "idle-over-lifetime",
    severity: "note",
    doc: "server_idle_timeout is not below server_lifetime: age closes a server first.",
    source: pageOf("server_idle_timeout"),
    find: perPool(({ entry, server_lifetime: life }, instance) => {
      const { server_idle_timeout: idle } = instance.config.values;
      if (idle === 0 || life.value === 0 || idle < life.value) return undefined;
      return {
        at: placeOf(instance, "server_idle_timeout"),
        what: `server_idle_timeout is ${seconds(idle)}, server_lifetime of ${entry.name} ${seconds(life.value)}`,
        why: "a connection that has been idle for so long is older than its lifetime already",
        fix: `set server_idle_timeout below ${seconds(life.value)}`,
      };
    }),
  },
  {
    id: "lifetime-zero",
    severity: "warning",
    doc: "server_lifetime 0 closes every server after one use: nothing is pooled.",
    source: pageOf("server_lifetime"),
    find: perPool(({ entry, server_lifetime: life }) =>
      life.value > 0
        ? undefined
        : {
            at: life.at,
            what: `server_lifetime of ${entry.name} is 0`,
            why: "each use then pays for a new connection, one after another in each pool",
            fix: "set it to the default, 3600, or longer",
          },
    ),
  },
  {
    id: "login-before-retry",
    severity: "warning",
    doc: "A client of a cold pool is dropped before a second attempt to connect is made.",
    source: pageOf("client_login_timeout"),
    find: perInstance((instance) => {
      const { client_login_timeout, server_connect_timeout, server_login_retry } =
        instance.config.values;
      const second = Math.max(server_connect_timeout, server_login_retry);
      if (client_login_timeout === 0 || client_login_timeout > second) return undefined;
      return {
        at: placeOf(
          instance,
          "client_login_timeout",
          "server_connect_timeout",
          "server_login_retry",
        ),
        what: `client_login_timeout is ${seconds(client_login_timeout)}`,
        why: `a pool's second attempt begins ${seconds(second)} after the first (server_connect_timeout ${seconds(server_connect_timeout)}, server_login_retry ${seconds(server_login_retry)}), when the first clients are gone`,
        fix: `set client_login_timeout above ${seconds(second)}`,
      };
    }),
  },
  {
    id: "wait-before-retry",
    severity: "warning",
    doc: "Waiting clients are dropped before a server that cannot be reached is tried again.",
    source: pageOf("server_login_retry"),
    find: perPool(({ label, query_wait_timeout: wait }, instance) => {
      const { server_login_retry: retry } = instance.config.values;
      if (wait.value === 0 || wait.value > retry) return undefined;
      return {
        at: placeOf(instance, "server_login_retry"),
        what: `server_login_retry is ${seconds(retry)}, query_wait_timeout of ${label} ${seconds(wait.value)}`,
        why: "one refused connection makes every client that waits fail, however soon the server is back",
        fix: `set server_login_retry below ${seconds(wait.value)}`,
      };
    }),
  },
  {
    id: "wait-before-connect",
    severity: "warning",
    doc: "One attempt to connect may hang for longer than its clients wait.",
    source: pageOf("server_connect_timeout"),
    find: perPool(({ label, query_wait_timeout: wait }, instance) => {
      const { server_connect_timeout: connect } = instance.config.values;
      if (wait.value === 0 || wait.value > connect) return undefined;
      return {
        at: placeOf(instance, "server_connect_timeout"),
        what: `server_connect_timeout is ${seconds(connect)}, query_wait_timeout of ${label} ${seconds(wait.value)}`,
        why: "a pool makes one connection at a time, so one that hangs outlives everybody who waits for it",
        fix: `set server_connect_timeout below ${seconds(wait.value)}`,
      };
    }),
  },
  {
    id: "notice-too-late",
    severity: "note",
    doc: "Clients are dropped before they are told that they wait.",
    source: pageOf("query_wait_notify"),
    find: perPool(({ label, query_wait_timeout: wait }, instance) => {
      const { query_wait_notify: notify } = instance.config.values;
      // Told when the whole seconds exceed the setting: at one second more.
      if (notify === 0 || wait.value === 0 || notify + SECOND <= wait.value) return undefined;
      return {
        at: placeOf(instance, "query_wait_notify"),
        what: `query_wait_notify ${seconds(notify)} tells clients of ${label} at ${seconds(notify + SECOND)}`,
        why: `query_wait_timeout drops them after ${seconds(wait.value)}`,
        fix: "lower query_wait_notify, or turn it off with 0",
      };
    }),
  },
  {
    id: "query-without-statement",
    severity: "note",
    doc: "query_timeout closes the connection; the database should cancel the query before that.",
    source: pageOf("query_timeout"),
    find: perPool(({ query_timeout }, _instance, { timeouts }) => {
      const query = query_timeout.value;
      if (query === 0 || timeouts.statement_timeout !== undefined) return undefined;
      return {
        at: query_timeout.at,
        what: `query_timeout is ${seconds(query)}, and nothing is known of statement_timeout`,
        why: "PgBouncer closes client and server; PostgreSQL's own timeout ends only the query",
        fix: `have statement_timeout slightly below ${seconds(query)} at the database, and say so with --database-set`,
      };
    }),
  },
  meets("statement-timeout-order", "query_timeout", "statement_timeout"),
  meets("transaction-timeout-order", "transaction_timeout", "transaction_timeout"),
  meets(
    "idle-transaction-order",
    "idle_transaction_timeout",
    "idle_in_transaction_session_timeout",
  ),
  {
    id: "database-closes-idle",
    severity: "warning",
    doc: "The database closes idle connections that the pooler believes to be good.",
    source:
      "https://www.postgresql.org/docs/current/runtime-config-client.html (idle_session_timeout)",
    find: perInstance((instance, { timeouts: { idle_session_timeout: closes = 0 } }) => {
      const { server_idle_timeout: idle } = instance.config.values;
      if (closes === 0 || (idle > 0 && idle < closes)) return undefined;
      return {
        at: placeOf(instance, "server_idle_timeout"),
        what: `server_idle_timeout is ${idle === 0 ? "off" : seconds(idle)}`,
        why: `the database closes connections that are idle for ${seconds(closes)} (idle_session_timeout), also while a client is getting one`,
        fix: `set server_idle_timeout below ${seconds(closes)}, or idle_session_timeout to 0 for the pooler's users`,
      };
    }),
  },
];

type PoolerTimeout = "query_timeout" | "transaction_timeout" | "idle_transaction_timeout";

/** A timeout of a part that is not below that of the whole. */
function ordered(id: string, part: PoolerTimeout, whole: PoolerTimeout, why: string): Rule {
  return {
    id,
    severity: "warning",
    doc: `${part} is not below ${whole} and has no effect.`,
    source: pageOf(part),
    find: perPool((pool): Hit | undefined => {
      const [inner, outer] = [pool[part].value, pool[whole].value];
      if (inner === 0 || outer === 0 || inner < outer) return undefined;
      return {
        at: pool[part].at,
        what: `${part} is ${seconds(inner)}, ${whole} ${seconds(outer)}`,
        why,
        fix: `set ${part} below ${seconds(outer)}`,
      };
    }),
  };
}

/** The database's timeout ends a query, the pooler's a connection: the database's should be first. */
function meets(id: string, pooler: PoolerTimeout, database: DatabaseTimeout): Rule {
  return {
    id,
    severity: "warning",
    doc: `${pooler} of the pooler is not above the database's ${database}.`,
    source: pageOf(pooler),
    find: perPool((pool, _instance, { timeouts }): Hit | undefined => {
      const [outer, inner = 0] = [pool[pooler].value, timeouts[database]];
      if (outer === 0 || inner === 0 || inner < outer) return undefined;
      return {
        at: pool[pooler].at,
        what: `${pooler} is ${seconds(outer)}, the database's ${database} ${seconds(inner)}`,
        why: "the pooler closes the connections of client and server before the database can end it cleanly",
        fix: `set the database's ${database} slightly below ${seconds(outer)}`,
      };
    }),
  };
}
