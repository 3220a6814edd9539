/** What is not public in Node.js and makes sockets cheap is there, on the Node.js that this runs on. */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { native, usable } from "../../engine/pooler/sockets/native.ts";

/** Where Node.js keeps the handle of a socket. */
const handleOf = (socket: Socket): unknown => (socket as unknown as { _handle: unknown })._handle;

test("the parts of Node.js that bare sockets need are found at start", () => {
  expect(native).toMatchObject({ readPlace: expect.any(Number), asyncPlace: expect.any(Number) });
});

test("both ends of a TCP connection have handles that can do without streams", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const client = connect(port, "127.0.0.1");
  const [[accepted]] = (await Promise.all([
    once(server, "connection"),
    once(client, "connect"),
  ])) as [[Socket], unknown];
  expect(usable(handleOf(client))).toBeDefined();
  expect(usable(handleOf(accepted))).toBeDefined();
  client.destroy();
  accepted.destroy();
  server.close();
});

test("what lacks a part of a handle is not taken for one", () => {
  for (const handle of [undefined, null, 7, {}, { writeQueueSize: 0, onread: null }])
    expect(usable(handle)).toBeUndefined();
});
