/** so_reuseport: several poolers on one port, by Node.js from 22.12 on and by system calls before. */
import { closeSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { canSharePort, sharedPlace, sharesPorts } from "../../engine/pooler/sockets/shared-port.ts";
import { hasLibc, type Libc, libc } from "../../engine/pooler/system/libc.ts";
import { failure, Stage } from "./stage.ts";

test.each([
  // Node.js, can it
  ["20.20.2", false],
  ["22.11.9", false],
  ["22.12.0", true],
  ["23.0.0", false],
  ["23.1.0", true],
  ["26.0.0", true],
])("Node.js %s can share a port: %s", (version, can) => {
  expect(sharesPorts(version)).toBe(can);
});

const listening = async (options: object): Promise<Server> => {
  const server = createServer((socket) => socket.on("error", () => undefined).end("x"));
  await new Promise<void>((done) => server.listen(options, done));
  return server;
};
const portOf = (server: Server): number => (server.address() as AddressInfo).port;

describe.skipIf(!hasLibc())("system calls (skipped where koffi is not to be had)", () => {
  const system = libc() as Libc;
  const place = (host: string | undefined, port: number) => sharedPlace(host, port, 5, false);

  test("two sockets listen on one port, and both are dealt clients", async () => {
    const first = await listening(await place("127.0.0.1", 0));
    const port = portOf(first);
    const second = await listening(await place("localhost", port));
    const served = [0, 0];
    for (const [index, server] of [first, second].entries())
      server.on("connection", () => {
        served[index] = (served[index] ?? 0) + 1;
      });
    // The system draws a lot for each: that one of them is left out has a chance of 2 in 2^100.
    for (let count = 0; count < 100; count++)
      await new Promise((done) => connect(port, "127.0.0.1").once("close", done).resume());
    expect((served[0] ?? 0) + (served[1] ?? 0)).toBe(100);
    expect(Math.min(...served)).toBeGreaterThan(0);
    first.close();
    second.close();
  });

  test("all addresses are those of IPv4 too", async () => {
    const server = await listening(await place(undefined, 0));
    const socket = connect(portOf(server), "127.0.0.1");
    await new Promise((done) => socket.once("connect", done));
    socket.destroy();
    server.close();
  });

  test("the socket says that it is shared, and goes away with its process", async () => {
    const descriptor = system.listen("127.0.0.1", 0, 5);
    if (typeof descriptor === "string") throw new Error(descriptor);
    expect(system.option(descriptor, "reuse_port")).toBe(1);
    closeSync(descriptor);
  });

  test("what stands in the way has the system's name", async () => {
    const alone = await listening({ port: 0, host: "127.0.0.1" });
    expect(system.listen("127.0.0.1", portOf(alone), 5)).toBe("EADDRINUSE");
    expect(system.listen("192.0.2.1", 0, 5)).toBe("EADDRNOTAVAIL");
    expect(system.listen("no address", 0, 5)).toBe("EINVAL");
    expect(await failure(place("127.0.0.1", portOf(alone)))).toMatchObject({ code: "EADDRINUSE" });
    alone.close();
  });
});

describe.skipIf(!canSharePort())("poolers (skipped where a port cannot be shared)", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open();
  });
  afterAll(() => stage.close());

  test("two listen on one port, and clients come to both", async () => {
    const first = await stage.pooler({ so_reuseport: 1 });
    const { port } = first.address;
    const more = { so_reuseport: 1, listen_port: port, unix_socket_dir: "", peer_id: 7 };
    const second = await stage.pooler(more);
    expect(second.address.port).toBe(port);
    const numbers = new Set<string>();
    for (let count = 0; count < 100 && numbers.size < 2; count++) {
      const who = { host: "127.0.0.1", port, user: "admin", database: "pgbouncer" };
      const client = new pg.Client(who);
      await client.connect();
      const { rows } = await client.query("show config");
      numbers.add(rows.find(({ key }) => key === "peer_id")?.value);
      await client.end();
    }
    expect([...numbers].sort()).toEqual(["0", "7"]);
  });

  test("one that does not share keeps its port for itself", async () => {
    const { port } = (await stage.pooler()).address;
    const told = await failure(stage.pooler({ so_reuseport: 1, listen_port: port }));
    expect(told.message).toBe(
      `cannot listen on 127.0.0.1:${port}: it is in use; is another pooler running?`,
    );
  });
});
