/** The relay: who is asked for when, and that a client sees what it would see without a pooler. */
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { STATUS } from "../../engine/core/states.ts";
import { ClientRelay, link, RELAY, ServerRelay } from "../../engine/wire/relay.ts";
import { Variables } from "../../engine/wire/variables.ts";
import * as writer from "../../engine/wire/writer.ts";
import { ask, cut, cuts, letters, Memory, tell } from "./bytes.ts";
import { FakePostgres } from "./postgres.ts";
import { NAMES, OPTIONS, World } from "./world.ts";

/** What a client sees of a server without a pooler. */
function direct(stream: Buffer): Buffer {
  const database = new FakePostgres();
  database.write(stream, 0, stream.length);
  return database.take();
}

const select = ask.query("select 1");
const unnamed = [ask.parse("", "select 2"), ask.bind(""), ask.execute()];

/** One row per rule: what the client sends in one chunk, and what happens. */
const histories: [why: string, sent: Buffer[], history: string[]][] = [
  ["a query: asked for once, free afterwards", [select], ["request", "ready 0"]],
  ["Terminate asks for nothing", [ask.terminate()], ["terminate"]],
  [
    "two queries in one chunk share the server, as one query",
    [select, select],
    ["request", "ready 0"],
  ],
  ["begin holds the server", [ask.query("begin")], ["request", "ready 1"]],
  [
    "the end of a transaction and the start of the next, in one chunk, share the server",
    [ask.query("begin"), ask.query("commit"), ask.query("begin")],
    ["request", "ready 1"],
  ],
  ["an error ends a query too", [ask.query("fail")], ["request", "ready 0"]],
  ["Parse to Sync is one query", [...unnamed, ask.sync()], ["request", "ready 0"]],
  ["Flush without Sync holds the server", [...unnamed, ask.flush()], ["request"]],
  ["a Flush alone asks for a server and holds it", [ask.flush()], ["request"]],
  ["Sync alone is a query", [ask.sync()], ["request", "ready 0"]],
  [
    "after an error all is skipped up to Sync",
    [ask.parse("", "bad"), ask.bind(""), ask.execute(), ask.sync()],
    ["request", "ready 0"],
  ],
  [
    "two pipelined batches, the first of which fails",
    [ask.parse("", "bad"), ask.bind(""), ask.execute(), ask.sync(), ...unnamed, ask.sync()],
    ["request", "ready 0"],
  ],
  ["FunctionCall has a ReadyForQuery", [ask.functionCall()], ["request", "ready 0"]],
  ["COPY waits for its data", [ask.query("copy")], ["request"]],
  [
    "COPY with its data in the same chunk",
    [ask.query("copy"), ask.copyData("a"), ask.copyData("b"), ask.copyDone()],
    ["request", "ready 0"],
  ],
  [
    "COPY and a query after it, in one chunk",
    [ask.query("copy"), ask.copyData("a"), ask.copyDone(), select],
    ["request", "ready 0"],
  ],
  ["COPY that the client gives up", [ask.query("copy"), ask.copyFail()], ["request", "ready 0"]],
  [
    "COPY by the extended protocol, with the Sync that PostgreSQL ignores",
    [
      ask.parse("", "copy"),
      ask.bind(""),
      ask.execute(),
      ask.sync(),
      ask.copyData("a"),
      ask.copyDone(),
      ask.sync(),
    ],
    ["request", "ready 0"],
  ],
  [
    "COPY by the extended protocol that fails",
    [ask.parse("", "copy"), ask.bind(""), ask.execute(), ask.copyFail(), ask.sync()],
    ["request", "ready 0"],
  ],
  [
    "COPY that never began: its data is ignored",
    [ask.query("fail"), ask.copyData("a"), ask.copyDone()],
    ["request", "ready 0"],
  ],
  [
    "stray ends of COPY data between a Flush and a Sync (once left the Sync unanswered)",
    [...unnamed, ask.flush(), ask.copyData("a"), ask.copyDone(), ask.copyFail(), ask.sync()],
    ["request", "ready 0"],
  ],
  ["late COPY data is nobody's", [ask.copyData("a"), ask.copyDone(), ask.copyFail()], []],
];

describe("one chunk of a client", () => {
  for (const [why, sent, history] of histories) {
    const stream = Buffer.concat(sent);

    test(why, () => {
      const world = new World(2, 0);
      world.send(stream);
      world.drain();
      expect(world.history).toEqual(history);
      if (!history.includes("terminate")) expect(world.seen.bytes).toEqual(direct(stream));
      expect(world.stray).toBe(0);
    });

    test(`${why}; cut at every byte, answers too`, () => {
      const world = new World(2, 0);
      for (let at = 0; at < stream.length; at++) world.send(stream.subarray(at, at + 1));
      world.drain(1);
      expect(world.history).toEqual(history);
      if (!history.includes("terminate")) expect(world.seen.bytes).toEqual(direct(stream));
    });
  }

  test("what comes after the release has to ask again", () => {
    const world = new World(2, 0);
    world.send(select);
    world.drain();
    world.send(select);
    world.drain();
    expect(world.history).toEqual(["request", "ready 0", "request", "ready 0"]);
  });

  test("every statement of a transaction asks, and the server stays", () => {
    const world = new World(2, 0);
    for (const sql of ["begin", "select 1", "fail", "commit"]) {
      world.send(ask.query(sql));
      world.drain();
    }
    const statuses = [1, 1, 2, 0].flatMap((status) => ["request", `ready ${status}`]);
    expect(world.history).toEqual(statuses);
  });

  test("the server is held while the client still sends data for a COPY that has failed", () => {
    const { client, server, fromServer } = pair();
    client(Buffer.concat([ask.query("copy")]));
    fromServer(tell.copyIn());
    client(ask.copyData("a"));
    const failed = Buffer.concat([
      writer.errorResponse("ERROR", "22P04", "no"),
      writer.readyForQuery(),
    ]);
    expect(fromServer(failed)).toBe(RELAY.more);
    expect(client(ask.copyData("b"))).toBe(RELAY.more);
    expect(client(ask.copyDone())).toBe(RELAY.ready);
    expect(server.status).toBe(STATUS.idle);
  });
});

describe("however both streams are cut", () => {
  const complete = histories.filter(([why]) => !/^(Terminate|COPY waits)/.test(why));
  const batches = fc.constantFrom(...complete.map(([, sent]) => Buffer.concat(sent)));

  test("the verdicts and the bytes are the same", () => {
    fc.assert(
      fc.property(
        fc.array(batches, { maxLength: 6 }),
        cuts,
        fc.integer({ min: 1, max: 40 }),
        (sent, places, size) => {
          const stream = Buffer.concat([...sent, ask.sync(), ask.query("commit")]);
          const whole = new World(3, 0);
          whole.send(stream);
          whole.drain();
          const pieces = new World(3, 0);
          for (const piece of cut(stream, places)) pieces.send(piece);
          pieces.drain(size);
          expect(pieces.history).toEqual(whole.history);
          expect(pieces.seen.bytes).toEqual(whole.seen.bytes);
          expect(pieces.seen.bytes).toEqual(direct(stream));
        },
      ),
    );
  });

  test("a client sees the same as without a pooler, whenever the answers come", () => {
    const steps = fc.array(fc.nat(60), { maxLength: 80 });
    fc.assert(
      fc.property(fc.array(batches, { maxLength: 6 }), cuts, steps, (sent, places, sizes) => {
        const stream = Buffer.concat([...sent, ask.sync(), ask.query("commit")]);
        const world = new World(3, 0);
        for (const piece of cut(stream, places)) {
          world.send(piece);
          world.receive(sizes.shift() ?? 1_000);
        }
        world.drain();
        expect(world.seen.bytes).toEqual(direct(stream));
        expect(world.client.server).toBe(undefined);
        expect(world.stray).toBe(0);
      }),
    );
  });
});

/** A linked pair with sinks that only remember. */
function pair() {
  const toClient = new Memory();
  const toServer = new Memory();
  const relay = new ClientRelay(toClient, OPTIONS, new Variables(NAMES));
  const server = new ServerRelay(toServer, OPTIONS, new Variables(NAMES));
  link(relay, server);
  const client = (bytes: Buffer): number => {
    const verdict = relay.feed(bytes, 0, bytes.length);
    if (verdict !== RELAY.request) return verdict;
    return relay.feed(bytes, relay.consumed, bytes.length);
  };
  const fromServer = (bytes: Buffer): number => server.feed(bytes, 0, bytes.length);
  return { relay, server, client, fromServer, toClient, toServer };
}

describe("the relay", () => {
  test("forwards a chunk whole, in one write, and without a copy", () => {
    const { relay, server } = pair();
    const writes: unknown[] = [];
    Object.assign(server, { sink: { write: (...range: unknown[]) => writes.push(range) } });
    const chunk = Buffer.concat([...unnamed, ask.sync(), select]);
    relay.feed(chunk, 0, chunk.length);
    expect(writes).toEqual([]);
    relay.feed(chunk, relay.consumed, chunk.length);
    expect(writes.length).toBe(1);
    expect((writes[0] as unknown[])[0]).toBe(chunk);
    expect((writes[0] as unknown[]).slice(1)).toEqual([0, chunk.length]);
  });

  test("keeps what a client sends after request until it is linked", () => {
    const relay = new ClientRelay(new Memory(), OPTIONS, new Variables(NAMES));
    const chunk = Buffer.concat([ask.copyData("late"), select, select]);
    expect(relay.feed(chunk, 0, chunk.length)).toBe(RELAY.request);
    expect(relay.consumed).toBe(ask.copyData("late").length);
    const sink = new Memory();
    link(relay, new ServerRelay(sink, OPTIONS, new Variables(NAMES)));
    const kept = Buffer.from(chunk.subarray(relay.consumed));
    expect(relay.feed(kept, 0, kept.length)).toBe(RELAY.more);
    expect(sink.bytes).toEqual(Buffer.concat([select, select]));
  });

  test("swallows the answer to a query of its own, and learns parameters from it", () => {
    const { relay, server, fromServer, toClient, toServer } = pair();
    relay.variables.set("TimeZone", "utc");
    server.ask("SET TimeZone='utc';");
    expect(letters(toServer.bytes)).toBe("Q");
    const answer = Buffer.concat([
      writer.parameterStatus("TimeZone", "UTC"),
      writer.commandComplete("SET"),
      writer.readyForQuery(),
    ]);
    expect(fromServer(answer.subarray(0, 20))).toBe(RELAY.more);
    expect(fromServer(answer.subarray(20))).toBe(RELAY.answered);
    expect(server.askError).toBe("");
    expect(server.variables.value("timezone")).toBe("UTC");
    expect(relay.variables.value("timezone")).toBe("UTC");
    expect(toClient.bytes.length).toBe(0);
    server.ask("SET TimeZone='nowhere';");
    fromServer(
      Buffer.concat([writer.errorResponse("ERROR", "22023", "no"), writer.readyForQuery()]),
    );
    expect(server.askError).toMatch(/^[A-Z]+: /);
  });

  test("forwards ParameterStatus and notes it on both sides", () => {
    const world = new World(1, 0);
    world.send(ask.query("set Asia/Tokyo"));
    world.drain(3);
    expect(world.client.variables.value("TimeZone")).toBe("Asia/Tokyo");
    expect(world.relays[0]?.variables.value("TimeZone")).toBe("Asia/Tokyo");
  });

  test("in statement mode a transaction block is told at once", () => {
    const { server, client, fromServer } = pair();
    server.statementMode = true;
    client(Buffer.concat([ask.query("begin"), select]));
    expect(fromServer(writer.readyForQuery("T"))).toBe(RELAY.ready);
    expect(server.status).toBe(STATUS.transaction);
  });

  test("in statement mode a block is told also when its end comes in the same chunk (once was not)", () => {
    const { server, client, fromServer } = pair();
    server.statementMode = true;
    client(Buffer.concat([ask.query("begin"), ask.query("commit")]));
    const answers = [writer.readyForQuery("T"), writer.readyForQuery("I")];
    expect(fromServer(Buffer.concat(answers))).toBe(RELAY.ready);
    expect(server.status).toBe(STATUS.transaction);
  });

  const going = writer.errorResponse("FATAL", "57P01", "going down");
  const unasked: [name: string, message: Buffer, types: string, status: number][] = [
    ["a notification", tell.notification(), "A", STATUS.idle],
    ["ParameterStatus", writer.parameterStatus("TimeZone", "GMT"), "S", STATUS.busy],
    ["a notice", writer.noticeResponse("going down"), "N", STATUS.busy],
    ["an error", going, "E", STATUS.busy],
    ["ReadyForQuery", writer.readyForQuery(), "Z", STATUS.idle],
    ["several", Buffer.concat([going, writer.readyForQuery()]), "EZ", STATUS.idle],
  ];
  for (const [name, message, types, status] of unasked) {
    test(`${name} from a server that is not linked: ${status === STATUS.idle ? "fine" : "dirty"}`, () => {
      const server = new ServerRelay(new Memory(), OPTIONS, new Variables(NAMES));
      expect(server.feed(message, 0, message.length)).toBe(RELAY.more);
      expect([server.unasked, server.status]).toEqual([types, status]);
    });
  }

  test("what no server says ends it, linked or not", () => {
    const server = new ServerRelay(new Memory(), OPTIONS, new Variables(NAMES));
    const message = writer.authenticationOk();
    expect(server.feed(message, 0, message.length)).toBe(RELAY.error);
    expect(server.error).toBe("unknown pkt");
  });

  test("the answer to a query of the pooler's own is not lost where more comes with it", () => {
    const server = new ServerRelay(new Memory(), OPTIONS, new Variables(NAMES));
    server.ask("discard all");
    const message = Buffer.concat([writer.readyForQuery(), tell.notification()]);
    expect(server.feed(message, 0, message.length)).toBe(RELAY.answered);
    expect(server.unasked).toBe("A");
  });

  const wrong: [name: string, bytes: Buffer, text: string][] = [
    ["a length of 3", Buffer.from("5100000003", "hex"), "bad packet header: '5100000003'"],
    [
      "a length beyond the limit",
      Buffer.from("51ffffffff", "hex"),
      "bad packet header: '51ffffffff'",
    ],
    ["an unknown type", writer.message("z".charCodeAt(0)), "unknown pkt"],
  ];
  for (const [name, bytes, text] of wrong) {
    test(`a client that sends ${name} is told "${text}"`, () => {
      const { relay, client } = pair();
      expect(client(bytes)).toBe(RELAY.error);
      expect(relay.error).toBe(text);
    });
  }

  test("disable_pqexec refuses simple queries", () => {
    const options = { ...OPTIONS, disablePqexec: true };
    const relay = new ClientRelay(new Memory(), options, new Variables(NAMES));
    expect(relay.feed(select, 0, select.length)).toBe(RELAY.error);
    expect(relay.error).toBe("PQexec disallowed");
    expect(relay.detail).toBe('client used "Query" packet type');
  });

  test("a server that breaks the protocol is found out", () => {
    for (const bytes of [
      writer.message(1),
      Buffer.from("5a00000001", "hex"),
      writer.message(0x5a, Buffer.from("X")),
    ]) {
      const { client, fromServer } = pair();
      client(select);
      expect(fromServer(bytes)).toBe(RELAY.error);
    }
  });
});
