/**
 * Builders of the messages that a pooler sends itself: to clients as if it were a server, to servers
 * as if it were a client. The latter are made by `pg-protocol` wherever it has a serializer for them, and no
 * bytes of others go into them. None of this is on the hot path.
 * Source: https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
import { Buffer } from "node:buffer";
import { serialize } from "pg-protocol";
import { BACKEND, FRONTEND, HEADER } from "./messages.ts";
import { bytesOf, isPlain, sizeOf } from "./text.ts";

/** Types of the columns in SHOW results, with PostgreSQL's object ids and sizes for them. */
const COLUMN_TYPES = {
  text: { oid: 25, size: -1 },
  int4: { oid: 23, size: 4 },
  int8: { oid: 20, size: 8 },
  numeric: { oid: 1700, size: -1 },
  bytea: { oid: 17, size: -1 },
} as const;

export type ColumnType = keyof typeof COLUMN_TYPES;

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
}

/** A value of a row; a Buffer becomes a bytea in hexadecimal. */
export type Value = string | number | bigint | Buffer | null;

/** Protocol 3.0 as it stands in a StartupMessage. */
const PROTOCOL_3_0 = 196_608;
const AUTHENTICATION = { ok: 0, cleartext: 3, md5: 5, sasl: 10, continue: 11, final: 12 } as const;

export function authenticationOk(): Buffer {
  return message(BACKEND.authentication, int32(AUTHENTICATION.ok));
}

export function authenticationCleartext(): Buffer {
  return message(BACKEND.authentication, int32(AUTHENTICATION.cleartext));
}

/** `salt`: 4 random bytes. */
export function authenticationMd5(salt: Buffer): Buffer {
  return message(BACKEND.authentication, int32(AUTHENTICATION.md5), salt);
}

export function authenticationSasl(mechanisms: readonly string[]): Buffer {
  const names = mechanisms.map(cstring);
  return message(BACKEND.authentication, int32(AUTHENTICATION.sasl), ...names, cstring(""));
}

export function authenticationSaslContinue(data: string): Buffer {
  return message(BACKEND.authentication, int32(AUTHENTICATION.continue), Buffer.from(data));
}

export function authenticationSaslFinal(data: string): Buffer {
  return message(BACKEND.authentication, int32(AUTHENTICATION.final), Buffer.from(data));
}

export function parameterStatus(name: string, value: string): Buffer {
  return message(BACKEND.parameterStatus, cstrings(name, value));
}

/** `key`: process id and secret, 8 bytes. */
export function backendKeyData(key: Buffer): Buffer {
  return message(BACKEND.backendKeyData, key);
}

/** `newest`: the whole version number that we speak; `unknown`: `_pq_.` options that we do not. */
export function negotiateProtocolVersion(newest: number, unknown: readonly string[]): Buffer {
  const names = unknown.map(cstring);
  const counts = [int32(newest), int32(unknown.length)];
  return message(BACKEND.negotiateProtocolVersion, ...counts, ...names);
}

export function readyForQuery(status: "I" | "T" | "E" = "I"): Buffer {
  return message(BACKEND.readyForQuery, Buffer.from(status));
}

/** PgBouncer sends severity, SQLSTATE and text, and no other field. */
export function errorResponse(severity: "ERROR" | "FATAL", sqlstate: string, text: string): Buffer {
  const fields = [`S${severity}`, `C${sqlstate}`, `M${text}`, ""];
  return message(BACKEND.errorResponse, ...fields.map(cstring));
}

export function noticeResponse(notice: string, detail?: string): Buffer {
  const fields = ["SNOTICE", "C00000", `M${notice}`];
  if (detail !== undefined) fields.push(`D${detail}`);
  return message(BACKEND.noticeResponse, ...fields.map(cstring), cstring(""));
}

export function rowDescription(columns: readonly Column[]): Buffer {
  const described = columns.map(({ name, type }) => {
    const { oid, size } = COLUMN_TYPES[type];
    // No table, no column number, then type, size, no modifier, text format.
    return Buffer.concat([
      cstring(name),
      int32(0),
      int16(0),
      int32(oid),
      int16(size),
      int32(-1),
      int16(0),
    ]);
  });
  return message(BACKEND.rowDescription, int16(columns.length), ...described);
}

export function dataRow(values: readonly Value[]): Buffer {
  const texts = values.map(textOf);
  const plain = values.every((value) => typeof value !== "string" || isPlain(value));
  const measure: (text: string) => number = plain ? Buffer.byteLength : sizeOf;
  let size = HEADER + 2;
  for (const text of texts) size += 4 + (text === null ? 0 : measure(text));
  const bytes = Buffer.allocUnsafe(size);
  bytes[0] = BACKEND.dataRow;
  bytes.writeUInt32BE(size - 1, 1);
  bytes.writeInt16BE(values.length, HEADER);
  let at = HEADER + 2;
  for (const text of texts) {
    const length = text === null ? -1 : put(text, bytes, at + 4, plain);
    bytes.writeInt32BE(length, at);
    at += 4 + Math.max(0, length);
  }
  return bytes;
}

export function commandComplete(tag: string): Buffer {
  return message(BACKEND.commandComplete, cstring(tag));
}

export function parseComplete(): Buffer {
  return message(BACKEND.parseComplete);
}

export function closeComplete(): Buffer {
  return message(BACKEND.closeComplete);
}

export function sslRequest(): Buffer {
  return serialize.requestSsl();
}

/** Protocol 3.0 with exactly these parameters; `pg-protocol` would add client_encoding. */
export function startupMessage(parameters: readonly (readonly [string, string])[]): Buffer {
  const pairs = parameters.flatMap(([name, value]) => [cstring(name), cstring(value)]);
  const body = Buffer.concat([int32(PROTOCOL_3_0), ...pairs, cstring("")]);
  return Buffer.concat([int32(body.length + 4), body]);
}

export function passwordMessage(password: string): Buffer {
  return message(FRONTEND.password, cstring(password));
}

export function saslInitialResponse(mechanism: string, data: string): Buffer {
  return serialize.sendSASLInitialResponseMessage(mechanism, data);
}

export function saslResponse(data: string): Buffer {
  return serialize.sendSCRAMClientFinalMessage(data);
}

export function query(sql: string): Buffer {
  return message(FRONTEND.query, cstring(sql));
}

/** One parameterised query with the unnamed statement and portal, all results as text. */
export function extendedQuery(sql: string, values: readonly string[]): Buffer {
  return Buffer.concat([
    serialize.parse({ text: sql }),
    serialize.bind({ values: values.map((value) => (isPlain(value) ? value : bytesOf(value))) }),
    serialize.describe({ type: "P" }),
    serialize.execute(),
    serialize.sync(),
  ]);
}

export function sync(): Buffer {
  return serialize.sync();
}

export function terminate(): Buffer {
  return serialize.end();
}

/** `key`: process id and secret as they stood in BackendKeyData, 8 bytes. */
export function cancelRequest(key: Buffer): Buffer {
  return serialize.cancel(key.readInt32BE(0), key.readInt32BE(4));
}

/** A message of any type; for tests and for what has no builder of its own. */
export function message(type: number, ...parts: readonly Buffer[]): Buffer {
  const head = Buffer.allocUnsafe(HEADER);
  let size = HEADER;
  for (const part of parts) size += part.length;
  head[0] = type;
  head.writeUInt32BE(size - 1, 1);
  return Buffer.concat([head, ...parts], size);
}

/** Puts a text there; how many bytes it has. */
function put(text: string, target: Buffer, at: number, plain: boolean): number {
  return plain ? target.write(text, at) : bytesOf(text).copy(target, at);
}

function textOf(value: Value): string | null {
  if (value === null) return null;
  return Buffer.isBuffer(value) ? `\\x${value.toString("hex")}` : String(value);
}

/** A text with a NUL at its end. One within it would cut the message short, so it is left out. */
function cstring(value: string): Buffer {
  return bytesOf(ended(value));
}

/** Two of them: a client is told half a dozen such pairs when it comes in. */
function cstrings(first: string, second: string): Buffer {
  return bytesOf(ended(first) + ended(second));
}

function ended(value: string): string {
  return `${value.includes("\0") ? value.replaceAll("\0", "") : value}\0`;
}

function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int16(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeInt16BE(value);
  return bytes;
}
