/** What the log says of who comes and goes, in PgBouncer's words and in its order: scripts search for them. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Pooler } from "../../engine/pooler/main.ts";
import { cancelRequest, query, startupMessage } from "../../engine/wire/writer.ts";
import { Raw } from "./raw.ts";
import { Stage, until } from "./stage.ts";

let stage: Stage;
let pooler: Pooler;
beforeAll(async () => {
  stage = await Stage.open();
  const users = stage.file('"admin" "x"\n"alice" "x"\n');
  const settings = { auth_type: "plain", auth_file: users, admin_users: "admin" };
  pooler = await stage.pooler({ ...settings, log_stats: 0 }); // Each line is looked at.
});
afterAll(() => stage.close());
beforeEach(() => writeFileSync(join(stage.directory, "log"), ""));

/** The lines of the log without their stamps; numbers of connections, addresses and ages stand as letters. */
async function lines(): Promise<string[]> {
  return (await stage.log())
    .split("\n")
    .filter((line) => line !== "")
    .map((line) =>
      line
        .replace(/^.*?\] /, "")
        .replace(/C-0x[0-9a-f]+/, "C")
        .replace(/@\S+:\d+/, "")
        .replace(/age=\d+s/, "age"),
    );
}

const as = (user: string, database: string, ...more: [string, string][]): Buffer =>
  startupMessage([["user", user], ["database", database], ...more]);
const ssl = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
const wrong = Buffer.concat([Buffer.from([112, 0, 0, 0, 10]), Buffer.from("wrong\0")]);
const right = Buffer.from([112, 0, 0, 0, 6, 120, 0]);
const failed = "password authentication failed";
const attempt = (user: string, database: string): string =>
  `login attempt: db=${database} user=${user} tls=no replication=no`;

// `close`: the client goes once the pooler has answered; else the pooler sends it away.
const cases: [name: string, packets: Buffer[], close: boolean, want: string[]][] = [
  [
    "a user who is not known",
    [as("zed", "app"), wrong],
    false,
    [
      "LOG C: (nodb)/(nouser) no such user: zed",
      `LOG C: (nodb)/zed ${attempt("zed", "app")}`,
      `LOG C: (nodb)/zed closing because: ${failed} (age)`,
      `WARNING C: (nodb)/zed pooler error: ${failed}`,
    ],
  ],
  [
    "a wrong password",
    [as("alice", "app"), wrong],
    false,
    [
      `LOG C: app/alice ${attempt("alice", "app")}`,
      `LOG C: app/alice closing because: ${failed} (age)`,
      `WARNING C: app/alice pooler error: ${failed}`,
    ],
  ],
  [
    "one who is not known, at the console",
    [as("zed", "pgbouncer"), wrong],
    false,
    [
      "LOG C: (nodb)/(nouser) no such user: zed",
      `LOG C: (nodb)/zed ${attempt("zed", "pgbouncer")}`,
      `LOG C: (nodb)/zed closing because: ${failed} (age)`,
      `WARNING C: (nodb)/zed pooler error: ${failed}`,
    ],
  ],
  [
    "one who wants to replicate",
    [as("alice", "app", ["replication", "database"]), wrong],
    false,
    [
      `LOG C: app/alice ${attempt("alice", "app").replace("replication=no", "replication=database")}`,
      `LOG C: app/alice closing because: ${failed} (age)`,
      `WARNING C: app/alice pooler error: ${failed}`,
    ],
  ],
  [
    "one who may not see the console",
    [as("alice", "pgbouncer")],
    false,
    [
      `LOG C: pgbouncer/alice ${attempt("alice", "pgbouncer")}`,
      "LOG C: pgbouncer/alice closing because: not allowed (age)",
      "WARNING C: pgbouncer/alice pooler error: not allowed",
    ],
  ],
  [
    "a parameter that has no place",
    [as("alice", "app", ["search_path", "x"])],
    false,
    [
      "WARNING C: (nodb)/(nouser) unsupported startup parameter: search_path=x",
      "LOG C: (nodb)/(nouser) closing because: unsupported startup parameter: search_path (age)",
      "WARNING C: (nodb)/(nouser) pooler error: unsupported startup parameter: search_path",
    ],
  ],
  [
    "one that has no place among the options",
    [as("alice", "app", ["options", "-c foo=1"])],
    false,
    [
      "WARNING C: (nodb)/(nouser) unsupported startup parameter in options: foo=1",
      "LOG C: (nodb)/(nouser) closing because: unsupported startup parameter in options: foo (age)",
      "WARNING C: (nodb)/(nouser) pooler error: unsupported startup parameter in options: foo",
    ],
  ],
  [
    "a cancel request with a key that nobody has",
    [cancelRequest(Buffer.alloc(8))],
    false,
    ["LOG C: (nodb)/(nouser) closing because: failed cancel request (age)"],
  ],
  ["a probe that asks for TLS and goes", [ssl], true, []],
  [
    "one who is asked for a password and goes",
    [as("alice", "app")],
    true,
    [`LOG C: app/alice ${attempt("alice", "app")}`],
  ],
  ["one who goes within a packet", [ssl, ssl.subarray(0, 5)], true, []],
  [
    "a name that is too long",
    [as("n".repeat(128), "app")],
    false,
    [
      "LOG C: (nodb)/(nouser) closing because: username too long (age)",
      "WARNING C: (nodb)/(nouser) pooler error: username too long",
      `LOG C: (nodb)/(nouser) login failed: db=app user=${"n".repeat(128)}`,
    ],
  ],
  [
    "a name of a database that is too long, of which the rest is left out",
    [as("alice", "d".repeat(64)), right],
    false,
    [
      `LOG C: (nodb)/alice ${attempt("alice", "d".repeat(63))}`,
      `LOG C: (nodb)/alice login failed: db=${"d".repeat(63)} user=alice`,
      `LOG C: (nodb)/alice closing because: no such database: ${"d".repeat(63)} (age)`,
      `WARNING C: (nodb)/alice pooler error: no such database: ${"d".repeat(63)}`,
    ],
  ],
  [
    "a replication connection, in the words that it is asked for in",
    [as("alice", "app", ["replication", "true"]), wrong],
    false,
    [
      "LOG C: app/alice login attempt: db=app user=alice tls=no replication=yes",
      `LOG C: app/alice closing because: ${failed} (age)`,
      `WARNING C: app/alice pooler error: ${failed}`,
    ],
  ],
  [
    "one who is unknown, on the console: as anywhere",
    [as("zed", "pgbouncer"), wrong],
    false,
    [
      "LOG C: (nodb)/(nouser) no such user: zed",
      `LOG C: (nodb)/zed ${attempt("zed", "pgbouncer")}`,
      `LOG C: (nodb)/zed closing because: ${failed} (age)`,
      `WARNING C: (nodb)/zed pooler error: ${failed}`,
    ],
  ],
];

describe("the log: who does not come in", () => {
  test.each(cases)("%s", async (_, packets, close, want) => {
    const raw = new Raw(pooler);
    const heard = new Promise((resolve) => raw.socket.once("data", resolve));
    raw.send(packets[0] as Buffer);
    if (close || packets.length > 1) await heard;
    if (packets.length > 1) raw.send(...packets.slice(1));
    if (close) raw.socket.end();
    await raw.end();
    await until(async () => (await lines()).length >= want.length);
    expect(await lines()).toEqual(want);
  });

  test("a database that there is not, with the password of one that is known", async () => {
    const { host, port } = pooler.address;
    const entering = stage.client(pooler, {
      host,
      port,
      user: "alice",
      password: "x",
      database: "no",
    });
    await expect(entering).rejects.toThrow("no such database: no");
    expect(await lines()).toEqual([
      `LOG C: (nodb)/alice ${attempt("alice", "no")}`,
      "LOG C: (nodb)/alice login failed: db=no user=alice",
      "LOG C: (nodb)/alice closing because: no such database: no (age)",
      "WARNING C: (nodb)/alice pooler error: no such database: no",
    ]);
  });
});

test("the log: errors of the console are told twice, and how it ends", async () => {
  const trusting = await stage.pooler({ log_stats: 0 });
  writeFileSync(join(stage.directory, "log"), "");
  const raw = await Raw.login(trusting, "admin", "pgbouncer");
  raw.send(query("nonsense"));
  await raw.until("Z");
  raw.send(Buffer.from([80, 0, 0, 0, 8, 0, 0, 0, 0]));
  await raw.end();
  const other = await Raw.login(trusting, "admin", "pgbouncer");
  other.send(Buffer.from([88, 0, 0, 0, 4]));
  await other.end();
  const admin = "C: pgbouncer/admin";
  const extended = "extended query protocol not supported by admin console";
  expect(await lines()).toEqual([
    `LOG ${admin} ${attempt("admin", "pgbouncer")}`,
    "ERROR invalid command 'nonsense', use SHOW HELP;",
    `WARNING ${admin} pooler error: invalid command 'nonsense', use SHOW HELP;`,
    `ERROR ${extended}`,
    `WARNING ${admin} pooler error: ${extended}`,
    `LOG ${admin} closing because: bad packet (age)`,
    `WARNING ${admin} pooler error: bad packet`,
    `LOG ${admin} ${attempt("admin", "pgbouncer")}`,
    `LOG ${admin} closing because: client close request (age)`,
  ]);
});

describe("the log: what a client leaves behind", () => {
  const ends = async (): Promise<string[]> =>
    (await lines()).filter((line) => line.includes("closing")).map((line) => line.slice(4, 200));
  let trusting: Pooler;
  beforeAll(async () => {
    trusting = await stage.pooler();
  });

  test("a pipeline of which a part is answered", async () => {
    const raw = await Raw.login(trusting, "alice");
    raw.send(query("select 1"), query("select pg_sleep(20)"));
    await raw.until("Z");
    await stage.busyWith("select pg_sleep(20)", 1);
    raw.socket.end();
    await until(async () => (await ends()).length === 2);
    expect((await ends()).map((line) => line.replace(/^S-0x\w+/, "S"))).toEqual([
      "C: app/alice closing because: client unexpected eof (age)",
      "S: app/alice closing because: client disconnected with query in progress (age)",
    ]);
  });

  test("a server that is closed is told before its client, which goes with it", async () => {
    const strict = await stage.pooler({ idle_transaction_timeout: 1 });
    const raw = await Raw.login(strict, "alice");
    raw.send(query("begin"));
    await raw.end();
    await until(async () => (await ends()).length === 2);
    expect((await ends()).map((line) => line.replace(/^S-0x\w+/, "S"))).toEqual([
      "S: app/alice closing because: idle transaction timeout (age)",
      "C: app/alice closing because: idle transaction timeout (age)",
    ]);
  });

  test("an answer that it does not take: whether its end is found on writing or on reading is chance", async () => {
    const long = query("select repeat('x', 1000) from generate_series(1, 50000)");
    const unwritten = async (): Promise<boolean> =>
      (await ends()).some((line) => line.endsWith("closing because: unexpected eof (age)"));
    for (let turn = 1; turn <= 9 && !(await unwritten()); turn++) {
      const raws = await Promise.all(
        Array.from({ length: 10 }, () => Raw.login(trusting, "alice")),
      );
      for (const raw of raws) {
        raw.socket.pause();
        raw.send(long);
      }
      await sleep(300); // Until nothing more goes to them.
      for (const { socket } of raws) socket.resetAndDestroy();
      const gone = async () => (await ends()).filter((line) => line.startsWith("C"));
      await until(async () => (await gone()).length === 10 * turn);
    }
    expect(await unwritten()).toBe(true);
  });
});

test("the log: a connect_query that fails does no harm, and is told", async () => {
  const { host, port, user } = stage.database;
  const place = `host=${host} port=${port} dbname=postgres`;
  const more = `bad = ${place} connect_query='select 1/0'`;
  const failing = await stage.pooler({ max_client_conn: 1 }, more);
  writeFileSync(join(stage.directory, "log"), "");
  const client = await stage.client(failing, { user, database: "bad" });
  expect((await client.query("select 7 as seven")).rows).toEqual([{ seven: 7 }]);
  const said = "ERROR S: error while executing exec_on_query: ERROR: division by zero";
  expect(await lines()).toContain(said);
  await expect(stage.client(failing, { user })).rejects.toThrow("no more connections allowed");
  const limit = "no more connections allowed (max_client_conn)";
  expect(await lines()).toContain(`LOG C: (nodb)/(nouser) closing because: ${limit} (age)`);
});

test("the log: a database that is disabled, which is told to who has shown who it is", async () => {
  await (await stage.console(pooler, "x")).ask("disable app");
  writeFileSync(join(stage.directory, "log"), "");
  const { host, port } = pooler.address;
  const entering = (password: string) =>
    stage.client(pooler, { host, port, user: "alice", password });
  await expect(entering("wrong")).rejects.toThrow(failed);
  await expect(entering("x")).rejects.toThrow('database "app" is disabled');
  expect(await lines()).toEqual([
    `LOG C: app/alice ${attempt("alice", "app")}`,
    `LOG C: app/alice closing because: ${failed} (age)`,
    `WARNING C: app/alice pooler error: ${failed}`,
    `LOG C: app/alice ${attempt("alice", "app")}`,
    'LOG C: app/alice closing because: database "app" is disabled (age)',
    'WARNING C: app/alice pooler error: database "app" is disabled',
  ]);
});

/** The lines of a level, without numbers that differ from run to run. */
const linesOf = async (level: string): Promise<string[]> =>
  (await lines())
    .filter((line) => line.startsWith(level))
    .map((line) => line.slice(level.length + 1).replace(/S-0x[0-9a-f]+/, "S"))
    .map((line) => line.replace(/time: \d+ us/, "time"));

describe("verbose", () => {
  const settings = {
    pool_mode: "transaction",
    default_pool_size: 1,
    ignore_startup_parameters: "x",
  };

  async function play(verbose: number): Promise<void> {
    const talkative = await stage.pooler({ ...settings, verbose });
    writeFileSync(join(stage.directory, "log"), "");
    const [one, two] = [new Raw(talkative), new Raw(talkative)];
    one.send(as("alice", "app", ["application_name", "a"], ["x", "y"]));
    await one.until("Z");
    two.send(as("alice", "app"));
    await two.until("Z");
    one.send(query("begin"));
    await one.until("Z", 2);
    two.send(query("select 1"));
    await until(async () => (await stage.log()).includes("pool full") || verbose === 0);
    one.send(query("commit"));
    await two.until("Z", 2);
    await (await stage.console(talkative)).ask("show version");
    for (const { socket } of [one, two]) socket.destroy();
    await talkative.close();
  }

  test("1 tells what clients and servers say of themselves, who waits, and why no server is opened", async () => {
    await play(1);
    const said = await linesOf("DEBUG");
    for (const line of [
      "C: (nodb)/(nouser) got var: user=alice",
      "C: (nodb)/(nouser) got var: database=app",
      "C: (nodb)/(nouser) using application_name: a",
      "C: (nodb)/(nouser) ignoring startup parameter: x=y",
      "finish_client_login: no welcome message, pause",
      "S: app/alice launching new connection to server",
      "S: app/alice S: connect ok",
      "S: app/alice S: param: server_encoding = UTF8",
      "S: app/alice server login ok, start accepting queries",
      "C: app/alice logged in",
      "C: app/alice pause_client",
      "launch_new_connection: pool full (1 >= 1)",
      "C: app/alice activate_client",
      "C: app/alice query time",
      "C: app/alice transaction time",
      "got admin query: show version",
    ])
      expect(said).toContain(line);
    expect(said.some((line) => /^C: \(nodb\).* P: got connection: .* -> /.test(line))).toBe(true);
    expect(await linesOf("NOISE")).toEqual([]);
  });

  test("2 tells more, and 0 nothing of it", async () => {
    await play(2);
    const said = await linesOf("NOISE");
    expect(said).toContain("C: app/alice P: welcome_client");
    expect(said.some((line) => /^C: app\/alice linking client to S/.test(line))).toBe(true);
    await play(0);
    expect((await lines()).filter((line) => /^(DEBUG|NOISE)/.test(line))).toEqual([]);
  });
});
