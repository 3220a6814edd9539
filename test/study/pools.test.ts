/** Pools of a workload's databases, as live runs set them up. */
import { describe, expect, test } from "vitest";
import { hasOwnPools, ownPools, withPool } from "../../sim/study/live/pools.ts";
import { usedPools } from "../../sim/study/pools.ts";
import type { ClientKind, Workload } from "../../workloads/schema/workload.ts";
import { closedWorkload, kindOf } from "./workload.ts";

type Databases = Workload["settings"]["databases"];

/** Clients of two databases under a global pool of 8 in transaction mode. */
function workload(databases: Databases, users: Workload["settings"]["users"] = []): Workload {
  const base = closedWorkload(kindOf(4, 100, 10), 8);
  const [one] = base.clients;
  const clients = ["a", "b"].map((database) => ({ ...one, name: database, database }));
  const settings = { ...base.settings, pool_mode: "transaction" as const, databases, users };
  return { ...base, clients: clients as Workload["clients"], settings };
}

describe("pools that differ", () => {
  // databases, has own, mode, connections, why
  const cases = [
    [[{ name: "a" }, { name: "b" }], false, "transaction", 16, "both have the global one"],
    [[{ name: "a", pool_size: 3 }, { name: "b" }], true, "transaction", 11, "a size of its own"],
    [
      [{ name: "a", pool_mode: "session" }, { name: "b" }],
      true,
      "transaction",
      16,
      "of two modes the global one is the name",
    ],
    [
      [
        { name: "a", pool_mode: "statement" },
        { name: "b", pool_mode: "statement" },
      ],
      true,
      "statement",
      16,
      "one mode, not the global one",
    ],
  ] as const;
  for (const [databases, own, pool_mode, connections, why] of cases)
    test(why, () => {
      const given = workload([...databases]);
      expect(hasOwnPools(given)).toBe(own);
      expect(ownPools(given)).toEqual({ pool_mode, pool_size: 8, connections });
    });

  test("a user's own pool is one of its own", () => {
    const { user } = workload([]).clients[0] as ClientKind;
    expect(hasOwnPools(workload([{ name: "a" }], [{ name: user, pool_size: 2 }]))).toBe(true);
    expect(hasOwnPools(workload([{ name: "a" }], [{ name: "nobody", pool_size: 2 }]))).toBe(false);
  });

  test("a size for every pool is also that of users who have one", () => {
    const { user } = workload([]).clients[0] as ClientKind;
    const own = workload([{ name: "a" }, { name: "b" }], [{ name: user, pool_size: 2 }]);
    expect(usedPools(withPool(own, "session", 5))).toMatchObject([
      { pool_mode: "session", pool_size: 5 },
      { pool_mode: "session", pool_size: 5 },
    ]);
  });

  test("statement mode beside another cannot be played", () => {
    const mixed = workload([{ name: "a", pool_mode: "statement" }, { name: "b" }]);
    expect(() => ownPools(mixed)).toThrow(/statement mode for all pools/);
  });
});
