/** Rules about sums: the database's connections, the application's clients, the process's files. */

import { counted, nounFor } from "../words.ts";
import { mostConnections } from "./budget.ts";
import { type Instance, type Pool, placeOf } from "./instance.ts";
import { type Hit, pageOf, perInstance, perPool, type Rule, type Scene } from "./rule.ts";

/** Share of the server's connections above which little is left for people, migrations and backups. */
const CROWDED = 0.9;
/** Soft limit of open files where nobody has raised it. Source: systemd, DefaultLimitNOFILE. */
const OPEN_FILES = 1024;
/** Files of the process that are no connections: log, listening sockets, epoll, with some to spare. */
const OTHER_FILES = 16;

export const BUDGET_RULES: readonly Rule[] = [
  {
    id: "budget-max-connections",
    severity: "error",
    doc: "All poolers together can open more connections than the database server has to give.",
    source: "https://github.com/autobase-tech/autobase/issues/89",
    find: ({ budgets, around }) =>
      budgets.flatMap(({ at, available = Infinity, connections, parts, pools, server }) =>
        connections <= available
          ? []
          : {
              at,
              what: `${counted(pools, "pool")} can open ${counted(connections, "connection")} to ${server}`,
              why: `it has ${available} for them (max_connections ${around.max_connections}, ${around.reserved} of them reserved); ${sums(parts)}; the next one is refused with "too many clients already"`,
              fix: `set max_db_connections or smaller pools so that the sum is at most ${available}`,
            },
      ),
  },
  {
    id: "budget-crowded",
    severity: "note",
    doc: "The poolers can take more than nine tenths of the database server's connections.",
    source: "https://neon.com/docs/connect/connection-pooling (its pools are 90 %)",
    find: ({ budgets }) =>
      budgets.flatMap(({ at, available = Infinity, connections, server }) =>
        connections > available || connections <= CROWDED * available
          ? []
          : {
              at,
              what: `the poolers can take ${connections} of ${available} connections of ${server}`,
              why: `${available - connections} ${nounFor(available - connections, "is", "are")} left for migrations, backups and people`,
              fix: `leave a tenth: at most ${Math.floor(CROWDED * available)}`,
            },
      ),
  },
  {
    id: "budget-unlimited-pool",
    severity: "warning",
    doc: "A pool without a size that no other limit holds either.",
    source: pageOf("default_pool_size"),
    find: perPool((pool) =>
      pool.pool_size.value > 0 ||
      pool.max_db_connections.value > 0 ||
      pool.max_user_connections.value > 0
        ? undefined
        : {
            at: pool.pool_size.at,
            what: `the pool ${pool.label} has no limit (pool_size 0)`,
            why: `every client that asks gets a connection of its own, up to ${pool.clients.value} (${pool.clients.name})`,
            fix: "give it a pool_size, or set max_db_connections",
          },
    ),
  },
  {
    id: "budget-user-limit",
    severity: "error",
    doc: "The poolers can open more connections as one user than the server lets that user have.",
    source: "https://www.postgresql.org/docs/current/sql-createrole.html (CONNECTION LIMIT)",
    find: ({ instances, around }) =>
      userNames(instances).flatMap((user) => {
        const most = around.user_limits.get(user) ?? around.user_limit;
        const sum = total(instances, (pool) => pool.user === user, 1);
        return most === undefined || sum <= most
          ? []
          : over(instances, (pool) => pool.user === user, {
              what: `the poolers can open ${counted(sum, "connection")} as ${user === "" ? "one user" : `user ${user}`}`,
              why: `the server lets that user have ${most}`,
              fix: `set max_user_connections so that the sum is at most ${most}`,
            });
      }),
  },
  {
    id: "budget-database-limit",
    severity: "error",
    doc: "The poolers can open more connections to one database than it lets in.",
    source: "https://www.postgresql.org/docs/current/sql-createdatabase.html (CONNECTION LIMIT)",
    find: ({ instances, around }) =>
      [...around.database_limits].flatMap(([database, most]) => {
        const leads = ({ entry }: Pool): boolean => (entry.dbname ?? entry.name) === database;
        const sum = total(instances, leads);
        return sum <= most
          ? []
          : over(instances, leads, {
              what: `the poolers can open ${counted(sum, "connection")} to database ${database}`,
              why: `it lets ${most} in`,
              fix: `set max_db_connections so that the sum is at most ${most}`,
            });
      }),
  },
  {
    id: "clients-refused",
    severity: "error",
    doc: "The application opens more connections than the poolers take clients.",
    source: "https://github.com/n8n-io/terraform-aws-n8n/issues/106",
    find: ({ instances, around }) => {
      const clients = instances.reduce(
        (sum, each) => sum + each.copies * each.config.values.max_client_conn,
        0,
      );
      const { app_connections = 0 } = around;
      const [first] = instances;
      if (first === undefined || app_connections <= clients) return [];
      return [
        {
          at: placeOf(first, "max_client_conn"),
          what: `the application opens ${counted(app_connections, "connection")}, the poolers take ${clients} (max_client_conn)`,
          why: `${app_connections - clients} ${nounFor(app_connections - clients, "is", "are")} refused with "no more connections allowed"`,
          fix: "raise max_client_conn, or make the application's own pools smaller",
        },
      ];
    },
  },
  {
    id: "clients-in-session-mode",
    severity: "warning",
    doc: "In session mode each connection of the application takes a server connection for itself.",
    source: "https://github.com/pgbouncer/pgbouncer/issues/748",
    find: ({ instances, around }) => {
      const session = (pool: Pool): boolean => pool.pool_mode.value === "session";
      const servers = total(instances, session);
      const { app_connections = 0 } = around;
      const pools = instances.flatMap((each) => each.pools);
      if (!pools.every(session) || app_connections <= servers) return [];
      return over(instances, session, {
        what: `the application opens ${counted(app_connections, "connection")} in session mode, the pools have ${counted(servers, "server")}`,
        why: `${counted(app_connections - servers, "client")} ${nounFor(app_connections - servers, "waits", "wait")} until another disconnects`,
        fix: "use transaction mode if the application allows it (poolwise audit), or larger pools",
      });
    },
  },
  {
    id: "files-too-few",
    severity: "error",
    doc: "The pooler can need more open files than its process may have.",
    source: pageOf("max_client_conn"),
    find: perInstance((instance, { open_files: most = Infinity }) => {
      const need = filesOf(instance);
      if (need <= most) return undefined;
      return files(instance, need, `the process may have ${most} (ulimit -n)`);
    }),
  },
  {
    id: "files-beyond-default",
    severity: "note",
    doc: "The pooler can need more open files than a process has where nobody raised the limit.",
    source: pageOf("max_client_conn"),
    find: perInstance((instance, { open_files }) => {
      const need = filesOf(instance);
      if (open_files !== undefined || need <= OPEN_FILES) return undefined;
      return files(instance, need, `the usual soft limit is ${OPEN_FILES}`);
    }),
  },
  {
    id: "offer-clients",
    severity: "note",
    doc: "max_client_conn is above what the pooler of the hosted offer takes.",
    source: "the source of the preset",
    find: perInstance((instance, { clients_most: most = Infinity }) => {
      const { max_client_conn } = instance.config.values;
      if (max_client_conn <= most) return undefined;
      return {
        at: placeOf(instance, "max_client_conn"),
        what: `max_client_conn is ${max_client_conn}`,
        why: `where this is to become the pooler of the hosted offer, it takes at most ${counted(most, "client")}`,
        fix: `set it to ${most} or less`,
      };
    }),
  },
  {
    id: "offer-pool-size",
    severity: "note",
    doc: "default_pool_size is outside of what the pooler of the hosted offer accepts.",
    source: "the source of the preset",
    find: perInstance((instance, { pool_size_most: most }) => {
      const { default_pool_size: size } = instance.config.values;
      if (most === undefined || (size >= 1 && size <= most)) return undefined;
      return {
        at: placeOf(instance, "default_pool_size"),
        what: `default_pool_size is ${size}`,
        why: `where this is to become the pooler of the hosted offer, it accepts 1 to ${most}`,
        fix: `set it to a number from 1 to ${most}`,
      };
    }),
  },
];

function sums(parts: Scene["budgets"][number]["parts"]): string {
  return parts
    .map(({ file, copies, connections }) =>
      copies === 1
        ? `${file} ${connections}`
        : `${file} ${copies} x ${connections / copies} = ${connections}`,
    )
    .join(", ");
}

function userNames(instances: readonly Instance[]): string[] {
  return [...new Set(instances.flatMap(({ pools }) => pools.map(({ user }) => user)))];
}

/** Most connections of the pools that `chosen` picks; `users`: as many users as count in a group. */
function total(
  instances: readonly Instance[],
  chosen: (pool: Pool) => boolean,
  users?: number,
): number {
  return instances.reduce((sum, { copies, pools }) => {
    const these = pools.filter(chosen).map((pool) => (users ? { ...pool, users } : pool));
    return sum + copies * mostConnections(these);
  }, 0);
}

/** The hit at the first pool that has a part in the sum. */
function over(
  instances: readonly Instance[],
  chosen: (pool: Pool) => boolean,
  hit: Omit<Hit, "at">,
): Hit[] {
  const pool = instances.flatMap(({ pools }) => pools).find(chosen);
  return pool === undefined ? [] : [{ at: pool.entry.at, ...hit }];
}

/** Every connection is an open file. Source: PgBouncer's documentation of max_client_conn. */
function filesOf({ config, pools }: Instance): number {
  return config.values.max_client_conn + mostConnections(pools) + OTHER_FILES;
}

function files(instance: Instance, need: number, limit: string): Hit {
  const { max_client_conn } = instance.config.values;
  return {
    at: placeOf(instance, "max_client_conn"),
    what: `the pooler can need ${need} open files`,
    why: `${counted(max_client_conn, "client")} and ${counted(need - max_client_conn - OTHER_FILES, "server")} are files each, and ${limit}`,
    fix: `raise the limit (LimitNOFILE=${need} in its systemd unit), or lower max_client_conn`,
  };
}
