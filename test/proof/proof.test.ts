/** What `npm run proof` plays is as busy as it says, and its command line refuses what it does not know. */
import { spawn, spawnSync } from "node:child_process";
import { once as event } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";
import { once, shipped } from "../workloads/claims.ts";
import { CASES } from "./cases.ts";
import { reasonOf } from "./rows.ts";

for (const { workload, mode, sizes = [undefined], set } of CASES)
  for (const size of sizes)
    test(`${workload} ${mode ?? ""} ${size ?? ""}: 60 to 100 % of its connections are busy`, () => {
      const options = { poolMode: mode, poolSize: size };
      const { all, ...run } = once(
        shipped(workload, set === undefined ? [] : [set], options),
        2,
        5,
      );
      const open = run.server_connections.mean;
      expect(run.servers_active / open).toBeGreaterThan(0.6);
      expect(all.timeouts + all.refused).toBe(0);
    });

for (const [words, said] of [
  [["nonsense"], /^proof: "nonsense" is none of tour, json-api, /],
  [["--nonsense"], /^proof: Unknown option '--nonsense'/],
] as const)
  test(`proof ${words.join(" ")} is bad usage`, () => {
    const program = ["--import", "tsx", "test/proof/run.ts", ...words];
    const { status, stderr, stdout } = spawnSync(process.execPath, program, { encoding: "utf8" });
    expect(stderr).toMatch(said);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  });

test("what cannot be played has a row that says why, and is counted apart", () => {
  const pgbouncer = join(import.meta.dirname, "cases.ts");
  const words = ["--only", "pgbouncer", "--pgbouncer", pgbouncer, "tour"];
  const program = ["--import", "tsx", "test/proof/run.ts", ...words];
  const { status, stdout } = spawnSync(process.execPath, program, { encoding: "utf8" });
  const [, row, sum] = stdout.split("\n");
  expect(row).toMatch(/^pgbouncer {2}tour session 16 +NOT PLAYED: .*cases\.ts did not start: /);
  expect(sum).toBe("0 hold, 0 fail, 1 was not played");
  expect(status).toBe(3);
});

test("of what ended without a word the exit status is said", () => {
  expect(reasonOf("", 130)).toBe("exit status 130, without a word");
  expect(reasonOf("note: a\npoolwise: b\n", 3)).toBe("b");
});

test("what ends it ends what it plays", async () => {
  const program = ["--import", "tsx", "test/proof/run.ts", "tour"];
  const proof = spawn(process.execPath, program, {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ended = event(proof, "exit");
  let said = "";
  proof.stdout.on("data", (text) => (said += text));
  await event(proof.stdout, "data"); // The columns' names.
  proof.kill("SIGTERM");
  expect(await ended).toEqual([130, null]);
  expect(said).toMatch(/\n0 hold, 0 fail, 0 were not played\n$/);
  expect(() => process.kill(-(proof.pid as number), 0)).toThrow("ESRCH"); // Its process group is empty.
});
