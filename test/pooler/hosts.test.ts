/** Several hosts for one database: in turn, or the first one that can. */

import { mkdirSync, symlinkSync } from "node:fs";
import type { Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDoor, portOf } from "./doors.ts";
import { failure, Stage } from "./stage.ts";

let stage: Stage;
const doors: Server[] = [];
let port = 0;

/** Two ways in to the one PostgreSQL: 127.0.0.1 and 127.0.0.2 with the same port. Linux has both. */
beforeAll(async () => {
  stage = await Stage.open();
  for (const address of ["127.0.0.1", "127.0.0.2"]) {
    const door = await openDoor(stage, address, port);
    port = portOf(door);
    doors.push(door);
  }
});
afterAll(async () => {
  await stage.close();
  for (const door of doors) door.close();
});

const settings = { pool_mode: "session", server_login_retry: 1 };

/** Three clients of one pool, each with a server of its own: addresses of these, and the row of SHOW. */
async function spread(entry: string) {
  const pooler = await stage.pooler(settings, `list = port=${port} dbname=postgres ${entry}`);
  const user = stage.database.user;
  for (let count = 0; count < 3; count++) {
    const client = await stage.client(pooler, { user, database: "list" });
    await client.query("select 1");
  }
  const console = await stage.console(pooler);
  const servers = await console.ask("show servers");
  const databases = await console.ask("show databases");
  const shown = databases.find(({ name }) => name === "list");
  const pool = await console.pool("list");
  return {
    addresses: servers.map(({ addr }) => addr),
    shown: [shown?.load_balance_hosts, pool.load_balance_hosts, shown?.host],
  };
}

test("round-robin is the default: each connection goes to the next host", async () => {
  const host = "127.0.0.1,127.0.0.2";
  expect(await spread(`host=${host}`)).toEqual({
    addresses: ["127.0.0.1", "127.0.0.2", "127.0.0.1"],
    shown: ["round-robin", "round-robin", host],
  });
});

test("disable: all go to the first one", async () => {
  const host = "127.0.0.1,127.0.0.2";
  expect(await spread(`host=${host} load_balance_hosts=disable`)).toEqual({
    addresses: ["127.0.0.1", "127.0.0.1", "127.0.0.1"],
    shown: ["disable", "disable", host],
  });
});

test("disable: after a failure to the next one, which then is kept", async () => {
  const { addresses } = await spread(
    "host=no-such-host.invalid,127.0.0.2 load_balance_hosts=disable",
  );
  expect(addresses).toEqual(["127.0.0.2", "127.0.0.2", "127.0.0.2"]);
  const log = await stage.log();
  expect(log.match(/closing because: server DNS lookup failed/g)).toHaveLength(1);
});

test("one host has no order, and directories may stand in a list", async () => {
  expect((await spread("host=127.0.0.1")).shown).toEqual([null, null, "127.0.0.1"]);
  const directory = join(stage.directory, "sockets");
  mkdirSync(directory);
  const { host, port: number } = stage.database;
  symlinkSync(`${host}/.s.PGSQL.${number}`, join(directory, `.s.PGSQL.${port}`));
  const { addresses } = await spread(`host=${directory},127.0.0.2`);
  expect(addresses).toEqual(["unix", "127.0.0.2", "unix"]);
});

test("a list with a gap is refused", async () => {
  const error = await failure(stage.pooler({}, "list = host=a,,b"));
  expect(error.message).toMatch(/host of database list is "a,,b"; expected names between commas/);
});
