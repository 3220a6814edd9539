/** resolv_conf: names are asked of the servers that it names, beside /etc/hosts. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { Server } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadResolvConf } from "../../engine/config/index.ts";
import type { Pooler } from "../../engine/pooler/main.ts";
import { openDoor, portOf } from "./doors.ts";
import { failure, Stage, until } from "./stage.ts";

describe("the file", () => {
  const load = (text: string) => loadResolvConf("r", "a.ini:2", () => text);

  test("servers, domains and options; what is not known is passed over", () => {
    const text = [
      "# nameserver 9.9.9.9",
      "nameserver 1.1.1.1",
      "  nameserver\t[::1]:53",
      "nameserver 2.2.2.2:5353",
      "nameserver nowhere",
      "domain one.example",
      "search two.example  three.example",
      "options ndots:2 timeout:0.5 attempts:4 rotate",
      "sortlist 1.2.3.4",
    ].join("\n");
    expect(load(text)).toEqual({
      servers: ["1.1.1.1", "[::1]:53", "2.2.2.2:5353"],
      domains: ["two.example", "three.example"],
      dots: 2,
      timeout: 500,
      attempts: 4,
    });
  });

  test("what is left out is libevent's", () => {
    expect(load("nameserver 1.1.1.1\noptions ndots timeout:x attempts:")).toEqual({
      servers: ["1.1.1.1"],
      domains: [],
      dots: 1,
      timeout: 5_000,
      attempts: 3,
    });
  });

  test("a file without servers is refused", () => {
    expect(() => load("search example.com")).toThrow(
      'a.ini:2: resolv_conf is "r"; expected a file with a line nameserver ADDRESS; no nameservers listed in the file',
    );
  });
});

describe("a pooler", () => {
  let stage: Stage;
  let server: Socket;
  const doors: Server[] = [];
  /** Addresses by name; a name that is not there does not exist. */
  const zone = new Map<string, string[]>();
  const asked: string[] = [];

  beforeAll(async () => {
    stage = await Stage.open();
    doors.push(await openDoor(stage, "127.0.0.1"));
    doors.push(await openDoor(stage, "127.0.0.2", port()));
    server = createSocket("udp4");
    server.on("message", (question, { port, address }) => {
      server.send(answerTo(question, zone, asked), port, address);
    });
    server.bind(0, "127.0.0.1");
    await once(server, "listening");
  });
  afterAll(async () => {
    await stage.close();
    server.close();
    for (const door of doors) door.close();
  });

  const port = (): number => portOf(doors[0] as Server);
  const pooler = (host: string, more = "", client_login_timeout = 60) => {
    const text = `nameserver 127.0.0.1:${server.address().port}\noptions timeout:2\n${more}`;
    const settings = { resolv_conf: stage.file(text), dns_max_ttl: 0, client_login_timeout };
    return stage.pooler(settings, `far = host=${host} port=${port()} dbname=postgres`);
  };
  const enter = (at: Pooler) => stage.client(at, { user: stage.database.user, database: "far" });

  test("asks the servers of the file, and puts the domains behind short names first", async () => {
    zone.set("db.one.example", ["127.0.0.2"]);
    const at = await pooler("db", "search one.example\noptions ndots:2\n");
    await enter(at);
    const console = await stage.console(at);
    expect(await console.ask("show dns_hosts")).toMatchObject([
      { hostname: "db", addrs: "127.0.0.2" },
    ]);
    expect((await console.ask("show servers"))[0]?.addr).toBe("127.0.0.2");
    expect(new Set(asked)).toEqual(new Set(["db.one.example"]));
  });

  test("/etc/hosts comes before them, and of a name that nobody has the log tells", async () => {
    asked.length = 0;
    await enter(await pooler("localhost"));
    expect(asked).toEqual([]);
    await failure(enter(await pooler("none.example", "", 1)));
    await until(async () => (await stage.log()).includes("because: server DNS lookup failed"));
    expect(asked).toContain("none.example");
    expect(await stage.log()).toContain("DNS lookup failed: none.example: result=ENOTFOUND");
  });

  test("servers at an address that the name has no more are closed when they are free", async () => {
    zone.set("moving.example", ["127.0.0.1"]);
    const at = await pooler("moving.example");
    const first = await enter(at);
    await first.query("begin");
    zone.set("moving.example", ["127.0.0.2"]);
    await (await enter(at)).query("select 1");
    const console = await stage.console(at);
    const servers = async () =>
      (await console.ask("show servers")).map(({ addr, close_needed }) => [addr, close_needed]);
    expect((await servers()).sort()).toEqual([
      ["127.0.0.1", 1],
      ["127.0.0.2", 0],
    ]);
    await first.query("commit");
    expect(await servers()).toEqual([["127.0.0.2", 0]]);
    expect(await console.ask("show dns_zones")).toMatchObject([
      { zonename: "example", serial: "0", count: 1 },
    ]);
  });

  test("a file that is not there keeps the pooler from starting", async () => {
    const error = await failure(stage.pooler({ resolv_conf: "/no/such" }));
    expect(error.message).toMatch(/\/no\/such cannot be read/);
  });
});

/** A DNS message with the addresses that `zone` has for the name. */
function answerTo(question: Buffer, zone: ReadonlyMap<string, string[]>, asked: string[]): Buffer {
  const labels: string[] = [];
  let at = 12;
  for (let length = question[at] ?? 0; length > 0; length = question[at] ?? 0) {
    labels.push(question.toString("latin1", at + 1, at + 1 + length));
    at += length + 1;
  }
  const name = labels.join(".").toLowerCase();
  const type = question.readUInt16BE(at + 1);
  const end = at + 5;
  asked.push(name);
  const known = zone.get(name);
  const found = type === 1 ? (known ?? []) : [];
  const head = Buffer.alloc(12);
  question.copy(head, 0, 0, 2);
  head.writeUInt16BE(known === undefined ? 0x8183 : 0x8180, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(found.length, 6);
  const records = found.map((address) =>
    Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...address.split(".").map(Number)]),
  );
  return Buffer.concat([head, question.subarray(12, end), ...records]);
}
