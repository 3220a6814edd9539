/** The table of broken variants fits the sources as they are, and holds the variants that were asked for. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { changed, MUTANTS } from "./mutants.ts";

const REQUIRED = [
  "waiters served last in, first out",
  "idle servers taken in the other order",
  "pool_size + 1",
  "the reserve opened at once",
  "the reserve never opened",
  "waits not counted",
  "a released server not handed to the oldest waiter",
  "min_pool_size ignored",
  "no reset before reuse",
  "lifetimes not spread",
  "no pause after a failed login",
  "no check of a long-idle server",
  "max_db_connections ignored",
  "max_user_connections ignored",
  "no eviction",
  "query_wait_timeout twice as long",
  "a server kept after its client vanished inside a transaction",
];

const names = MUTANTS.map((mutant) => mutant.name);

for (const { name, changes } of MUTANTS) {
  test(`${name}: each old text is in its file exactly once, and something changes`, () => {
    expect(changes.length).toBeGreaterThan(0);
    for (const change of changes) {
      const text = readFileSync(change.file, "utf8");
      expect(changed(text, change)).not.toBe(text);
    }
  });
}

test("a text that is missing or occurs twice is refused", () => {
  const change = { file: "a.ts", old: "x", replacement: "y" };
  expect(() => changed("none", change)).toThrow("a.ts: 0 times, not once: x");
  expect(() => changed("x x", change)).toThrow("a.ts: 2 times, not once: x");
  expect(changed("one x", change)).toBe("one y");
});

test("every variant that must be there is, and no name is used twice", () => {
  expect(names).toEqual(expect.arrayContaining(REQUIRED));
  expect(new Set(names).size).toBe(names.length);
});
