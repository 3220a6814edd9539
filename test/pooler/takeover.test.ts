/**
 * -R: a second pooler takes the sockets of the first one over. Both run in this process, which changes
 * nothing for them: sockets go through the system.
 */
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { replayJournal } from "../../engine/core/index.ts";
import { RunningPooler } from "../../engine/pooler/main.ts";
import { native } from "../../engine/pooler/sockets/native.ts";
import { hasLibc } from "../../engine/pooler/system/libc.ts";
import { deriveSecret, formatSecret } from "../../engine/wire/scram.ts";
import { bytesOf } from "../../engine/wire/text.ts";
import { cancelRequest, query, startupMessage } from "../../engine/wire/writer.ts";
import { freePort } from "../../sim/study/live/pooler-process.ts";
import { Authority, HAS_OPENSSL } from "./certificates.ts";
import { Raw, startupInLatin1 } from "./raw.ts";
import { Stage, until } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(() => stage.close());

const poolers: RunningPooler[] = [];
afterAll(async () => {
  await Promise.all(poolers.map((pooler) => pooler.close()));
});

/** A pooler and how to have the next one take its sockets over. */
async function start(settings: Record<string, string | number> = {}, more = "") {
  const config = stage.ini({ listen_port: await freePort(), ...settings }, more);
  inLatin1(config);
  const run = async (reboot: boolean, journal?: string): Promise<RunningPooler> => {
    const pooler = await RunningPooler.start({ config, quiet: true, reboot, journal });
    poolers.push(pooler);
    return pooler;
  };
  const first = await run(false);
  const next = async (old: RunningPooler, journal?: string): Promise<RunningPooler> => {
    const pooler = await run(true, journal);
    await old.ended; // As long as it lives, what it does could be taken for the next one's work.
    return pooler;
  };
  return { first, next };
}

/** Has the bytes of a file be those of latin1. */
const inLatin1 = (file: string): void => writeFileSync(file, readFileSync(file, "utf8"), "latin1");

const value = async (client: pg.Client, sql: string): Promise<unknown> =>
  Object.values((await client.query(sql)).rows[0] as object)[0];

const prepared = { name: "twice", text: "select $1::int * 2 as n" };
const slowly = { name: "slowly", text: "select pg_sleep(0.1), $1::int * 2 as n" };
const twice = async (client: pg.Client, of: number): Promise<unknown> =>
  (await client.query({ ...prepared, values: [of] })).rows[0]?.n;

/** Sockets in Node's streams stay with their process; `POOLWISE_STREAMS` has all of them there. */
const CAN = hasLibc() && native !== undefined;

describe.skipIf(!CAN)("with koffi and bare sockets (skipped where they are not to be had)", () => {
  test.each(["session", "transaction", "statement"])(
    "%s mode: running queries, sessions and prepared statements go on, twice over",
    async (pool_mode) => {
      const { first, next } = await start({ pool_mode });
      const [idle, busy, driver] = await Promise.all([
        stage.client(first, { application_name: "idle" }),
        stage.client(first),
        stage.client(first),
      ]);
      await idle.query("select 1");
      expect(await twice(driver, 1)).toBe(2);
      if (pool_mode === "session") await idle.query("create temp table kept as select 42 as x");
      const door = await stage.direct();
      let pooler = first;
      for (let round = 0; round < 2; round++) {
        await door.query("select pg_advisory_lock(1)"); // The query ends when it may: after it all.
        const slow = value(busy, "select pg_advisory_xact_lock_shared(1) || 'done'");
        const slower = busy.query({ ...slowly, values: [3] });
        await until(
          () => (pooler.host.clients[busyHandle(pooler, busy)]?.upstream ?? null) !== null,
        );
        pooler = await next(pooler);
        await door.query("select pg_advisory_unlock(1)");
        expect(await value(idle, "select current_setting('application_name')")).toBe("idle");
        expect(await twice(driver, round)).toBe(2 * round);
        if (pool_mode === "session") expect(await value(idle, "select x from kept")).toBe(42);
        expect([await slow, (await slower).rows[0]?.n]).toEqual(["done", 6]);
      }
      const [row] = await (await stage.console(pooler)).ask("show pools");
      expect(row).toMatchObject({ database: "app", cl_active: 3, cl_waiting: 0 });
    },
  );

  test("a transaction stays open, and is its client's alone", async () => {
    const { first, next } = await start({ default_pool_size: 1 });
    const [inside, outside] = [await stage.client(first), await stage.client(first)];
    await inside.query("begin");
    await inside.query("create temp table open as select 7 as x");
    const second = await next(first);
    let served = false;
    const waits = value(outside, "select 8").finally(() => {
      served = true;
    });
    await until(() => second.host.core.pools[0]?.waiting.length === 1);
    expect(await value(inside, "select x from open")).toBe(7);
    expect(served).toBe(false);
    await inside.query("commit");
    expect(await waits).toBe(8);
    expect(second.host.core.pools[0]?.servers).toBe(1);
  });

  test("large answers and requests that are under way lose no byte", async () => {
    const { first, next } = await start();
    const [reads, writes] = [await stage.client(first), await stage.client(first)];
    const rows = reads.query("select g, repeat('x', 900) as x from generate_series(1, 60000) g");
    const long = "y".repeat(8_000_000);
    const length = writes.query("select length($1) as n", [long]);
    await sleep(20);
    await next(first);
    expect((await length).rows).toEqual([{ n: long.length }]);
    const got = (await rows).rows;
    expect(got).toHaveLength(60_000);
    expect(got.every(({ g, x }, index) => g === index + 1 && x.length === 900)).toBe(true);
  });

  test("who comes in while it happens is served, over TCP and over the Unix socket", async () => {
    const { first, next } = await start();
    await (await stage.client(first)).query("select 1");
    const { host, port, socket } = first.address;
    let going = true;
    const errors: unknown[] = [];
    let served = 0;
    const visitors = [host, socket].map(async (place) => {
      while (going) {
        const who = { host: place, port, user: "alice", database: "app" };
        const client = new pg.Client(who);
        try {
          await client.connect();
          await client.query("select 1");
          await client.end();
          served++;
        } catch (error) {
          errors.push(error);
        }
      }
    });
    let pooler = first;
    for (let round = 0; round < 4; round++) {
      const before = served;
      await until(() => served > before + 3 || errors.length > 0);
      pooler = await next(pooler);
    }
    going = false;
    await Promise.all(visitors);
    expect(errors).toEqual([]);
  });

  test("keys go along: a query is cancelled at the pooler that has it now", async () => {
    const { first, next } = await start();
    const raw = new Raw(first);
    raw.send(
      startupMessage([
        ["user", "alice"],
        ["database", "app"],
      ]),
    );
    await raw.until("Z");
    const key = raw.messages.find(({ type }) => type === "K")?.body ?? Buffer.alloc(8);
    raw.send(query("select pg_sleep(100)"));
    await stage.busyWith("select pg_sleep(100)", 1);
    const second = await next(first);
    const cancel = connect({ host: second.address.host, port: second.address.port });
    cancel.write(cancelRequest(key));
    await raw.until("E");
    expect(raw.complaint).toContain("57014");
    cancel.destroy();
    raw.socket.destroy();
  });

  test("names that are not UTF-8 stay what they are, byte for byte", async () => {
    const { host, port } = stage.database;
    const auth_file = stage.file('"josé" ""\n');
    inLatin1(auth_file);
    const entry = `'café' = host=${host} port=${port} dbname=postgres user=alice`;
    const { first, next } = await start({ auth_file }, entry);
    const raw = new Raw(first);
    raw.send(startupInLatin1(["user", "josé"], ["database", "café"]));
    await raw.until("Z");
    raw.send(query("begin"));
    await raw.until("Z", 2);
    const nameOf = ({ host }: RunningPooler): string | undefined =>
      host.clients.find((client) => client !== undefined)?.identity.label.replace(/^\S+/, "");
    const before = nameOf(first);
    const second = await next(first);
    expect(nameOf(second)).toBe(before);
    expect(bytesOf(before ?? "").toString("latin1")).toContain(" café/josé@");
    raw.send(query("select 1"));
    await raw.until("Z", 3);
    expect(raw.count("E")).toBe(0);
    expect(raw.messages.at(-1)?.body.toString()).toBe("T");
    raw.socket.destroy();
  });

  test("a Unix socket under an abstract name is found, and goes along", async () => {
    const name = `@poolwise-take-${process.pid}`;
    const { first, next } = await start({ unix_socket_dir: name });
    const client = await Raw.login(first, "alice", "app", true);
    client.send(query("begin"));
    await client.until("Z");
    const second = await next(first);
    expect(second.host.doors.doors.map(({ unix }) => unix)).toEqual([false, true]);
    client.send(query("select 1"));
    await client.until("Z", 2);
    expect(client.messages.at(-1)?.body.toString()).toBe("T");
    const other = await Raw.login(second, "alice", "app", true);
    for (const { socket } of [client, other]) socket.destroy();
  });

  test("what a SCRAM login has taught goes along, and what LDAP has approved of", async () => {
    const secret = formatSecret(deriveSecret("a", Buffer.alloc(16, 1), 4096));
    const users = stage.file(`"alice" "${secret}"\n"admin" ""\n`);
    const { first, next } = await start({ auth_type: "scram-sha-256", auth_file: users });
    const alice = await stage.client(first, { user: "alice", password: "a" });
    const facts = ({ host }: RunningPooler) =>
      host.factsOf(host.core.pools[0] as (typeof host.core.pools)[number]);
    const keys = facts(first).scramKeys;
    expect(keys?.clientKey).toHaveLength(32);
    facts(first).secret = "looked up";
    facts(first).password = "what LDAP has approved of";
    const second = await next(first);
    expect(facts(second).scramKeys).toEqual(keys);
    expect(facts(second).secret).toBeUndefined(); // alice is in auth_file.
    expect(facts(second).password).toBe("what LDAP has approved of");
    expect(await value(alice, "select 5")).toBe(5);
  });

  test("the journal of the one that goes on has all of it", async () => {
    const { first, next } = await start();
    const client = await stage.client(first);
    await client.query("begin");
    const journal = join(stage.directory, "takeover.journal");
    const second = await next(first, journal);
    await client.query("commit");
    await second.close();
    const { core, checks } = replayJournal(readFileSync(journal));
    expect(checks).toBeGreaterThan(0);
    expect(core.pools[0]?.idle.length).toBe(1);
  });

  test.skipIf(!HAS_OPENSSL)(
    "who uses TLS is cut off, as by PgBouncer; the others are not",
    async () => {
      const { first, next } = await start(tls());
      const [open, secret] = [
        await stage.client(first),
        await stage.client(first, { ssl: UNCHECKED }),
      ];
      const gone = new Promise((resolve) => secret.once("end", resolve));
      await next(first);
      await gone;
      expect(await value(open, "select 6")).toBe(6);
    },
  );

  test("where the new one gives up, the old one goes on and listens again", async () => {
    const { first } = await start();
    const client = await stage.client(first);
    const { socket, port } = first.address;
    const own = { host: socket, port, user: "pgbouncer", database: "pgbouncer" };
    const console = await stage.client(first, own);
    await console.query("suspend");
    const { rows, fields } = await console.query("show fds");
    expect(fields.at(-1)?.name).toBe("state");
    expect(rows.map(({ task }) => task).sort()).toEqual(["client", "pooler", "pooler", "server"]);
    const answer = value(client, "select 3");
    await console.end();
    expect(await answer).toBe(3);
    await until(async () => (await stage.client(first).catch(() => undefined)) !== undefined);
    const again = await stage.client(first, own);
    expect((await again.query("show fds")).fields.at(-1)?.name).toBe("scram_server_key");
  });

  test("only our own user gets sockets and secrets, and only during SUSPEND", async () => {
    const { first } = await start();
    const admin = await stage.console(first);
    await admin.ask("suspend");
    const rows = await admin.ask("show fds");
    expect(rows.map((row) => Object.keys(row).length)).toEqual([15, 15]);
    await admin.ask("resume");
  });
});

test.skipIf(!hasLibc() || native !== undefined)(
  "sockets in Node's streams are not handed over: refused, and the old one goes on",
  async () => {
    const { first, next } = await start();
    const client = await stage.client(first);
    const error = await next(first).catch((failed: Error) => failed);
    expect((error as Error).message).toMatch(/SHOW FDS: [0-9]+ rows with 0 sockets$/);
    expect(await value(client, "select 4")).toBe(4);
  },
);

/** Handle of a client, by the key that it was given. */
function busyHandle(pooler: RunningPooler, client: pg.Client): number {
  const { processID } = client as unknown as { processID: number };
  const found = pooler.host.clients.find((one) => one?.key.readInt32BE(0) === processID);
  return found?.handle ?? -1;
}

const UNCHECKED = { rejectUnauthorized: false };
function tls(): Record<string, string> {
  const pair = new Authority(mkdtempSync(join(stage.directory, "ca-")), "CA").sign("localhost");
  return {
    client_tls_sslmode: "allow",
    client_tls_cert_file: pair.cert,
    client_tls_key_file: pair.key,
  };
}
