/**
 * -R between a PgBouncer and our pooler, both ways, each a process of its own: the other program's sockets are
 * taken over, and its clients notice nothing. Skipped without a PgBouncer, and without koffi.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync } from "node:fs";
import { connect } from "node:net";
import { join, resolve } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { native } from "../../engine/pooler/sockets/native.ts";
import { hasLibc } from "../../engine/pooler/system/libc.ts";
import { cancelRequest } from "../../engine/wire/writer.ts";
import { freePort } from "../../sim/study/live/pooler-process.ts";
import { NO_PGBOUNCER, PGBOUNCER, PGBOUNCER_NAME } from "../pgbouncer.ts";
import { failure, Stage, until } from "./stage.ts";

/** PgBouncer does not run as root: root gives both programs to somebody else. */
const AS = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
/** Without the program `tsx`, which would keep SIGQUIT to itself. */
const OURS = [
  "--import",
  resolve("node_modules/tsx/dist/loader.mjs"),
  resolve("engine/pooler/pgbouncer.ts"),
];
const COMMANDS = { PgBouncer: [PGBOUNCER], Poolwise: [process.execPath, ...OURS] } as const;
type Program = keyof typeof COMMANDS;

/** What SHOW VERSION says, which is the first line of what the program says of itself; "": it does not run. */
const VERSIONS = { PgBouncer: PGBOUNCER_NAME, Poolwise: ourName() };

function ourName(): string {
  const { status, stdout } = spawnSync(process.execPath, [...OURS, "--version"], {
    ...AS,
    cwd: "/",
  });
  return status === 0 ? (stdout.toString().split("\n")[0] ?? "") : "";
}

/** Why these tests are skipped; undefined: they are not. */
function obstacle(): string | undefined {
  if (!hasLibc() || native === undefined)
    return "koffi, or the inside of Node.js, is not to be had";
  if (NO_PGBOUNCER !== "") return NO_PGBOUNCER;
  return VERSIONS.Poolwise
    ? undefined
    : "the user that both are to run as cannot read this directory";
}
const why = obstacle();

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
const running: Running[] = [];
afterAll(async () => {
  for (const one of running) one.child.kill("SIGQUIT");
  await Promise.all(running.map((one) => one.ended));
  await stage.close();
});

interface Running {
  readonly child: ChildProcess;
  /** Its exit status, when it has ended. */
  readonly ended: Promise<number | null>;
}

function start(program: Program, ini: string, ...options: string[]): Running {
  const [file = "", ...words] = COMMANDS[program];
  const child = spawn(file, [...words, "-q", ...options, ini], {
    ...AS,
    stdio: "ignore",
    cwd: "/",
  });
  const ended = new Promise<number | null>((done) => child.once("exit", (status) => done(status)));
  running.push({ child, ended });
  return { child, ended };
}

/** A program that has taken no sockets over, and how to have another one do that. */
async function first(program: Program, pool_mode: string) {
  const home = mkdtempSync(join(stage.directory, "swap-"));
  if (AS.uid !== undefined) chownSync(home, AS.uid, AS.gid);
  const port = await freePort();
  const settings = {
    pool_mode,
    listen_port: port,
    unix_socket_dir: home,
    logfile: join(home, "log"),
  };
  const ini = stage.ini({ ...settings, default_pool_size: 5 });
  const client = async (options: pg.ClientConfig = {}): Promise<pg.Client> => {
    const { user } = stage.database;
    const made = new pg.Client({ host: "127.0.0.1", port, user, database: "app", ...options });
    made.on("error", () => undefined);
    await made.connect();
    return made;
  };
  const version = async (): Promise<string> => {
    const console = await client({ user: "admin", database: "pgbouncer" });
    const { rows } = await console.query("show version");
    await console.end();
    return String(rows[0]?.version);
  };
  let last = start(program, ini);
  await until(() => version().then(Boolean, () => false));
  /** The next one takes over; resolves with the status of the one before. */
  const swap = async (next: Program): Promise<number | null> => {
    const before = last;
    last = start(next, ini, "-R");
    return await before.ended;
  };
  return { port, client, version, swap };
}

const value = async (client: pg.Client, sql: string): Promise<unknown> =>
  Object.values((await client.query(sql)).rows[0] as object)[0];

describe.skipIf(why !== undefined)(
  `between programs${why === undefined ? "" : ` (skipped: ${why})`}`,
  () => {
    const rounds: [string, Program[]][] = [
      ["session", ["PgBouncer", "Poolwise", "PgBouncer"]],
      ["transaction", ["PgBouncer", "Poolwise", "PgBouncer"]],
      ["transaction", ["Poolwise", "PgBouncer", "Poolwise"]],
    ];
    test.each(rounds)("%s mode, %j: queries and transactions go on", async (mode, programs) => {
      const [initial, ...others] = programs as [Program, ...Program[]];
      const { client, version, swap } = await first(initial, mode);
      const [idle, busy, inside] = [await client(), await client(), await client()];
      const door = await stage.direct();
      await idle.query("set timezone = 'Asia/Tokyo'");
      await inside.query("begin");
      await inside.query("create temp table open as select 0 as x");
      for (const [round, program] of others.entries()) {
        await door.query("select pg_advisory_lock(1)"); // The query ends when it may: after the swap.
        const slow = value(busy, "select pg_advisory_xact_lock(1) || 'done'");
        await stage.busyWith("select pg_advisory_xact_lock", 1);
        expect(await swap(program)).toBe(0);
        await door.query("select pg_advisory_unlock(1)");
        expect(await slow).toBe("done");
        expect(await version()).toBe(VERSIONS[program]);
        expect(await value(idle, "show timezone")).toBe("Asia/Tokyo");
        expect(await value(inside, "update open set x = x + 1 returning x")).toBe(round + 1);
      }
      await inside.query("commit");
      for (const one of [idle, busy, inside]) await one.end();
    });

    test.each<[Program, Program]>([
      ["PgBouncer", "Poolwise"],
      ["Poolwise", "PgBouncer"],
    ])(
      "from %s to %s: keys go along, a query is cancelled at the one that has it now",
      async (from, to) => {
        const { port, client, swap } = await first(from, "transaction");
        const busy = await client();
        const stopped = failure(busy.query("select pg_sleep(100)"));
        await stage.busyWith("select pg_sleep(100)", 1);
        expect(await swap(to)).toBe(0);
        const { processID, secretKey } = busy as unknown as Record<string, number>;
        const key = Buffer.alloc(8);
        key.writeInt32BE(processID as number);
        key.writeInt32BE(secretKey as number, 4);
        const cancel = connect(port, "127.0.0.1");
        cancel.write(cancelRequest(key));
        // Who asks waits for the end of it, as libpq does; PgBouncer 1.18 may not survive who does not (its issue 801).
        await once(cancel.resume(), "close");
        expect((await stopped).code).toBe("57014");
        expect(await value(busy, "select 3")).toBe(3);
        await busy.end();
      },
    );
  },
);
