/** Borders of messages: whole, cut at every byte, with bytes after them, and nonsense. */
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FRAME, FrameScanner, MessageReader } from "../../engine/wire/frames.ts";
import * as writer from "../../engine/wire/writer.ts";
import { ask, cut, cuts } from "./bytes.ts";

const LIMIT = 1_000_000;

/** Type and size of every message that the scanner finds, and how many bytes of bodies it saw. */
function scan(chunks: readonly Buffer[], limit = LIMIT): { found: string[]; last: number } {
  const scanner = new FrameScanner(limit);
  const found: string[] = [];
  let last: number = FRAME.more;
  for (const chunk of chunks) {
    scanner.feed(chunk, 0, chunk.length);
    last = scanner.next();
    while (last === FRAME.message) {
      found.push(`${String.fromCharCode(scanner.type)}${scanner.size}`);
      last = scanner.next();
    }
    if (last === FRAME.bad) break;
  }
  return { found, last };
}

const samples: [name: string, message: Buffer][] = [
  ["Query", ask.query("select 1")],
  ["Sync, which has no body", ask.sync()],
  ["DataRow", writer.dataRow(["a", null, "b"])],
  ["ReadyForQuery", writer.readyForQuery("T")],
  ["a body of 70 000 bytes", ask.query("x".repeat(70_000))],
];

describe("FrameScanner", () => {
  for (const [name, message] of samples) {
    const want = `${String.fromCharCode(message[0] ?? 0)}${message.length}`;

    test(`finds ${name} whole and with a message after it`, () => {
      expect(scan([message]).found).toEqual([want]);
      expect(scan([Buffer.concat([message, ask.sync()])]).found).toEqual([want, "S5"]);
    });

    test(`finds ${name} cut in two at every byte`, () => {
      const both = Buffer.concat([message, ask.sync()]);
      const every = Math.max(1, Math.floor(both.length / 400));
      for (let at = 1; at < both.length; at += every) {
        expect(scan([both.subarray(0, at), both.subarray(at)]).found).toEqual([want, "S5"]);
      }
    });
  }

  test("finds the same messages however the stream is cut", () => {
    const parts = fc.array(fc.constantFrom(...samples.slice(0, 4).map(([, message]) => message)));
    fc.assert(
      fc.property(parts, cuts, (messages, places) => {
        const stream = Buffer.concat(messages);
        expect(scan(cut(stream, places))).toEqual(scan([stream]));
      }),
    );
  });

  const lengths = [
    // length, limit, fine, why
    [4, 100, true, "the shortest message"],
    [3, 100, false, "does not even count itself"],
    [0, 100, false, "zero"],
    [99, 100, true, "as long as max_packet_size"],
    [100, 100, false, "longer than max_packet_size"],
    [0x7fff_ffff, 2_147_483_648, true, "the largest that a signed number holds"],
    [0xffff_ffff, 2_147_483_647, false, "negative if it were signed"],
  ] as const;
  for (const [length, limit, fine, why] of lengths) {
    test(`length ${length}, limit ${limit} -> ${fine ? "message" : "bad"}: ${why}`, () => {
      const header = Buffer.from([0x51, 0, 0, 0, 0]);
      header.writeUInt32BE(length, 1);
      for (const chunks of [[header], [header.subarray(0, 2), header.subarray(2)]]) {
        const { found, last } = scan(chunks, limit);
        expect(found.length).toBe(fine ? 1 : 0);
        expect(last).toBe(fine ? FRAME.more : FRAME.bad);
      }
    });
  }

  test("unread goes back to in front of the header", () => {
    const scanner = new FrameScanner(LIMIT);
    const bytes = Buffer.concat([ask.sync(), ask.query("a")]);
    scanner.feed(bytes, 0, bytes.length);
    scanner.next();
    scanner.next();
    scanner.unread();
    expect(scanner.position).toBe(5);
    expect(scanner.next()).toBe(FRAME.message);
    expect(scanner.type).toBe("Q".charCodeAt(0));
  });
});

describe("MessageReader", () => {
  test("gives whole bodies however the stream is cut", () => {
    const message = fc.string({ maxLength: 300 }).map((sql) => ask.query(sql));
    fc.assert(
      fc.property(fc.array(message), cuts, (messages, places) => {
        const reader = new MessageReader(LIMIT);
        const bodies: Buffer[] = [];
        for (const chunk of cut(Buffer.concat(messages), places)) {
          reader.feed(chunk, 0, chunk.length);
          while (reader.next() === FRAME.message) bodies.push(reader.body);
          expect(reader.position).toBe(chunk.length);
        }
        expect(bodies).toEqual(messages.map((whole) => Buffer.from(whole.subarray(5))));
      }),
    );
  });
});
