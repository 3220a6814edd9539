/** Which settings hold in a pool: the user's, then the database's, then the global ones. */
import { expect, test } from "vitest";
import { type CoreSettings, configuredPool } from "../../engine/core/index.ts";
import { settings } from "./helpers.ts";

const both = { pool_mode: "session", pool_size: 3, reserve_pool_size: 1 } as const;
const users = [{ name: "u", pool_mode: "statement", pool_size: 5, reserve_pool_size: 2 } as const];

// settings -> whose pool, mode, size, reserve, why
const cases: readonly [Partial<CoreSettings>, string, string, number, number, string][] = [
  [{}, "db/u", "transaction", 20, 0, "neither says anything: the global ones"],
  [{ databases: [{ name: "db", ...both }] }, "db/u", "session", 3, 1, "the database's"],
  [{ users }, "db/u", "statement", 5, 2, "the user's"],
  [{ databases: [{ name: "db", ...both }], users }, "db/u", "statement", 5, 2, "the user's first"],
  [
    { databases: [{ name: "db", ...both }], users: [{ name: "u", pool_size: 0 }] },
    ...(["db/u", "session", 0, 1, "each setting by itself, and 0 is a size"] as const),
  ],
  [
    {
      databases: [{ name: "db", forced_user: "f" }],
      users: [...users, { name: "f", pool_size: 7 }],
    },
    ...(["db/f", "transaction", 7, 0, "those of the user whom the entry forces"] as const),
  ],
  [{ databases: [], autodb: { name: "*", ...both } }, "db/u", "session", 3, 1, "those of *"],
  [{ databases: [] }, "db/u", "transaction", 20, 0, "no entry: the global ones"],
];
for (const [changes, whose, mode, size, reserve, why] of cases)
  test(`${whose}: ${mode} ${size} + ${reserve}: ${why}`, () => {
    const pool = configuredPool(settings(changes), "db", "u");
    expect(`${pool.database.settings.name}/${pool.user.settings.name}`).toBe(whose);
    expect([pool.mode, pool.size, pool.reserve_size]).toEqual([mode, size, reserve]);
  });
