/** Numbers in sentences. */
import { expect, test } from "vitest";
import { counted, nounFor } from "../../sim/study/words.ts";

test.each([
  [0, "0 connections"],
  [1, "1 connection"],
  [2, "2 connections"],
])("%i", (count, want) => {
  expect(counted(count, "connection")).toBe(want);
});

test("a plural of its own, and the noun alone", () => {
  expect([1, 2].map((count) => counted(count, "family", "families"))).toEqual([
    "1 family",
    "2 families",
  ]);
  expect([0, 1].map((count) => nounFor(count, "client"))).toEqual(["clients", "client"]);
});
