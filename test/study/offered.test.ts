/** How much work clients bring over what can be had of it. */
import { describe, expect, test } from "vitest";
import { bottleneck, offeredLoad, settlingTime, workOnCores } from "../../sim/study/offered.ts";
import { connectionsOf } from "../../sim/study/pools.ts";
import { overloaded, warmUpTime } from "../../sim/study/warm-up.ts";
import { parseWorkload } from "../../workloads/schema/load.ts";
import type { AppPool, ClientKind, Workload } from "../../workloads/schema/workload.ts";

const SECOND = 1e9;

/** 1000/s of 4 ms each by two users of one database: two connections' worth of work of each. */
function workload(limits: string, size = 4): Workload {
  const kind = (name: string): string =>
    `  - { name: ${name}, user: ${name}, arrivals: { rate: 500/s }, transaction: { service: { exponential: 4 ms } } }`;
  const text = `name: offered
pgbouncer: { pool_mode: transaction, default_pool_size: ${size} }
${limits}
network: { client: 0 ms, server: 0 ms }
clients:
${kind("ann")}
${kind("bob")}
`;
  return parseWorkload(text, "offered.yaml");
}

describe("a pool is as large as its database and its user let it be", () => {
  // limits, load, connections together, why
  const cases: [string, number, number, string][] = [
    ["", 0.5, 8, "each pool has half of its four at work"],
    ["databases: { app: { max_db_connections: 5 } }", 0.8, 5, "four of the database's five"],
    ["databases: { app: { max_db_connections: 3 } }", 4 / 3, 3, "four of three: the queue grows"],
    ["users: { ann: { max_user_connections: 2 } }", 1, 6, "ann's two are at work all the time"],
    ["databases: { app: { max_db_connections: 50 } }", 0.5, 8, "a limit that is never met"],
  ];
  for (const [limits, load, connections, why] of cases)
    test(why, () => {
      expect(offeredLoad(workload(limits))).toBeCloseTo(load, 9);
      expect(connectionsOf(workload(limits))).toBe(connections);
    });

  test("without a size a limit is the size", () => {
    expect(connectionsOf(workload("databases: { app: { max_db_connections: 5 } }", 0))).toBe(5);
    expect(connectionsOf(workload("", 0), 7)).toBe(14);
  });

  test("a queue that is longer takes longer to settle", () => {
    const limited = workload("databases: { app: { max_db_connections: 5 } }");
    expect(settlingTime(limited)).toBeGreaterThan(5 * settlingTime(workload("")));
  });
});

describe("a pool inside the application lets no more through than it has connections", () => {
  /** Four connections' worth of work, half of it by ann, before a pool of 4 for each of two users. */
  const inside = (app_pool: AppPool, size?: number): Workload => {
    const made = workload("", size);
    const clients = made.clients.map((kind) =>
      kind.name === "ann" ? { ...kind, app_pool } : kind,
    );
    return { ...made, clients };
  };
  const pool = (instances: number, size: number): AppPool => ({ instances, size, timeout: 0 });

  // its pool, pool_size, load, of what, why
  const cases: [AppPool, number, number, string, string][] = [
    [
      pool(2, 3),
      4,
      0.5,
      "the pool",
      "two of its six are in use: the server's four are the narrower",
    ],
    [
      pool(2, 1),
      8,
      1,
      "the application's own pool of ann",
      "two of its two: the queue grows inside",
    ],
    [pool(1, 1), 4, 2, "the application's own pool of ann", "one of the two that ann asks for"],
  ];
  for (const [app_pool, size, load, what, why] of cases)
    test(why, () => {
      const found = bottleneck(inside(app_pool, size));
      expect(found.load).toBeCloseTo(load, 9);
      if (load > 1 || size > 4) expect(found.what).toBe(what);
    });

  test("in session mode its connections hold the servers, not its users' sessions", () => {
    const made = inside(pool(1, 4));
    const thinking = { kind: "constant", value: SECOND } as const;
    const session = { ...made.clients[0]?.session, transactions: { kind: "constant", value: 3 } };
    const clients = made.clients.map(
      (kind) => ({ ...kind, think: thinking, session }) as ClientKind,
    );
    const load = (kinds: ClientKind[]): number =>
      offeredLoad({
        ...made,
        clients: kinds,
        settings: { ...made.settings, pool_mode: "session" },
      });
    expect(load(clients.slice(0, 1))).toBeCloseTo(1.5, 9);
    expect(load(clients.slice(1))).toBeGreaterThan(100);
  });

  const served = (app_pool: AppPool | undefined, factor: number): number | undefined => {
    const text = `name: cores
server: { cores: 8 }
network: { client: 0 ms, server: 0 ms }
clients: [ { name: api, count: 100, think: 100 ms, transaction: { service: 100 ms } } ]
schedule: [ { at: 1 s, for: 1 s, clients: api, factor: ${factor} } ]
`;
    const made = parseWorkload(text, "cores.yaml");
    const clients = made.clients.map((kind) => ({ ...kind, app_pool }));
    return workOnCores({ ...made, clients })?.offered;
  };
  test("nor does it bring the cores more work", () => {
    expect(served(undefined, 1)).toBeCloseTo(50, 9);
    expect(served(pool(4, 5), 1)).toBeCloseTo(20, 9);
    expect(served(pool(4, 5), 3)).toBeCloseTo(20, 9);
    expect(served(pool(40, 5), 1)).toBeCloseTo(50, 9);
  });
  test("four times the load shortens what clients think, not what they do", () => {
    expect(served(undefined, 4)).toBeCloseTo(80, 9);
  });

  test("a queue that grows inside the application is seen, and where it grows is told", async () => {
    const text = `name: inside
pgbouncer: { pool_mode: transaction, default_pool_size: 40 }
server: { connect_time: 0 ms }
network: { client: 0 ms, server: 0 ms }
clients:
  - name: req
    arrivals: { rate: 500/s }
    transaction: { service: { exponential: 40 ms } }
    app_pool: { instances: 4, size: 4 }
run: { duration: 10 s }
`;
    const { unsteady } = await warmUpTime(parseWorkload(text, "inside.yaml"), {});
    expect(unsteady).toContain(
      "arrivals bring 125 % of what the application's own pool of req can serve",
    );
  });
});

test("a queue that grows is told of however slowly it does, but where a reserve may end it", () => {
  const told = (limits: string, reserve_pool_size = 0): string[] => {
    const made = workload(limits);
    return overloaded({ ...made, settings: { ...made.settings, reserve_pool_size } });
  };
  const few = "databases: { app: { max_db_connections: 3 } }";
  expect(told("")).toEqual([]);
  expect(told(few)).toEqual([
    expect.stringMatching(
      /^arrivals bring 133 % of what the connections of database app can serve/,
    ),
  ]);
  expect(told(few, 2)).toEqual([]);
});
