/** Ports for processes that begin to listen a while later. */
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { freePort } from "../../sim/study/live/pooler-process.ts";

/** From where on Linux chooses ports by itself, for who connects and for who listens at port 0. */
const RANGE = "/proc/sys/net/ipv4/ip_local_port_range";
const [first = 0] = existsSync(RANGE) ? readFileSync(RANGE, "utf8").split(/\s+/).map(Number) : [];

test.skipIf(first < 32_768)("the system gives a free port to nobody else meanwhile", async () => {
  const ports = await Promise.all(Array.from({ length: 20 }, freePort));
  expect(Math.max(...ports)).toBeLessThan(first);
  expect(Math.min(...ports)).toBeGreaterThan(1_024);
});
