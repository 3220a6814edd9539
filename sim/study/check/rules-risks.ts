/** Rules about settings that do what they say, and should not be wanted without knowing what that is. */
import { type Instance, placeOf } from "./instance.ts";
import { type Hit, pageOf, perInstance, perPool, type Rule, seconds } from "./rule.ts";
import { list } from "./rules-effects.ts";

/** Linux probes an idle connection after two hours. Source: tcp(7), tcp_keepalive_time. */
const SYSTEM_KEEPIDLE = 7200;
/** Parameters whose silent loss changes what queries do. */
const HEAVY =
  /^(options|search_path|role|session_authorization|row_security|.*_timeout|default_transaction_.*)$/;
/** Most pools before their number itself is worth a word. */
const MANY_POOLS = 1000;

export const RISK_RULES: readonly Rule[] = [
  {
    id: "risk-open-door",
    severity: "error",
    doc: "auth_type trust or any on an address that others can reach.",
    source: pageOf("auth_type"),
    find: perInstance((instance) => {
      const { auth_type: type } = instance.config.values;
      const open = publicAddresses(instance);
      if ((type !== "trust" && type !== "any") || open.length === 0) return undefined;
      return {
        at: placeOf(instance, "auth_type"),
        what: `auth_type is ${type}, listen_addr ${open.join(", ")}`,
        why: "whoever reaches the port logs in without a password, with the rights of any user whom the pooler knows",
        fix: "use scram-sha-256, or listen on 127.0.0.1 only",
      };
    }),
  },
  {
    id: "risk-any-needs-user",
    severity: "error",
    doc: "auth_type any with an entry that names no user.",
    source: pageOf("auth_type"),
    find: perInstance((instance) =>
      instance.config.values.auth_type !== "any"
        ? []
        : instance.entries.flatMap((entry): Hit[] =>
            entry.user !== null
              ? []
              : [
                  {
                    at: entry.at,
                    what: `the entry ${entry.name} has no user=`,
                    why: "with auth_type any the client's name is ignored, so nobody can log in there",
                    fix: "add user=NAME to the entry, or use another auth_type",
                  },
                ],
          ),
    ),
  },
  {
    id: "risk-plain-passwords",
    severity: "warning",
    doc: "auth_type plain without TLS on an address that others can reach.",
    source: pageOf("auth_type"),
    find: perInstance((instance) => {
      const { auth_type, client_tls_sslmode: tls } = instance.config.values;
      const optional = tls === "disable" || tls === "allow" || tls === "prefer";
      if (auth_type !== "plain" || !optional || publicAddresses(instance).length === 0)
        return undefined;
      return {
        at: placeOf(instance, "auth_type"),
        what: `auth_type is plain, client_tls_sslmode ${tls}`,
        why: "passwords cross the network for everybody to read",
        fix: "use scram-sha-256, or set client_tls_sslmode = require",
      };
    }),
  },
  {
    id: "risk-statement-mode",
    severity: "warning",
    doc: "Statement mode: BEGIN ends the connection, several statements in one query still run.",
    source: pageOf("pool_mode"),
    find: perPool(({ label, pool_mode: mode }) =>
      mode.value !== "statement"
        ? undefined
        : {
            at: mode.at,
            what: `${label} is in statement mode`,
            why: "the first BEGIN of any client or driver closes its connection; several statements in one query are one transaction nevertheless",
            fix: "use transaction mode unless every client is known to send single statements",
          },
    ),
  },
  {
    id: "risk-prepared-off",
    severity: "warning",
    doc: "max_prepared_statements 0 outside session mode.",
    source: pageOf("max_prepared_statements"),
    find: perPool(({ label, pool_mode }, instance) =>
      pool_mode.value === "session" || instance.config.values.max_prepared_statements > 0
        ? undefined
        : {
            at: placeOf(instance, "max_prepared_statements", "pool_mode"),
            what: `max_prepared_statements is 0, and ${label} in ${pool_mode.value} mode`,
            why: 'drivers that prepare by name fail with "prepared statement does not exist" whenever they get another server',
            fix: "set it to 200, or turn prepared statements off in every driver",
          },
    ),
  },
  {
    id: "risk-reset-always",
    severity: "warning",
    doc: "server_reset_query_always outside session mode: one more round trip in each transaction.",
    source: pageOf("server_reset_query_always"),
    find: perPool(({ label, pool_mode }, instance) => {
      const { server_reset_query: query, server_reset_query_always: always } =
        instance.config.values;
      if (!always || query === "" || pool_mode.value === "session") return undefined;
      return {
        at: placeOf(instance, "server_reset_query_always"),
        what: `"${query}" is sent after every ${pool_mode.value} of ${label}`,
        why: "no client can have the server during that time, and what one client's transactions share is lost between them",
        fix: "remove it, and what clients leave behind with it (poolwise audit finds that)",
      };
    }),
  },
  {
    id: "risk-fast-close",
    severity: "warning",
    doc: "server_fast_close in session mode: a RELOAD takes servers away in the middle of a session.",
    source: pageOf("server_fast_close"),
    find: perPool(({ label, pool_mode }, instance) =>
      !instance.config.values.server_fast_close || pool_mode.value !== "session"
        ? undefined
        : {
            at: placeOf(instance, "server_fast_close"),
            what: `server_fast_close is on, and ${label} in session mode`,
            why: "after RECONNECT or a changed entry clients are disconnected as soon as no transaction is open, temporary tables and locks included",
            fix: "turn it off unless clients reconnect by themselves",
          },
    ),
  },
  {
    id: "risk-check-always",
    severity: "warning",
    doc: "server_check_delay 0: a check before every use of a server.",
    source: pageOf("server_check_delay"),
    find: perInstance((instance) => {
      const { server_check_delay: delay, server_check_query: query } = instance.config.values;
      if (delay > 0 || query === "") return undefined;
      return {
        at: placeOf(instance, "server_check_delay"),
        what: "server_check_delay is 0",
        why: "every transaction waits for one more round trip to the database before it begins",
        fix: "set it to the default, 30",
      };
    }),
  },
  {
    id: "risk-dropped-startup",
    severity: "warning",
    doc: "ignore_startup_parameters drops parameters that change what queries do.",
    source: pageOf("ignore_startup_parameters"),
    find: perInstance((instance) => {
      const { ignore_startup_parameters, track_extra_parameters } = instance.config.values;
      const tracked = list(track_extra_parameters);
      const dropped = list(ignore_startup_parameters).filter(
        (name) => HEAVY.test(name) && !tracked.includes(name),
      );
      if (dropped.length === 0) return undefined;
      return {
        at: placeOf(instance, "ignore_startup_parameters"),
        what: `clients' startup parameters are dropped without a word: ${dropped.join(", ")}`,
        why: "the client believes that they are set, and runs its queries without them",
        fix: "set them with ALTER ROLE .. SET, and let clients that send them fail",
      };
    }),
  },
  {
    id: "risk-client-idle-users",
    severity: "warning",
    doc: "client_idle_timeout of one user while the global one is 0 drops the others' idle clients.",
    source: "PgBouncer 1.25.2 src/janitor.c, measured on the program",
    find: perInstance((instance) =>
      instance.config.values.client_idle_timeout > 0
        ? []
        : instance.config.users.flatMap((user): Hit[] =>
            user.client_idle_timeout === null || user.client_idle_timeout === 0
              ? []
              : [
                  {
                    at: user.at,
                    what: `client_idle_timeout ${seconds(user.client_idle_timeout)} of user ${user.name}, and none for the others`,
                    why: "PgBouncer then drops idle clients of all other users at once (our pooler does not)",
                    fix: "set the global client_idle_timeout too, such as 86400",
                  },
                ],
          ),
    ),
  },
  {
    id: "risk-reuseport-peers",
    severity: "warning",
    doc: "so_reuseport without peers: cancel requests reach the wrong process.",
    source: pageOf("peer_id"),
    find: perInstance((instance) => {
      const { so_reuseport, peer_id } = instance.config.values;
      if (!so_reuseport || (peer_id > 0 && instance.config.peers.length > 0)) return undefined;
      return {
        at: placeOf(instance, "so_reuseport"),
        what: "so_reuseport is on, and there is no peer_id or no [peers]",
        why: "a cancel request is a connection of its own and lands at any of the processes, which cannot forward it",
        fix: "give each process a peer_id and all of them the same [peers]",
      };
    }),
  },
  {
    id: "risk-keepalive-off",
    severity: "warning",
    doc: "tcp_keepalive 0: connections that died without a word stay in the pool.",
    source: pageOf("tcp_keepalive"),
    find: perInstance((instance) =>
      instance.config.values.tcp_keepalive
        ? undefined
        : {
            at: placeOf(instance, "tcp_keepalive"),
            what: "tcp_keepalive is 0",
            why: "a server or client behind a cut cable or an expired firewall entry is never missed",
            fix: "set tcp_keepalive = 1 and tcp_keepidle = 60",
          },
    ),
  },
  {
    id: "risk-keepalive-late",
    severity: "note",
    doc: "Dead connections to a database elsewhere are noticed only after hours.",
    source: pageOf("tcp_keepidle"),
    find: perInstance((instance) => {
      const { tcp_keepalive, tcp_keepidle, tcp_user_timeout } = instance.config.values;
      const remote = instance.entries.find(({ host }) => host !== null && !isLocal(host));
      const noticed = tcp_keepidle > 0 || tcp_user_timeout > 0;
      if (!tcp_keepalive || noticed || remote === undefined) return undefined;
      return {
        at: placeOf(instance, "tcp_keepidle", "tcp_keepalive"),
        what: "tcp_keepidle is left to the system",
        why: `Linux sends its first probe after ${SYSTEM_KEEPIDLE} s, and firewalls between pooler and ${remote.host} forget an idle connection long before`,
        fix: "set tcp_keepidle = 60, tcp_keepintvl = 10, tcp_keepcnt = 3",
      };
    }),
  },
  {
    id: "risk-keepalive-cut-short",
    severity: "note",
    doc: "tcp_user_timeout ends a connection before the keepalive probes are all sent.",
    source: "tcp(7), TCP_USER_TIMEOUT: it overrides keepalive",
    find: perInstance((instance) => {
      const { tcp_keepidle, tcp_keepintvl, tcp_keepcnt, tcp_user_timeout } = instance.config.values;
      const probing = tcp_keepidle + tcp_keepintvl * tcp_keepcnt;
      if (tcp_user_timeout === 0 || tcp_keepidle === 0 || tcp_user_timeout >= probing)
        return undefined;
      return {
        at: placeOf(instance, "tcp_user_timeout"),
        what: `tcp_user_timeout is ${seconds(tcp_user_timeout)}, the probes take ${seconds(probing)}`,
        why: "the first unanswered probe after that time ends the connection, whatever tcp_keepcnt says",
        fix: `set tcp_user_timeout to ${probing / 1e6} (milliseconds) or more`,
      };
    }),
  },
  {
    id: "risk-misread-number",
    severity: "warning",
    doc: "A number with something behind it, or one too large: PgBouncer reads another one.",
    source: "PgBouncer 1.25.2 src/loader.c; lib/usual/cfparser.c, cf_set_int()",
    find: perInstance(({ config }) =>
      config.misread.map(({ at, name, written, read }) => ({
        at,
        what: `${name} is ${JSON.stringify(written)} and is read as ${read}`,
        why: "an entry's numbers end where their digits do, and of a larger number only 32 bits are kept",
        fix: "write the number that is meant, and nothing else",
      })),
    ),
  },
  {
    id: "risk-many-pools",
    severity: "warning",
    doc: "More than a thousand pools in one process.",
    source: "https://github.com/pgbouncer/pgbouncer/issues/1085",
    find: perInstance((instance) => {
      const count = instance.pools.reduce((sum, pool) => sum + pool.users * pool.entries, 0);
      const [first] = instance.entries;
      if (first === undefined || count <= MANY_POOLS) return undefined;
      return {
        at: first.at,
        what: `databases and users make ${count} pools`,
        why: "a server connection serves one database and one user, so hardly any is shared, and every loop of the pooler walks all pools",
        fix: "let the application log in as few users (user= in the entries) and SET LOCAL ROLE inside each transaction",
      };
    }),
  },
];

function publicAddresses({ config }: Instance): string[] {
  return config.values.listen_addr
    .split(",")
    .map((address) => address.trim())
    .filter((address) => address !== "" && !isLocal(address));
}

function isLocal(host: string): boolean {
  return /^(localhost|127\.[\d.]+|::1|\/.*)$/i.test(host);
}
