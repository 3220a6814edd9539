/** How much work clients bring over what can be had of it. */
import { describe, expect, test } from "vitest";
import { offeredLoad, settlingTime } from "../../sim/study/offered.ts";
import { connectionsOf } from "../../sim/study/pools.ts";
import { parseWorkload } from "../../workloads/schema/load.ts";
import type { Workload } from "../../workloads/schema/workload.ts";

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
