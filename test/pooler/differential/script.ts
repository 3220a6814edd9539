/** A session of a few clients as plain data, which prints as it is written, and its bytes. */
import { FRONTEND } from "../../../engine/wire/messages.ts";
import { message } from "../../../engine/wire/writer.ts";

/** One message of a client that is in. */
export type Piece =
  | readonly ["query", sql: string]
  | readonly ["parse", name: string, sql: string, types?: readonly number[]]
  | readonly ["bind", portal: string, name: string, ...values: string[]]
  | readonly ["describe", kind: "S" | "P", name: string]
  | readonly ["execute", portal: string, limit: number]
  | readonly ["close", kind: "S" | "P", name: string]
  | readonly ["flush" | "sync" | "copyDone"]
  | readonly ["copyData", text: string]
  | readonly ["copyFail", reason: string]
  /** Object id of a function, and its arguments as text. */
  | readonly ["call", oid: number, ...values: string[]]
  /** A message of this type whose body is not what the type says. */
  | readonly ["odd", type: string, body: string];

/** What comes in front of the first message, or instead of it. */
export type Packet =
  | readonly ["ssl" | "gss"]
  | readonly ["startup", version: number, ...pairs: (readonly [string, string])[]]
  /** A first packet of any bytes, in hexadecimal. */
  | readonly ["bytes", hex: string];

export type Step =
  /** Connects, sends these, and waits until it is in or out. */
  | { who: number; packets: readonly Packet[]; cuts: readonly number[] }
  /** Sends these in one piece or, cut at `cuts`, in several, and waits for all answers; others may cancel it. */
  | { who: number; send: readonly Piece[]; cuts: readonly number[]; cancelled?: true }
  /** Sends these and leaves at once: with Terminate, without a word, or with bytes that are no message. */
  | { who: number; last: readonly Piece[]; leave: Leaving }
  /** A command for the console; the name of the database is put behind it. */
  | { tell: string };

/** `cut`: in the middle of a message. */
export type Leaving = "terminate" | "eof" | "unknown type" | "short length" | "too long" | "cut";

export interface Script {
  mode: "session" | "transaction" | "statement";
  /** max_prepared_statements. */
  prepared?: number;
  steps: readonly Step[];
}

/** What both poolers take for max_packet_size. */
export const MAX_PACKET_SIZE = 300_000;
/** Version 3.0 of the protocol as a startup packet has it. */
export const PROTOCOL = 0x3_0000;

const text = (value: string): Buffer => Buffer.from(`${value}\0`);
const int16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
const int32 = (value: number): Buffer => Buffer.from([value >> 24, value >> 16, value >> 8, value]);

/** Values in text format, as Bind and FunctionCall have them. */
function listed(values: readonly string[]): Buffer {
  const each = values.flatMap((value) => [int32(Buffer.byteLength(value)), Buffer.from(value)]);
  return Buffer.concat([int16(0), int16(values.length), ...each]);
}

/** The bytes of one message. */
export function bytesOf(piece: Piece): Buffer {
  switch (piece[0]) {
    case "query":
      return message(FRONTEND.query, text(piece[1]));
    case "parse": {
      const [, name, sql, types = []] = piece;
      const counted = [int16(types.length), ...types.map(int32)];
      return message(FRONTEND.parse, text(name), text(sql), ...counted);
    }
    case "bind": {
      const [, portal, name, ...values] = piece;
      return message(FRONTEND.bind, text(portal), text(name), listed(values), int16(0));
    }
    case "execute":
      return message(FRONTEND.execute, text(piece[1]), int32(piece[2]));
    case "describe":
    case "close":
      return message(FRONTEND[piece[0]], Buffer.from(piece[1]), text(piece[2]));
    case "copyData":
      return message(FRONTEND.copyData, Buffer.from(piece[1]));
    case "copyFail":
      return message(FRONTEND.copyFail, text(piece[1]));
    case "call": {
      const [, oid, ...values] = piece;
      return message(FRONTEND.functionCall, int32(oid), listed(values), int16(0));
    }
    case "odd":
      return message(piece[1].charCodeAt(0), Buffer.from(piece[2]));
    default:
      return message(FRONTEND[piece[0]]);
  }
}

/** The bytes of a first packet. */
export function packetBytes(packet: Packet): Buffer {
  switch (packet[0]) {
    case "ssl":
      return first(80_877_103);
    case "gss":
      return first(80_877_104);
    case "bytes":
      return Buffer.from(packet[1], "hex");
    case "startup": {
      const [, version, ...pairs] = packet;
      return first(version, ...pairs.flat().map(text), Buffer.alloc(1));
    }
  }
}

function first(code: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat([int32(code), ...parts]);
  return Buffer.concat([int32(body.length + 4), body]);
}

/** The last bytes of a client; empty where it says nothing. */
export function lastBytes(leave: Leaving): Buffer {
  switch (leave) {
    case "terminate":
      return message(FRONTEND.terminate);
    case "eof":
      return Buffer.alloc(0);
    case "unknown type":
      return message("z".charCodeAt(0), Buffer.from("what"));
    case "short length":
      return Buffer.from([FRONTEND.query, 0, 0, 0, 3, 0, 0, 0]);
    case "cut":
      return bytesOf(["query", "select 1"]).subarray(0, 9);
    case "too long":
      return Buffer.concat([Buffer.from([FRONTEND.query]), int32(MAX_PACKET_SIZE), int16(0)]);
  }
}
