/** System calls that Node.js has no words for, and what the pooler does with them: peer, socket options. */
import { execFile } from "node:child_process";
import { closeSync, fstatSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Pooler, RunningPooler } from "../../engine/pooler/main.ts";
import { sharesPorts } from "../../engine/pooler/sockets/shared-port.ts";
import { hasLibc, type Libc, libc, type SocketOption } from "../../engine/pooler/system/libc.ts";
import { startupMessage } from "../../engine/wire/writer.ts";
import { failure, Stage } from "./stage.ts";

/** Where koffi has nothing for this machine there is nothing to test but the refusals. */
const CAN = hasLibc();
const system = libc() as Libc;
const me = userInfo().username;

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
  await (await stage.direct()).query(`create role "${me}" login`);
});
afterAll(() => stage.close());

const descriptorOf = (socket: Socket): number =>
  (socket as unknown as { _handle: { fd: number } })._handle.fd;

/** Two ends of a Unix connection that nobody reads, and how to close them. */
async function pair(): Promise<{ near: number; far: number; close: () => void }> {
  const directory = mkdtempSync(join(tmpdir(), "pwl-"));
  const server = createServer({ pauseOnConnect: true });
  await new Promise<void>((resolve) => server.listen(join(directory, "s"), resolve));
  const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
  const near = connect(join(directory, "s"));
  await new Promise((resolve) => near.once("connect", resolve));
  const far = await accepted;
  const close = (): void => {
    for (const end of [near, far]) end.destroy();
    server.close();
    rmSync(directory, { recursive: true, force: true });
  };
  return { near: descriptorOf(near), far: descriptorOf(far), close };
}

describe.skipIf(!CAN)("calls (skipped where koffi is not to be had)", () => {
  test("the other end of a Unix socket is our own user, by id and by name", async () => {
    const { far, close } = await pair();
    expect(system.peerUser(far)).toBe(process.getuid?.());
    expect(system.userName(process.getuid?.() ?? -1)).toBe(me);
    expect(system.userName(0xffff_fff0)).toBeUndefined();
    close();
  });

  test("an open file goes with bytes, and is the same file on the other side", async () => {
    const { near, far, close } = await pair();
    const into = Buffer.alloc(100);
    expect(system.receive(far, into)).toBe("EAGAIN");
    expect(system.send(near, Buffer.from("with"), 0)).toBe(4);
    const got = system.receive(far, into);
    if (typeof got === "string" || got.descriptor === undefined) throw new Error(String(got));
    expect(into.toString("utf8", 0, got.length)).toBe("with");
    expect(got.descriptor).not.toBe(0);
    expect(fstatSync(got.descriptor).ino).toBe(fstatSync(0).ino);
    closeSync(got.descriptor);
    expect(system.send(near, Buffer.from("without"))).toBe(7);
    expect(system.receive(far, into)).toEqual({ length: 7, descriptor: undefined });
    close();
    expect(system.send(near, Buffer.from("closed"))).toMatch(/^E/);
  });

  test("what does not fit the buffers of the system is told, and nothing waits", async () => {
    const { near, close } = await pair();
    const chunk = Buffer.alloc(64 * 1024);
    let last: number | string = 0;
    for (let sent = 0; sent < 100 && typeof last === "number"; sent++)
      last = system.send(near, chunk);
    expect(last).toBe("EAGAIN");
    close();
  });

  test("a Unix socket has no limits of TCP, and a closed one has no peer", async () => {
    const { near, close } = await pair();
    expect(system.setOption(near, "user_timeout", 5)).toBe(false);
    expect(system.option(near, "user_timeout")).toBeUndefined();
    close();
    expect(system.peerUser(-1)).toBeUndefined();
  });
});

describe.skipIf(!CAN)("socket options", () => {
  const settings = {
    tcp_user_timeout: 4321,
    tcp_keepidle: 77,
    tcp_keepintvl: 13,
    tcp_keepcnt: 5,
    tcp_socket_buffer: 65_536,
    tcp_defer_accept: 1,
  };
  // option, what the system says; it doubles the buffers. Source: socket(7).
  const want: [SocketOption, number][] = [
    ["user_timeout", 4321],
    ["keepidle", 77],
    ["keepintvl", 13],
    ["keepcnt", 5],
    ["keepalive", 1],
    ["send_buffer", 131_072],
    ["receive_buffer", 131_072],
  ];
  /** A pooler whose server is another one, over TCP. */
  async function chained(more: Record<string, number>): Promise<RunningPooler> {
    const { host, port } = (await stage.pooler()).address;
    const entry = `far = host=${host} port=${port} dbname=app`;
    return (await stage.pooler({ ...settings, ...more }, entry)) as RunningPooler;
  }
  const read = (descriptor: number) => want.map(([option]) => system.option(descriptor, option));

  test("hold for clients and servers from the first one on, and SET changes them for new ones", async () => {
    const pooler = await chained({});
    const client = await stage.client(pooler, { database: "far" });
    await client.query("select 1");
    const descriptors = () =>
      [...pooler.host.clients, ...pooler.host.servers].map((end) => end?.channel.descriptor ?? -1);
    for (const descriptor of descriptors())
      expect(read(descriptor)).toEqual(want.map(([, value]) => value));
    const console = await stage.console(pooler);
    const deferred = () =>
      system.option(pooler.host.doors.doors[0]?.descriptor ?? -1, "defer_accept");
    expect(deferred()).toBeGreaterThan(0);
    await console.ask("set tcp_defer_accept = 0");
    expect(deferred()).toBe(0);
    await console.ask("set tcp_user_timeout = 0");
    await console.ask("set tcp_keepidle = 5");
    await stage.client(pooler);
    const last = descriptors()[1] ?? -1;
    expect(system.option(last, "user_timeout")).toBe(0);
    expect(system.option(last, "keepidle")).toBe(5);
  });

  test.each(["127.0.0.1", "localhost"])(
    "small buffers at %s are known before a connection stands: nobody waits for what was promised",
    async (host) => {
      // Told afterwards, both ways would come to a halt of 200 ms after each 4 KiB: 40 KB in a second.
      const { port } = (await stage.pooler()).address;
      const entry = `far = host=${host} port=${port} dbname=app`;
      const pooler = await stage.pooler({ tcp_socket_buffer: 4096 }, entry);
      const client = await stage.client(pooler, { database: "far" });
      const long = "y".repeat(4_000_000);
      const { rows } = await client.query("select $1 as same", [long]);
      expect(rows[0].same === long).toBe(true);
    },
  );

  test("without keep-alive there are no probes to time", async () => {
    const pooler = await chained({ tcp_keepalive: 0 });
    const client = await stage.client(pooler, { database: "far" });
    await client.query("select 1");
    for (const end of [pooler.host.clients[0], pooler.host.servers[0]]) {
      const descriptor = end?.channel.descriptor ?? -1;
      expect(system.option(descriptor, "keepalive")).toBe(0);
      expect(system.option(descriptor, "keepidle")).not.toBe(77);
      expect(system.option(descriptor, "user_timeout")).toBe(4321);
    }
  });
});

/** "in", or what the client is told. */
const enter = (pooler: Pooler, user: string, host: string): Promise<string> =>
  stage.client(pooler, { user, host, port: pooler.address.port, password: "x" }).then(
    () => "in",
    (error: Error) => error.message,
  );

describe.skipIf(!CAN)("peer", () => {
  const REJECTED = "unix socket login rejected";
  const rules = (text: string, maps = "") => ({
    auth_type: "hba",
    auth_hba_file: stage.file(text),
    auth_ident_file: stage.file(maps),
    auth_file: stage.file(`"alice" ""\n"bob" ""\n"${me}" ""\n`),
  });

  test.each([
    // rule, maps, user, what happens
    ["local all all peer", "", me, "in"],
    ["local all all peer", "", "alice", REJECTED],
    ["local all all peer", "", "nobody", REJECTED],
    ["local all all peer map=people", `people ${me} alice`, "alice", "in"],
    ["local all all peer map=people", `people ${me} alice`, "bob", REJECTED],
    ["local all all peer map=people", `people ${me} alice`, me, REJECTED],
    ["local all all peer map=people", "people somebody alice", "alice", REJECTED],
    ["local all all peer map=people", `people x bob\npeople ${me} all`, "bob", "in"],
    ["local all all peer map=people", `people ${me} all`, "nobody", REJECTED],
    ["local all bob reject\nlocal all all peer", "", "bob", "login rejected"],
  ])("%j with %j: %s -> %s", async (rule, maps, user, want) => {
    const pooler = await stage.pooler(rules(rule, maps));
    expect(await enter(pooler, user, pooler.address.socket)).toBe(want);
    await pooler.close();
  });

  test("over TCP there is no peer; the log says which map did not fit", async () => {
    const map = rules("host all all all peer\nlocal all all peer map=people", "people x all");
    const pooler = await stage.pooler(map);
    expect(await enter(pooler, me, "127.0.0.1")).toBe(REJECTED);
    expect(await enter(pooler, me, pooler.address.socket)).toBe(REJECTED);
    expect(await stage.log()).toContain("ident map people cannot be matched");
    await pooler.close();
  });

  test("our own user is the master of the console, wherever the socket is", async () => {
    const pooler = await stage.pooler({ auth_type: "md5" });
    const { socket: host, port } = pooler.address;
    const who = { user: "pgbouncer", database: "pgbouncer", port };
    const console = await stage.client(pooler, { ...who, host });
    expect((await console.query("show fds")).rows.length).toBeGreaterThan(0);
    const refused = await failure(stage.client(pooler, { ...who, password: "x" }));
    expect(refused.message).toBe("not allowed");
    await pooler.close();
  });
});

/** Says who it is, over the Unix socket of argv[1], and prints what it is told. */
const KNOCK = `const { connect } = require("node:net");
  const socket = connect(process.argv[1], () => socket.write(Buffer.from(process.argv[2], "hex")));
  socket.on("data", (bytes) => { process.stdout.write(bytes); socket.destroy(); });
  setTimeout(() => process.exit(1), 30_000).unref();`;

test.skipIf(process.getuid?.() !== 0)(
  "another user is not, in a directory open to all",
  async () => {
    const pooler = await stage.pooler({ auth_type: "md5" });
    const path = `${pooler.address.socket}/.s.PGSQL.${pooler.address.port}`;
    const words = startupMessage([
      ["user", "pgbouncer"],
      ["database", "pgbouncer"],
    ]);
    const knock = ["-e", KNOCK, path, words.toString("hex")];
    const told = async (uid: number): Promise<string> =>
      (await promisify(execFile)(process.execPath, knock, { uid, cwd: "/" })).stdout;
    expect(await told(65_534)).toContain("not allowed");
    if (CAN) expect(await told(0)).toContain("server_version");
    await pooler.close();
  },
);

describe("without koffi", () => {
  /** Starts a pooler in a process of its own, where koffi is not to be found; its words and status. */
  async function start(lines: string[]): Promise<{ code: number; stderr: string }> {
    const ini = join(stage.directory, "bare.ini");
    const all = ["listen_addr = 127.0.0.1", "listen_port = 0", "unix_socket_dir =", ...lines];
    writeFileSync(ini, `[databases]\n[pgbouncer]\n${all.join("\n")}\n`);
    const main = new URL("../../engine/pooler/main.ts", import.meta.url);
    const code = `import { startPooler } from ${JSON.stringify(main.href)};
      const pooler = await startPooler({ config: ${JSON.stringify(ini)} });
      await pooler.close();`;
    const words = ["--import", "tsx", "--input-type=module", "--eval", code];
    const env = { ...process.env, POOLWISE_NO_KOFFI: "1" };
    return await promisify(execFile)(process.execPath, words, { env }).then(
      ({ stderr }) => ({ code: 0, stderr }),
      (error: { code: number; stderr: string }) => error,
    );
  }
  test.runIf(!sharesPorts(process.versions.node))(
    "a port that is shared is refused by name where Node.js cannot do it either",
    async () => {
      const { code, stderr } = await start(["so_reuseport = 1"]);
      expect(code).not.toBe(0);
      expect(stderr).toMatch(
        /bare\.ini:6: so_reuseport is "1"; expected 0: Node\.js v\d+\S+ cannot share a port; 22\.12/,
      );
    },
  );

  const NEEDS = "takes Linux and the npm package koffi";

  test("a limit on unacknowledged data is refused by name", async () => {
    const { code, stderr } = await start(["tcp_user_timeout = 10"]);
    expect(code).not.toBe(0);
    expect(stderr).toContain(`bare.ini:6: tcp_user_timeout is "10"; expected 0: more ${NEEDS}`);
  });

  test("other limits, and rules that ask the system, are told to be in vain", async () => {
    const rules = stage.file("local all all peer\n");
    const hba = ["auth_type = hba", `auth_hba_file = ${rules}`, "auth_file ="];
    const { code, stderr } = await start(["tcp_keepidle = 9", ...hba]);
    expect(code).toBe(0);
    expect(stderr).toContain("bare.ini:6: tcp_keepidle has no effect: the operating system's");
    expect(stderr).toContain(`${rules}:1: this rule lets nobody in: to ask who is at the other`);
  });
});
