/** What a calibration measures on connections of its own may be lost like any other part of a run. */
import { expect, test } from "vitest";
import { connectTimes, loginTimes, resetTimes, setTimes } from "../../sim/study/live/probes.ts";
import { OutsideError } from "../../workloads/database/index.ts";

const NOBODY = { host: "127.0.0.1", port: 1, user: "me", database: "app" };

for (const [what, probe] of [
  ["connects", () => connectTimes([NOBODY])],
  ["logins", () => loginTimes(NOBODY)],
  ["resets", () => resetTimes(NOBODY)],
  ["sets", () => setTimes(NOBODY)],
] as const)
  test(`${what}: nobody is there any more, and that is no bug of ours`, async () => {
    const error = await probe().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OutsideError);
    expect(String(error)).toMatch(/the calibration lost me@127\.0\.0\.1:1\/app: .*ECONNREFUSED/);
  });
