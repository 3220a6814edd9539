/** Numbers in sentences. */
import { expect, test } from "vitest";
import { counted } from "../../sim/study/words.ts";

test.each([
  [0, "0 connections"],
  [1, "1 connection"],
  [2, "2 connections"],
])("%i", (count, want) => {
  expect(counted(count, "connection")).toBe(want);
});
