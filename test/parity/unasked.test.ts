/**
 * What becomes of a server that speaks while it is idle: the database only pretends to be one. Both poolers must
 * show the same.
 */
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as writer from "../../engine/wire/writer.ts";
import { NO_PGBOUNCER, PGBOUNCER } from "../pgbouncer.ts";
import { pretend } from "../pooler/faulty.ts";
import { type Running, Stage } from "./stage.ts";

const SIDES = [
  ["ours", undefined],
  ...(NO_PGBOUNCER === "" ? [["theirs", PGBOUNCER] as const] : []),
] as const;

/** Two of the janitor's ticks and some. */
const TICKS_MS = 900;
const WELCOME = Buffer.concat([
  writer.authenticationOk(),
  writer.parameterStatus("server_version", "15.0"),
  writer.parameterStatus("client_encoding", "UTF8"),
  writer.backendKeyData(Buffer.alloc(8, 1)),
  writer.readyForQuery(),
]);
const DONE = Buffer.concat([writer.commandComplete("SELECT 0"), writer.readyForQuery()]);
const notification = writer.message(65, Buffer.from([0, 0, 0, 7, 97, 0, 98, 0]));

let stage: Stage;
let server: Awaited<ReturnType<typeof pretend>>;
let latest: Socket | undefined;
const running = new Map<string, Running>();
beforeAll(async () => {
  stage = await Stage.open();
  server = await pretend((socket, turn) => {
    latest = socket;
    socket.write(turn === 0 ? WELCOME : DONE);
  });
  const entries = { app: `host=127.0.0.1 port=${server.port}` };
  for (const [side, pgbouncer] of SIDES) {
    const settings = { pool_mode: "transaction", server_check_query: "" };
    running.set(side, await stage.pooler({ settings, entries, pgbouncer }));
  }
});
afterAll(async () => {
  for (const one of running.values()) await one.stop();
  server?.close();
  await stage?.close();
});

const cases: [name: string, said: Buffer, idle: number][] = [
  ["a notification", notification, 1],
  ["ReadyForQuery", writer.readyForQuery(), 1],
  ["a notice", writer.noticeResponse("going down"), 0],
  ["ParameterStatus", writer.parameterStatus("TimeZone", "GMT"), 0],
  ["an error", writer.errorResponse("ERROR", "57P01", "going down"), 0],
  [
    "a notice before it rests again",
    Buffer.concat([writer.noticeResponse("a"), writer.readyForQuery()]),
    1,
  ],
];

for (const [side] of SIDES)
  describe(side, () => {
    for (const [name, said, idle] of cases) {
      test(`${name}: ${idle === 1 ? "stays" : "is closed at a tick"}`, async () => {
        const pooler = running.get(side) as Running;
        const client = await pooler.client("app");
        await client.query("select");
        const idlers = async (): Promise<number> => {
          const rows = await pooler.tell("SHOW POOLS");
          return Number(rows.find(({ database }) => database === "app")?.sv_idle);
        };
        latest?.write(said);
        await sleep(TICKS_MS);
        await expect.poll(idlers).toBe(idle);
        await client.end();
      });
    }
  });
