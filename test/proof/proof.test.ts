/** What `npm run proof` plays is as busy as it says, and its command line refuses what it does not know. */
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { once, shipped } from "../workloads/claims.ts";
import { CASES } from "./cases.ts";

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
