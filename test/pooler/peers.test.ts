/** Poolers behind one address: a cancel request may come to any of them, and finds its query. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Pooler } from "../../engine/pooler/main.ts";
import { mark, ownerOf } from "../../engine/wire/cancel-keys.ts";
import { cancelRequest, query, startupMessage } from "../../engine/wire/writer.ts";
import { freePort } from "../../sim/study/live/pooler-process.ts";
import { PGBOUNCER, PGBOUNCER_VERSION } from "../pgbouncer.ts";
import { Raw } from "./raw.ts";
import { Stage, until } from "./stage.ts";

describe("keys", () => {
  const key = (peer_id: number): Buffer => {
    const fresh = Buffer.from("7f11223344556600", "hex");
    mark(fresh, peer_id);
    return fresh;
  };

  test("a key names its process and may be handed on three times; without peers it is left alone", () => {
    expect(key(0).toString("hex")).toBe("7f11223344556600");
    expect(key(0x102).toString("hex")).toBe("7f02013344556603");
  });

  test("our own key fits however often it was handed on", () => {
    for (const last of [0, 1, 2, 3]) {
      const shown = key(5);
      shown[7] = last;
      expect(ownerOf(shown, 5)).toEqual({ is: "ours", key: key(5) });
    }
  });

  test("a peer's key is handed on with one hop less, until there is none left", () => {
    let shown = key(300);
    for (const left of [2, 1, 0]) {
      const owner = ownerOf(shown, 5);
      if (owner.is !== "peer") throw new Error(`is ${owner.is}`);
      expect([owner.peer, owner.key[7]]).toEqual([300, left]);
      shown = owner.key;
    }
    expect(ownerOf(shown, 5)).toEqual({ is: "exhausted" });
  });

  test("without a number of our own all keys are ours", () => {
    expect(ownerOf(key(300), 0)).toEqual({ is: "ours", key: key(300) });
  });
});

describe("two poolers", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open();
  });
  afterAll(() => stage.close());

  test("a cancel request at the one cancels a query at the other", async () => {
    const first = await stage.pooler({ peer_id: 1 });
    const { host, port } = first.address;
    const peers = `[peers]\n1 = host=${host} port=${port} pool_size=3\n`;
    const second = await stage.pooler({ peer_id: 2 }, peers);
    const console = await stage.console(second);
    expect(await console.ask("show peers")).toEqual([{ peer_id: 1, host, port, pool_size: 3 }]);
    // The pool comes with the first request.
    expect(await console.ask("show peer_pools")).toEqual([]);
    const { raw, key } = await running(stage, first);
    new Raw(second).send(cancelRequest(key));
    await raw.until("E");
    expect(raw.complaint).toContain("57014");
    const carrying = async () => (await console.ask("show peer_pools"))[0]?.sv_active_cancel;
    await until(async () => Number(await carrying()) === 0);
    const named = /: app\/\(nouser\)@\S+ closing because: successfully sent cancel request/;
    await until(async () => named.test(await stage.log()));
    raw.socket.destroy();
  });

  test("RELOAD without the peer: the log names it, and its requests end", async () => {
    const deaf = createServer();
    await once(deaf.listen(0, "127.0.0.1"), "listening");
    const { port } = deaf.address() as AddressInfo;
    const pooler = await stage.pooler({ peer_id: 2 }, `[peers]\n7 = host=127.0.0.1 port=${port}\n`);
    const console = await stage.console(pooler);
    const key = Buffer.alloc(8);
    mark(key, 7);
    const raw = new Raw(pooler);
    raw.send(cancelRequest(key));
    const row = async () => (await console.ask("show peer_pools"))[0];
    await until(async () => Number((await row())?.sv_active_cancel) === 1);
    const [server] = await console.ask("show servers");
    expect([server?.user, server?.database]).toEqual(["(nouser)", "(nodb)"]);
    await console.ask(`set conffile = '${stage.ini({ peer_id: 2 })}'`);
    await console.ask("reload");
    await raw.end();
    expect(await console.ask("show peers")).toEqual([]);
    const log = await stage.log();
    expect(log).toContain("dropping peer 7 as it does not exist anymore");
    const closed = log.match(/[CS]-\w+: peer-7@\S+ closing because: peer removed/g);
    expect(closed).toHaveLength(2);
    deaf.close();
  });

  test("a key of a process that is no peer of ours: dropped, and said in the log", async () => {
    const pooler = await stage.pooler({ peer_id: 2 });
    const key = Buffer.alloc(8);
    mark(key, 9);
    const raw = new Raw(pooler);
    raw.send(cancelRequest(key));
    await raw.end();
    expect(await stage.log()).toContain("could not find peer to forward request to");
    key[7] = 0;
    const again = new Raw(pooler);
    again.send(cancelRequest(key));
    await again.end();
    expect(await stage.log()).toContain("because its TTL was exhausted");
  });
});

/** PgBouncer does not run as root. Its keys have been these since 1.21. */
const AS = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
const OLDEST = 1_021;

describe.skipIf(PGBOUNCER_VERSION < OLDEST)("one of each", () => {
  let stage: Stage;
  let ours: Pooler;
  let theirs: Pooler;
  let child: ChildProcess;
  beforeAll(async () => {
    stage = await Stage.open();
    const port = await freePort();
    const host = "127.0.0.1";
    ours = await stage.pooler({ peer_id: 1 }, `[peers]\n2 = host=${host} port=${port}\n`);
    const home = mkdtempSync(join(stage.directory, "peer-"));
    if (AS.uid !== undefined) chownSync(home, AS.uid, AS.gid);
    const files = { unix_socket_dir: home, logfile: join(home, "log") };
    const peers = `[peers]\n1 = host=${host} port=${ours.address.port}\n`;
    const ini = stage.ini({ peer_id: 2, listen_port: port, ...files }, peers);
    child = spawn(PGBOUNCER, ["-q", ini], { ...AS, stdio: "ignore", cwd: "/" });
    theirs = { ...ours, address: { host, port, socket: home } };
    await until(() => stage.client(theirs).then(Boolean, () => false));
  });
  afterAll(async () => {
    child.kill("SIGQUIT");
    await stage.close();
  });

  test.each([["ours"], ["PgBouncer"]])("a query at %s is cancelled by the other", async (at) => {
    const [here, there] = at === "ours" ? [ours, theirs] : [theirs, ours];
    const { raw, key } = await running(stage, here);
    new Raw(there).send(cancelRequest(key));
    await raw.until("E");
    expect(raw.complaint).toContain("57014");
    raw.socket.destroy();
  });
});

/** A client at `pooler` whose query runs, and its key. */
async function running(stage: Stage, pooler: Pooler): Promise<{ raw: Raw; key: Buffer }> {
  const raw = new Raw(pooler);
  raw.send(
    startupMessage([
      ["user", "alice"],
      ["database", "app"],
    ]),
  );
  await raw.until("Z");
  const key = raw.messages.find(({ type }) => type === "K")?.body ?? Buffer.alloc(0);
  raw.messages.length = 0;
  raw.send(query("select pg_sleep(60)"));
  await stage.busyWith("select pg_sleep(60)", 1);
  return { raw, key };
}
