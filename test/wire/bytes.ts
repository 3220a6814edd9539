/** Bytes for the tests of the wire: messages, ways to cut them, sinks that remember. */
import { Buffer } from "node:buffer";
import fc from "fast-check";
import type { Sink } from "../../engine/wire/gather.ts";
import { BACKEND, FRONTEND } from "../../engine/wire/messages.ts";
import * as writer from "../../engine/wire/writer.ts";

const text = (value: string): Buffer => Buffer.from(`${value}\0`);
const int16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);

/** Messages of a client, by name. */
export const ask = {
  query: (sql: string) => writer.query(sql),
  parse: (name: string, sql: string) =>
    writer.message(FRONTEND.parse, text(name), text(sql), int16(0)),
  bind: (name: string, value = "1", portal = "") =>
    writer.message(
      FRONTEND.bind,
      text(portal),
      text(name),
      int16(0),
      int16(1),
      Buffer.from([0, 0, value.length >> 8, value.length & 0xff]),
      Buffer.from(value),
      int16(0),
    ),
  describe: (name: string) => writer.message(FRONTEND.describe, Buffer.from("S"), text(name)),
  describePortal: () => writer.message(FRONTEND.describe, Buffer.from("P"), text("")),
  close: (name: string) => writer.message(FRONTEND.close, Buffer.from("S"), text(name)),
  execute: () => writer.message(FRONTEND.execute, text(""), Buffer.alloc(4)),
  sync: () => writer.message(FRONTEND.sync),
  flush: () => writer.message(FRONTEND.flush),
  copyData: (data: string) => writer.message(FRONTEND.copyData, Buffer.from(data)),
  copyDone: () => writer.message(FRONTEND.copyDone),
  copyFail: () => writer.message(FRONTEND.copyFail, text("no")),
  functionCall: () => writer.message(FRONTEND.functionCall, Buffer.alloc(10)),
  terminate: () => writer.message(FRONTEND.terminate),
};

/** Messages of a server that the writer has no builder for. */
export const tell = {
  bindComplete: () => writer.message(BACKEND.bindComplete),
  noData: () => writer.message(BACKEND.noData),
  copyIn: () => writer.message(BACKEND.copyInResponse, Buffer.from([0, 0, 0])),
  parameterDescription: () => writer.message(BACKEND.parameterDescription, int16(0)),
  notification: () =>
    writer.message(BACKEND.notificationResponse, Buffer.alloc(4), text("c"), text("")),
};

/** Cuts `bytes` at the given places, which may be in any order and out of range. */
export function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const inside = places.map((place) => place % (bytes.length + 1));
  const borders = [0, ...new Set(inside.sort((a, b) => a - b)), bytes.length];
  return borders
    .slice(1)
    .map((to, index) => bytes.subarray(borders[index], to))
    .filter((piece) => piece.length > 0);
}

/** Where a stream is cut. */
export const cuts = fc.array(fc.nat(5_000), { maxLength: 40 });

/** Feeds a side of a login with `bytes`, cut at `places`; its last event. */
export function fed<Event>(
  login: { feed(bytes: Buffer, start: number, end: number): Event | undefined },
  bytes: Buffer,
  places: readonly number[] = [],
): Event | undefined {
  let event: Event | undefined;
  for (const piece of cut(bytes, places)) event = login.feed(piece, 0, piece.length) ?? event;
  return event;
}

/** A sink that keeps a copy of all that was written. */
export class Memory implements Sink {
  readonly pieces: Buffer[] = [];

  write(buffer: Buffer, start: number, end: number): void {
    this.pieces.push(Buffer.from(buffer.subarray(start, end)));
  }

  get bytes(): Buffer {
    return Buffer.concat(this.pieces);
  }

  /** All of it, and forgets it. */
  take(): Buffer {
    const { bytes } = this;
    this.pieces.length = 0;
    return bytes;
  }
}

/** The messages in a stream, as type letter and body; what is cut off at the end is left out. */
export function messagesOf(stream: Buffer): { type: string; body: Buffer }[] {
  const found: { type: string; body: Buffer }[] = [];
  let at = 0;
  while (at + 5 <= stream.length) {
    const end = at + 1 + stream.readUInt32BE(at + 1);
    if (end > stream.length) break;
    found.push({ type: String.fromCharCode(stream[at] ?? 0), body: stream.subarray(at + 5, end) });
    at = end;
  }
  return found;
}

/** The type letters in a stream. */
export function letters(stream: Buffer): string {
  return messagesOf(stream)
    .map(({ type }) => type)
    .join("");
}
