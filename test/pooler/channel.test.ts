/**
 * Channels as their owners see them. Past Node's streams it would abort the process if a rule of its own
 * were broken; `streams.test.ts` plays the same through the streams.
 */
import { lookup } from "node:dns";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer, type LookupFunction } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterAll, expect, test, vi } from "vitest";
import { Channel } from "../../engine/pooler/sockets/channel.ts";
import { native } from "../../engine/pooler/sockets/native.ts";
import { answers } from "../../engine/pooler/sockets/socket-path.ts";

const directory = mkdtempSync(join(tmpdir(), "pwp-"));
afterAll(() => rmSync(directory, { recursive: true }));

/**
 * Another thread that listens at a path, reads all, and tells how many bytes came and whether they
 * counted 0, 1, .. 250, 0, 1 and so on. It takes small bites, so that room appears at any moment.
 */
const READER = `
  const { parentPort, workerData } = require("node:worker_threads");
  const server = require("node:net").createServer((socket) => {
    let count = 0, wrong = 0;
    socket.on("data", (chunk) => {
      for (const byte of chunk) if (byte !== count++ % 251) wrong++;
    });
    socket.on("end", () => {
      server.close();
      parentPort.postMessage({ count, wrong });
    });
  });
  server.listen(workerData.path, () => parentPort.postMessage("ready"));
`;

const ROUND = 251;
const numbers = Buffer.from(Array.from({ length: 2 * 65_536 }, (_, index) => index % ROUND));

async function reader(path: string): Promise<Worker> {
  const worker = new Worker(READER, { eval: true, workerData: { path } });
  await once(worker, "message");
  return worker;
}

/** An open channel that has sent one round of numbers; `flushed` resolves when nothing is pending. */
async function channelTo(path: string): Promise<{ channel: Channel; flushed(): Promise<void> }> {
  let wake = (): void => {};
  const channel = await new Promise<Channel>((resolve) => {
    const opened = Channel.open({ path }, lookup, () => resolve(opened));
  });
  channel.owner = { received() {}, flushed: () => wake(), ended() {} };
  const flushed = async (): Promise<void> => {
    if (channel.pending === 0) return;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  };
  channel.send(numbers, 0, ROUND);
  return { channel, flushed };
}

// The kernel may refuse a write and take it a microsecond later, when the reader has made room. The
// request of such a write is in use although nothing is queued: used again, it aborts the process.
test.skipIf(native === undefined)(
  "the request of a write that is under way is not used for another",
  async () => {
    const path = join(directory, "requests");
    const worker = await reader(path);
    const { channel, flushed } = await channelTo(path);
    const handle = Reflect.get(Reflect.get(channel, "line"), "handle");
    const underWay = new Set<object>();
    let atOnce = 0;
    const usual = handle.writeBuffer;
    handle.writeBuffer = (request: object, bytes: Buffer) => {
      expect(underWay.has(request)).toBe(false);
      const error = usual.call(handle, request, bytes);
      if (native?.state[native.asyncPlace] === 0) atOnce++;
      else underWay.add(request);
      return error;
    };
    let sent = ROUND;
    for (let round = 0; round < 20_000 && underWay.size < 50; round++) {
      const length = Math.min(60_000, 251 * (1 + (round % 200)));
      channel.send(numbers, 0, length - (length % ROUND));
      sent += length - (length % ROUND);
      if (round % 3 === 0) await flushed();
    }
    await flushed();
    expect([underWay.size > 0, atOnce > 0]).toEqual([true, true]);
    const answer = once(worker, "message");
    channel.close();
    expect(await answer).toEqual([{ count: sent, wrong: 0 }]);
  },
);

test("small writes to a reader that makes room at any moment arrive whole and in order", async () => {
  const path = join(directory, "reader");
  const worker = await reader(path);
  const { channel, flushed } = await channelTo(path);
  let sent = ROUND;
  for (let round = 0; round < 200_000; round++) {
    const length = 1 + ((sent * 7) % 100);
    const from = sent % ROUND;
    channel.send(numbers, from, from + length);
    sent += length;
    // Now at the first sign of a full pipe, so that the next write finds the queue empty, now late.
    if (round % 3 > 0 ? channel.pending > 0 : channel.congested) await flushed();
  }
  const answer = once(worker, "message");
  channel.close();
  expect(await answer).toEqual([{ count: sent, wrong: 0 }]);
});

test("a write to a connection that has broken ends the channel once, by its name", async () => {
  const path = join(directory, "broken");
  const worker = await reader(path);
  const { channel } = await channelTo(path);
  let told = 0;
  const ended = new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    const ended = (error: NodeJS.ErrnoException | undefined): void => {
      told++;
      resolve(error);
    };
    channel.owner = { received() {}, flushed() {}, ended };
  });
  channel.hold(); // Or the end of the other side could be read before there is a write.
  await worker.terminate();
  channel.send(numbers, 0, ROUND);
  channel.send(numbers, 0, ROUND);
  expect((await ended)?.code).toMatch(/^(EPIPE|ECONNRESET)$/); // Who is first, write or read.
  channel.send(numbers, 0, ROUND);
  await channel.closed();
  expect(told).toBe(1);
});

test("one that is still to connect is closed at once, and says nothing when the name is found", async () => {
  const heard: Buffer[] = [];
  const server = createServer((socket) => socket.on("data", (bytes) => heard.push(bytes)));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  let found = (): void => {};
  const later: LookupFunction = (_name, _options, done) => {
    found = () => done(null, [{ address: "127.0.0.1", family: 4 }]);
  };
  vi.useFakeTimers({ toFake: ["setTimeout"] }); // No time goes by.
  const channel = Channel.open({ host: "later.example", port }, later, () => undefined);
  channel.close(Buffer.from("goodbye"));
  await channel.closed();
  vi.useRealTimers();
  found();
  const [last] = [connect(port, "127.0.0.1"), await once(server, "connection")];
  expect(heard).toEqual([]);
  last.destroy();
  await once(server.close(), "close");
});

test.skipIf(process.platform !== "linux")(
  "where the queue of connections is full, somebody listens",
  async () => {
    const path = join(directory, "full");
    const server = createServer();
    await once(server.listen({ path, backlog: 1 }), "listening");
    // All in one turn: none of them is taken before it is over.
    const queued = Array.from({ length: 8 }, () => connect(path).on("error", () => undefined));
    const found = answers(path);
    expect(await found).toBe(true);
    for (const socket of queued) socket.destroy();
    await once(server.close(), "close");
    expect(await answers(path)).toBe(false);
  },
);
