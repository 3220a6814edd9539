/** Rules about pools: sizes that cannot be reached, reserves that cannot open. */

import { counted, nounFor } from "../words.ts";
import { mostConnections } from "./budget.ts";
import { type Pool, placeOf } from "./instance.ts";
import { pageOf, perInstance, perPool, type Rule, seconds } from "./rule.ts";

export const POOL_RULES: readonly Rule[] = [
  {
    id: "pool-over-database",
    severity: "warning",
    doc: "A pool is larger than max_db_connections: it can never fill.",
    source: pageOf("max_db_connections"),
    find: perPool((pool) => over(pool, "max_db_connections")),
  },
  {
    id: "pool-over-user",
    severity: "warning",
    doc: "A pool is larger than max_user_connections: it can never fill.",
    source: pageOf("max_user_connections"),
    find: perPool((pool) => over(pool, "max_user_connections")),
  },
  {
    id: "pool-over-clients",
    severity: "warning",
    doc: "A pool is larger than the number of clients that can be in it: it can never fill.",
    source: pageOf("max_client_conn"),
    find: perPool(({ clients, label, pool_size }) =>
      pool_size.value <= clients.value
        ? undefined
        : {
            at: clients.at,
            what: `the pool ${label} has size ${pool_size.value} and takes ${counted(clients.value, "client")} (${clients.name})`,
            why: "a client needs one server at a time, and with as many clients as servers nothing is shared",
            fix: `raise ${clients.name}, or lower the pool's size to less than ${clients.value}`,
          },
    ),
  },
  {
    id: "reserve-never",
    severity: "warning",
    doc: "A reserve that no limit leaves room for.",
    source: pageOf("reserve_pool_size"),
    find: perPool((pool) => {
      const { label, pool_size, reserve_pool_size: reserve } = pool;
      if (reserve.value > 0 && pool_size.value === 0)
        return {
          at: reserve.at,
          what: `the reserve of ${reserve.value} for ${label} never opens`,
          why: "its pool has no size (0) that could be used up",
          fix: "give the pool a size, or remove the reserve",
        };
      const name = tightest(pool);
      const most = name === undefined ? 0 : pool[name].value;
      if (reserve.value === 0 || name === undefined || pool_size.value < most) return undefined;
      return {
        at: reserve.at,
        what: `the reserve of ${reserve.value} for ${label} never opens`,
        why: `a pool of ${pool_size.value} uses up ${name} ${most} by itself`,
        fix: `raise ${name} to ${pool_size.value + reserve.value}, or remove the reserve`,
      };
    }),
  },
  {
    id: "reserve-off",
    severity: "warning",
    doc: "A reserve with reserve_pool_timeout 0, which turns it off.",
    source: pageOf("reserve_pool_timeout"),
    find: perPool(({ label, reserve_pool_size: reserve }, instance) =>
      reserve.value === 0 || instance.config.values.reserve_pool_timeout > 0
        ? undefined
        : {
            at: placeOf(instance, "reserve_pool_timeout"),
            what: `the reserve of ${reserve.value} for ${label} is off`,
            why: "reserve_pool_timeout is 0, which means never",
            fix: "set reserve_pool_timeout to a few seconds, or remove the reserve",
          },
    ),
  },
  {
    id: "reserve-late",
    severity: "warning",
    doc: "The reserve opens only when those who wait for it are dropped.",
    source: pageOf("reserve_pool_timeout"),
    find: perPool(({ label, reserve_pool_size, query_wait_timeout: wait }, instance) => {
      const { reserve_pool_timeout: opens } = instance.config.values;
      if (reserve_pool_size.value === 0 || wait.value === 0 || opens < wait.value) return undefined;
      return {
        at: placeOf(instance, "reserve_pool_timeout"),
        what: `the reserve for ${label} opens after ${seconds(opens)} of waiting`,
        why: `query_wait_timeout drops the waiting client after ${seconds(wait.value)}`,
        fix: `set reserve_pool_timeout well below ${seconds(wait.value)}`,
      };
    }),
  },
  {
    id: "minimum-over-size",
    severity: "warning",
    doc: "min_pool_size is above the size of the pool, or the pool has none.",
    source: pageOf("min_pool_size"),
    find: perPool(({ label, min_pool_size: least, pool_size: { value: size } }) => {
      if (least.value <= size) return undefined;
      const [why, fix] =
        size === 0
          ? [
              "connections are opened ahead only while there are fewer than the size",
              "give it a size",
            ]
          : [
              `no more than ${counted(size, "connection")} ${nounFor(size, "is", "are")} opened ahead`,
              `set min_pool_size to ${size} or less`,
            ];
      return {
        at: least.at,
        what: `min_pool_size of ${label} is ${least.value}, its size ${size === 0 ? "0, no limit" : size}`,
        why,
        fix,
      };
    }),
  },
  {
    id: "minimum-over-database",
    severity: "warning",
    doc: "The minima of a database's pools add up to more than max_db_connections.",
    source: "https://github.com/pgbouncer/pgbouncer/issues/647",
    find: perInstance(({ entries, pools }) =>
      entries.flatMap((entry) => {
        const own = pools.filter((pool) => pool.entry === entry);
        const sum = own.reduce((all, pool) => all + pool.users * kept(pool), 0);
        const most = own[0]?.max_db_connections;
        if (most === undefined || most.value === 0 || sum <= most.value) return [];
        return {
          at: most.at,
          what: `the pools of ${entry.name} are to keep ${counted(sum, "connection")}, max_db_connections is ${most.value}`,
          why: "the pools that start first take all of them, and the others begin empty",
          fix: `raise max_db_connections to ${sum} or more, or lower min_pool_size`,
        };
      }),
    ),
  },
  {
    id: "minimum-without-client",
    severity: "note",
    doc: "min_pool_size is kept only while a client is connected, unless the entry names its user.",
    source: "https://github.com/pgbouncer/pgbouncer/issues/426",
    find: perPool(({ entry, label, min_pool_size: least }) =>
      least.value === 0 || entry.user !== null
        ? undefined
        : {
            at: least.at,
            what: `min_pool_size ${least.value} of ${label} begins with its first client`,
            why: "without user= in the entry the pool does not exist before somebody connects, so a restart begins cold",
            fix: "give the entry user= if the pool is to be warm from the start",
          },
    ),
  },
  {
    id: "pools-share-a-cap",
    severity: "warning",
    doc: "Pools of several users share a max_db_connections that is too small for all of them.",
    source: "https://github.com/pgbouncer/pgbouncer/issues/131",
    find: perInstance(({ entries, pools }) =>
      entries.flatMap((entry) => {
        const own = pools.filter((pool) => pool.entry === entry && pool.entries === 1);
        const users = own.reduce((sum, pool) => sum + pool.users, 0);
        const most = own[0]?.max_db_connections;
        if (most === undefined || most.value === 0 || users < 2) return [];
        const wanted = mostConnections(own.map((pool) => ({ ...pool, max_db_connections: OFF })));
        if (wanted <= most.value) return [];
        return {
          at: most.at,
          what: `${users} users share ${counted(most.value, "connection")} of ${entry.name}, their pools want ${wanted}`,
          why: "a busy pool hands its servers to its own clients, so whoever fills the cap first keeps it and the others starve",
          fix: `give each user a pool_size of at most ${Math.max(1, Math.floor(most.value / users))}, or let the entry name one user`,
        };
      }),
    ),
  },
];

const OFF = { value: 0, at: "" };

type Cap = "max_db_connections" | "max_user_connections";

/** Connections that a pool keeps: its minimum, as far as its size lets it. */
function kept({ min_pool_size: least, pool_size: size }: Pool): number {
  return Math.min(least.value, size.value); // Where there is no size nothing is kept.
}

/** The smaller of the two caps that is on. */
function tightest(pool: Pool): Cap | undefined {
  const caps = (["max_db_connections", "max_user_connections"] as const).filter(
    (name) => pool[name].value > 0,
  );
  return caps.sort((a, b) => pool[a].value - pool[b].value)[0];
}

function over(pool: Pool, name: Cap) {
  const [size, most] = [pool.pool_size, pool[name]];
  if (most.value === 0 || size.value <= most.value) return undefined;
  return {
    at: size.at,
    what: `the pool ${pool.label} has size ${size.value}, ${name} is ${most.value}`,
    why: `it never has more than ${most.value}, and SHOW POOLS compared with ${size.value} looks healthy while clients wait`,
    fix: `set its size to ${most.value} or less, or raise ${name}`,
  };
}
