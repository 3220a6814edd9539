/** The pools that a result names. */
import { expect, test } from "vitest";
import { configured, usedPools } from "../../sim/study/pools.ts";
import { parseWorkload } from "../../workloads/schema/load.ts";

const kind = (name: string, database: string, user: string): string =>
  `  - { name: ${name}, database: ${database}, user: ${user}, count: 1, think: 1 s, transaction: { service: 1 ms } }\n`;

function workload(
  databases: string,
  users: string,
  kinds: string,
): ReturnType<typeof parseWorkload> {
  const text = `name: a
pgbouncer: { pool_mode: session, default_pool_size: 9 }
databases: ${databases}
users: ${users}
clients:
${kinds}`;
  return parseWorkload(text, "a.yaml");
}

const two = kind("one", "a", "ann") + kind("two", "b", "bob");

test("mode and size are the user's, else the database's, else the global ones", () => {
  const both = workload(
    "{ a: { pool_mode: transaction, pool_size: 3 }, b: {} }",
    "{ ann: { pool_size: 5 } }",
    two,
  );
  expect(usedPools(both)).toEqual([
    { database: "a", user: "ann", pool_mode: "transaction", pool_size: 5 },
    { database: "b", user: "bob", pool_mode: "session", pool_size: 9 },
  ]);
});

// databases, clients, mode, size, pools, why
const cases = [
  ["{ a: { pool_size: 3 } }", kind("one", "a", "ann"), "session", 3, undefined, "one pool"],
  ["{ a: { pool_size: 3 }, b: { pool_size: 3 } }", two, "session", 3, 2, "two that are alike"],
  ["{ a: { pool_size: 3 }, b: {} }", two, "session", 9, 2, "two that differ: the global size"],
  [
    "{ a: { user: shared } }",
    kind("one", "a", "ann") + kind("two", "a", "bob"),
    "session",
    9,
    undefined,
    "a user of the entry is the user of all",
  ],
] as const;
for (const [databases, kinds, pool_mode, pool_size, count, why] of cases) {
  test(`${pool_mode} ${pool_size}, ${count ?? "no"} pools named: ${why}`, () => {
    const { pools, ...rest } = configured(workload(databases, "{}", kinds));
    expect(rest).toEqual({ pool_mode, pool_size });
    expect(pools?.length).toBe(count);
  });
}
