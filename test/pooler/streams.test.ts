/**
 * The same clients, servers and channels where Node.js lacks what `native.ts` looks for: all bytes take the
 * way through its streams.
 */
import { afterAll, expect, test, vi } from "vitest";

vi.hoisted(() => {
  process.env.POOLWISE_STREAMS = "1";
});

import { native } from "../../engine/pooler/sockets/native.ts";
import { Stage } from "./stage.ts";
import "./channel.test.ts";
import "./relay.test.ts";
import "./mixing.test.ts";

afterAll(() => {
  delete process.env.POOLWISE_STREAMS;
});

test("nothing of Node's insides is used", () => {
  expect(native).toBeUndefined();
});

test("a pooler ends while somebody is on its console", async () => {
  const stage = await Stage.open();
  const pooler = await stage.pooler();
  await stage.console(pooler);
  await pooler.close();
  await stage.close();
});
