/**
 * The package that speaks LDAP writes and reads texts as UTF-8. Names and passwords are bytes, see `wire/text.ts`;
 * those that are no UTF-8 are written and read here, in its stead.
 */
import type { Client } from "ldapts";
import { bytesOf, isPlain, textOf } from "../../wire/text.ts";

/** The parts of the package that are not public. Without them such bytes are lost, and nothing else is. */
interface Inside {
  _send?: (message: Message) => Promise<unknown>;
  messageParser?: Parser;
}
interface Parser {
  _getMessageFromProtocolOperation?: (
    id: number,
    operation: number,
    reader: Reader,
    details: unknown,
  ) => unknown;
}
interface Reader {
  readString(tag?: number, asBytes?: boolean): string | Buffer | null;
}
interface Message {
  writeMessage(writer: Writer): void;
}
interface Writer {
  writeString(text: string, tag?: number): void;
  writeBuffer(bytes: Buffer, tag: number): void;
}

/** The tag of a text without one. Source: X.690, 8.7. */
const OCTET_STRING = 4;

/** Has everything that the client sends and hears go byte for byte. */
export function keepBytes(client: Client): void {
  const inside = client as unknown as Inside;
  sendBytes(inside);
  if (inside.messageParser !== undefined) hearBytes(inside.messageParser);
}

function hearBytes(parser: Parser): void {
  const read = parser._getMessageFromProtocolOperation;
  if (read === undefined) return;
  parser._getMessageFromProtocolOperation = (id, operation, reader, details) =>
    read.call(parser, id, operation, fromBytes(reader), details);
}

/** Readers of all messages of a piece that came, not of one. */
const changed = new WeakSet<Reader>();

function fromBytes(reader: Reader): Reader {
  if (changed.has(reader)) return reader;
  changed.add(reader);
  const usual = reader.readString;
  reader.readString = (tag, asBytes) => {
    const found = usual.call(reader, tag, true);
    return asBytes || !Buffer.isBuffer(found) ? found : textOf(found);
  };
  return reader;
}

function sendBytes(inside: Inside): void {
  const send = inside._send;
  if (send === undefined) return;
  inside._send = (message) => {
    const write = message.writeMessage;
    message.writeMessage = (writer) => write.call(message, inBytes(writer));
    return send.call(inside, message);
  };
}

function inBytes(writer: Writer): Writer {
  const usual = writer.writeString;
  writer.writeString = (text, tag = OCTET_STRING) => {
    if (isPlain(text)) usual.call(writer, text, tag);
    else writer.writeBuffer(bytesOf(text), tag);
  };
  return writer;
}

/** Bytes that a filter has as \XX; the package takes each for a character. Source: RFC 4515, 3. */
export const unescapedBytes = (filter: string): string =>
  filter.replace(/(?:\\[89a-f][\da-f])+/gi, (found) =>
    textOf(Buffer.from(found.replaceAll("\\", ""), "hex")),
  );
