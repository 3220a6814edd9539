/** The limits of inlining: flags that every V8 we run on must know. */
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { INLINING } from "../../sim/study/inlining.ts";

test.each(INLINING)("this V8 knows %s", (flag) => {
  const program = spawnSync(process.execPath, [flag, "-e", "0"], { encoding: "utf8" });
  expect(program.status, program.stderr).toBe(0);
});
