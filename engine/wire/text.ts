/**
 * Texts of others, byte for byte. Names and values are bytes in whatever encoding a client or server has; those
 * that are no UTF-8 become lone surrogates (U+DC80 for byte 80, up to U+DCFF), which no UTF-8 can mean, and
 * bytes again on their way out. So equal texts are equal bytes. Source: PEP 383, which does the same.
 */
import { Buffer, isUtf8 } from "node:buffer";

/** With `u` a pair of surrogates is one character, and does not match. */
const LONE = /[\udc80-\udcff]/u;
const PIECES = /([\udc80-\udcff])/u;
const BASE = 0xdc00;

/** The text of bytes `start` to `end`. */
export function textOf(bytes: Buffer, start = 0, end = bytes.length): string {
  const text = bytes.toString("utf8", start, end);
  // Nothing has been replaced. Else it may be the replacement character itself that stands there.
  if (!text.includes("\ufffd")) return text;
  const part = bytes.subarray(start, end);
  return isUtf8(part) ? text : escaped(part);
}

/** The bytes that `textOf` has made this of; of any other text its UTF-8. */
export function bytesOf(text: string): Buffer {
  if (isPlain(text)) return Buffer.from(text);
  const pieces = text.split(PIECES);
  return Buffer.concat(
    pieces.map((piece, at) =>
      at % 2 === 0 ? Buffer.from(piece) : Buffer.from([piece.charCodeAt(0) - BASE]),
    ),
  );
}

/** Is it as many bytes, and the same, as any text of its kind? */
export const isPlain = (text: string): boolean => !LONE.test(text);

/** How many bytes `bytesOf` gives. */
export const sizeOf = (text: string): number =>
  isPlain(text) ? Buffer.byteLength(text) : bytesOf(text).length;

function escaped(bytes: Buffer): string {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at] as number;
    const end = at + lengthBy(first);
    const whole = end <= bytes.length && isUtf8(bytes.subarray(at, end));
    text += whole ? bytes.toString("utf8", at, end) : String.fromCharCode(BASE + first);
    at = whole ? end : at + 1;
  }
  return text;
}

/** Bytes of a character that begins with this one. */
function lengthBy(first: number): number {
  if (first < 0xc0) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}
