/** What no driver does, and no history can say: both poolers must show the same. */
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Pooler } from "../../engine/pooler/main.ts";
import { hasLibc } from "../../engine/pooler/system/libc.ts";
import { FRONTEND } from "../../engine/wire/messages.ts";
import { message, query, sync, terminate } from "../../engine/wire/writer.ts";
import { NO_PGBOUNCER, PGBOUNCER, PGBOUNCER_VERSION } from "../pgbouncer.ts";
import { Raw } from "../pooler/raw.ts";
import { type Running, Stage } from "./stage.ts";

const SIDES = [
  ["ours", undefined],
  ...(NO_PGBOUNCER === "" ? [["theirs", PGBOUNCER] as const] : []),
] as const;

const IDLE_MS = 1_000;

let stage: Stage;
const running = new Map<string, Running>();
beforeAll(async () => {
  stage = await Stage.open();
  const direct = await stage.direct();
  await direct.query("create table copied (i int)");
  await direct.end();
  for (const [side, pgbouncer] of SIDES) {
    const more = { client_idle_timeout: IDLE_MS / 1000, application_name_add_host: 1 };
    const settings = { pool_mode: "transaction", ...more };
    const entries = { app: "", counted: "" };
    running.set(side, await stage.pooler({ settings, entries, pgbouncer }));
  }
});
afterAll(async () => {
  for (const one of running.values()) await one.stop();
  await stage?.close();
});

async function enter(side: string, database: string): Promise<Raw> {
  const { admin } = running.get(side) as Running;
  const address = { host: "", port: admin.port, socket: admin.host };
  return await Raw.login({ address } as Pooler, admin.user, database, true);
}

const bytes = (text: string): Buffer => Buffer.from(text, "latin1");

/**
 * Plays a COPY of two seconds, and a query more than half a second after it. Returns the longest time without a
 * message in ms: a machine that stands still meanwhile makes a client idle that is not.
 */
async function longestPause(raw: Raw): Promise<number> {
  let [longest, last] = [0, performance.now()];
  const send = (...messages: Buffer[]): void => {
    raw.send(...messages);
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  };
  send(query("copy copied from stdin"));
  await raw.until("G");
  for (let turn = 0; turn < 8; turn++) {
    send(message(FRONTEND.copyData, bytes("1\n")));
    await sleep(250);
  }
  send(message(FRONTEND.copyDone));
  await raw.until("Z");
  await sleep(600);
  send(query("select 1"));
  await raw.until("Z", 2);
  return longest;
}

for (const [side, pgbouncer] of SIDES)
  describe(side, () => {
    test("client_idle_timeout counts from the last message of a long COPY, not from its first", async () => {
      let raw: Raw;
      do raw = await enter(side, "app");
      while ((await longestPause(raw)) > 0.8 * IDLE_MS);
      expect(raw.complaint).toBe("");
      await raw.end();
      expect(raw.complaint).toContain("client_idle_timeout");
    });

    test.skipIf(!hasLibc())("application_name_add_host: a process on a Unix socket", async () => {
      const raw = await enter(side, "app");
      raw.send(query("show application_name"));
      await raw.until("Z");
      const shown = raw.messages.find(({ type }) => type === "D")?.body.toString("utf8", 6);
      const { port } = (running.get(side) as Running).admin;
      const whole = `app - unix(${process.pid}@${hostname()}):${port}`;
      expect(shown).toBe(whole.slice(0, 63)); // Longer PostgreSQL has none.
      raw.socket.destroy();
    });

    // 1.18 tracks no statements: there a Close goes to the server.
    test.skipIf(pgbouncer !== undefined && PGBOUNCER_VERSION < 1_025)(
      "bytes_received: what is passed on and what is answered in the server's stead, not the goodbye",
      async () => {
        const raw = await enter(side, "counted");
        const parse = message(FRONTEND.parse, bytes("a\0select 1\0\0\0"));
        const close = message(FRONTEND.close, bytes("Sa\0"));
        raw.send(parse, sync());
        await raw.until("Z");
        raw.send(close);
        await raw.until("3");
        raw.send(terminate());
        await raw.end();
        const rows = await (running.get(side) as Running).tell("SHOW STATS_TOTALS");
        const row = rows.find(({ database }) => database === "counted");
        expect(Number(row?.bytes_received)).toBe(parse.length + sync().length + close.length);
      },
    );
  });
