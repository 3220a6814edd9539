/** Scenes of what the console orders, and of its own end. */
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { query } from "../../../engine/wire/writer.ts";
import type { Raw } from "../raw.ts";
import { ask, busy, enter, hangUp, leave, type Scene, say, startup } from "./scene.ts";
import type { Side } from "./side.ts";

/** The console, which has been told these. */
async function told(side: Side, ...commands: string[]): Promise<Raw> {
  const raw = await enter(side, "pgbouncer", "admin");
  for (const command of commands) await ask(raw, command);
  return raw;
}

/** The console has its say while a client is where it is. */
const meanwhile =
  (sql: string, ...commands: string[]) =>
  async (side: Side): Promise<void> => {
    const raw = await busy(side, sql);
    const console = await told(side, ...commands);
    await raw.end();
    await leave(console);
  };

export const ORDERS: Readonly<Record<string, Scene>> = {
  "KILL ends who is in a transaction": { play: meanwhile("begin", "kill app") },
  "KILL ends who has nothing to do": { play: meanwhile("select 1", "kill app", "resume app") },
  KILL_CLIENT: {
    play: async (side) => {
      const raw = await busy(side, "begin");
      const console = await side.console();
      const rows = await console.ask("show clients");
      await console.ask(`kill_client ${rows.find(({ database }) => database === "app")?.id}`);
      await raw.end();
      await console.client.end();
    },
  },
  "PAUSE and RESUME": {
    play: async (side) => {
      const raw = await busy(side);
      const console = await told(side, "pause", "resume", "pause app", "resume app");
      await ask(raw, "select 1");
      await leave(raw, console);
    },
  },
  "RECONNECT of servers that are free and that are not": {
    play: async (side) => {
      const raw = await busy(side);
      const console = await told(side, "reconnect");
      await sleep(600);
      await ask(raw, "begin");
      await ask(console, "reconnect app");
      await ask(raw, "commit");
      await leave(raw, console);
    },
  },
  "RECONNECT with server_fast_close": {
    settings: { server_fast_close: 1, pool_mode: "session" },
    play: meanwhile("select 1", "reconnect"),
  },
  "RECONNECT in the middle of a login": {
    settings: { query_wait_timeout: 2 },
    far: ({ mute }) => `host=127.0.0.1 port=${mute}`,
    play: async (side) => {
      const raw = say(side, startup("alice", "far"));
      await sleep(300);
      await leave(await told(side, "reconnect far"));
      await raw.end();
    },
  },
  "KILL in the middle of a login": {
    far: ({ mute }) => `host=127.0.0.1 port=${mute}`,
    play: async (side) => {
      const raw = say(side, startup("alice", "far"));
      await sleep(300);
      await leave(await told(side, "kill far"));
      await raw.end();
    },
  },
  "SUSPEND and RESUME": {
    play: async (side) => {
      const raw = await busy(side);
      const console = await told(side, "suspend", "resume");
      await ask(raw, "select 1");
      await leave(raw, console);
    },
  },
  "DISABLE and ENABLE": {
    play: async (side) => {
      const console = await told(side, "disable app");
      await say(side, startup("alice", "app")).end();
      await ask(console, "enable app");
      await leave(console);
    },
  },
  WAIT_CLOSE: {
    play: async (side) => {
      const raw = await busy(side, "begin");
      const console = await told(side, "reconnect");
      console.send(query("wait_close"));
      await sleep(300);
      await ask(raw, "commit");
      await console.until("Z", 2);
      await leave(raw, console);
    },
  },
  "RELOAD without an entry, and with another one": {
    far: ({ database }) => `${database} dbname=postgres`,
    play: async (side) => {
      const [raw, other] = [await busy(side, "select 1", "far"), await busy(side, "begin")];
      const ini = readFileSync(side.ini, "utf8").replace(/^far .*$/m, "");
      writeFileSync(side.ini, ini.replace(/^app = .*$/m, "$& application_name=z"));
      const console = await told(side, "reload");
      await raw.end();
      await ask(other, "commit");
      await leave(other, console);
    },
  },
  "orders that cannot be followed": {
    play: async (side) => leave(await told(side, "foo", "kill_client 99", "resume", "pause none")),
  },
  "a user who may only look": {
    settings: { stats_users: "bob" },
    play: async (side) => {
      const raw = await enter(side, "pgbouncer", "bob");
      for (const sql of ["show stats", "pause", "show fds", "set pool_mode = session"])
        await ask(raw, sql);
      await leave(raw);
    },
  },
  "the console hangs up": { play: async (side) => hangUp(await told(side, "show stats")) },
  "SHUTDOWN WAIT_FOR_SERVERS with one at work": {
    play: async (side) => {
      const raw = await busy(side, "begin", "alone");
      const waiting = await enter(side, "alone");
      waiting.send(query("select 1"));
      await told(side, "shutdown wait_for_servers");
      await waiting.end();
      await leave(raw);
    },
  },
};
