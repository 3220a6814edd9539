/** Names and values that are not UTF-8: what a client says in latin1 reaches the server byte for byte. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { replayJournal } from "../../engine/core/index.ts";
import { type Pooler, startPooler } from "../../engine/pooler/main.ts";
import * as writer from "../../engine/wire/writer.ts";
import { pretend } from "./faulty.ts";
import { Raw, startupInLatin1 } from "./raw.ts";
import { Stage, until } from "./stage.ts";

let stage: Stage;
let server: Awaited<ReturnType<typeof pretend>>;
let pooler: Pooler;
const heard: Buffer[] = [];
const journal = (): string => join(stage.directory, "journal");
beforeAll(async () => {
  stage = await Stage.open();
  server = await pretend((socket, turn, chunk) => {
    heard.push(chunk);
    socket.write(turn === 0 ? WELCOME : DONE);
  });
  const more = `'café' = host=127.0.0.1 port=${server.port}`;
  const users = stage.file('"admin" ""\n"josé" ""\n"josê" ""\n');
  const ini = stage.ini({ auth_file: users, server_tls_sslmode: "disable" }, more);
  for (const file of [users, ini]) writeFileSync(file, readFileSync(file, "utf8"), "latin1");
  pooler = await startPooler({ config: ini, quiet: true, journal: journal() });
});
afterAll(async () => {
  await pooler?.close();
  server?.close();
  await stage?.close();
});

const WELCOME = Buffer.concat([
  writer.authenticationOk(),
  writer.parameterStatus("application_name", ""),
  writer.backendKeyData(Buffer.alloc(8)),
  writer.readyForQuery(),
]);
const DONE = Buffer.concat([writer.commandComplete("SET"), writer.readyForQuery()]);

async function enter(user: string, ...more: [string, string][]): Promise<Raw> {
  const raw = new Raw(pooler);
  raw.send(startupInLatin1(["user", user], ["database", "café"], ...more));
  await raw.until("Z");
  return raw;
}

test("user, database and application_name in latin1 reach the server as they are", async () => {
  const raw = await enter("josé", ["application_name", "né"]);
  raw.send(writer.query("select 1"));
  await raw.until("Z", 2);
  const said = Buffer.concat(heard).toString("latin1");
  expect(said).toContain("user\0josé\0");
  expect(said).toContain("database\0café\0");
  expect(said).toContain("SET application_name='né';\0");
  const told = raw.messages.find(({ type }) => type === "S")?.body.toString("latin1");
  expect(told).toBe("application_name\0né\0");
  raw.socket.destroy();
});

test("names that differ in such a byte are two, also in a replay", async () => {
  const both = [await enter("josé"), await enter("josê")];
  const console = await Raw.login(pooler, "admin", "pgbouncer");
  console.send(writer.query("show pools"));
  await console.until("Z");
  const rows = console.messages.map(({ body }) => body.toString("latin1"));
  for (const user of ["josé", "josê"]) expect(rows.some((row) => row.includes(user))).toBe(true);
  for (const raw of [...both, console]) raw.socket.destroy();
  const log = (): string => readFileSync(join(stage.directory, "log"), "latin1");
  await until(() => log().includes("café/josê@"));
  await pooler.close();
  const { core, checks } = replayJournal(readFileSync(journal()));
  expect(checks).toBeGreaterThan(0);
  expect(core.users.map(({ settings }) => settings.name)).toHaveLength(
    new Set(core.users.map(({ settings }) => settings.name)).size,
  );
});
