/**
 * The package that speaks LDAP writes texts as UTF-8. Names and passwords are bytes, see `wire/text.ts`; those
 * that are no UTF-8 are written here, in its stead.
 */
import type { Client } from "ldapts";
import { bytesOf, isPlain, textOf } from "../../wire/text.ts";

/** The parts of the package that are not public. Without them such bytes are lost, and nothing else is. */
interface Inside {
  _send?: (message: Message) => Promise<unknown>;
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

/** Has everything that the client sends go byte for byte. */
export function sendBytes(client: Client): void {
  const inside = client as unknown as Inside;
  const send = inside._send;
  if (send === undefined) return;
  inside._send = (message) => {
    const write = message.writeMessage;
    message.writeMessage = (writer) => write.call(message, inBytes(writer));
    return send.call(client, message);
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
