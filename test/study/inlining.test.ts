/** The limit of inlining: a flag that every V8 we run on must know. */
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { INLINING } from "../../sim/study/inlining.ts";

test(`this V8 knows ${INLINING}`, () => {
  const program = spawnSync(process.execPath, [INLINING, "-e", "0"], { encoding: "utf8" });
  expect(program.status, program.stderr).toBe(0);
});
