/**
 * The part of PostgreSQL's protocol that the driver hears after login: rows, errors and
 * ReadyForQuery, cut out of a stream of bytes. Everything else is skipped unread.
 */
import { Buffer } from "node:buffer";
import { BACKEND, HEADER } from "../../engine/wire/messages.ts";

/** An error the server reported. */
export interface ServerError {
  sqlstate: string;
  text: string;
}

/** Reads the answers to simple queries. */
export class Answers {
  /** First column of the first row since `reset`, as a number; NaN when there was none. */
  stamp = Number.NaN;
  /** The first error since `reset`. */
  error: ServerError | undefined;
  /** Transaction status of the last ReadyForQuery: "I", "T" or "E". */
  status = "I";
  private readonly onReady: () => void;
  private rest: Buffer | undefined;

  /** `onReady` is called at every ReadyForQuery. */
  constructor(onReady: () => void) {
    this.onReady = onReady;
  }

  reset(): void {
    this.stamp = Number.NaN;
    this.error = undefined;
  }

  /** Takes `chunk[0, end)`; the chunk may be overwritten afterwards. */
  feed(chunk: Buffer, end: number): void {
    const whole = this.rest === undefined;
    const buffer = this.rest ? Buffer.concat([this.rest, chunk.subarray(0, end)]) : chunk;
    const length = whole ? end : buffer.length;
    this.rest = undefined;
    let at = 0;
    while (length - at >= HEADER) {
      const next = at + 1 + buffer.readUInt32BE(at + 1);
      if (next > length) break;
      this.message(buffer, at, next);
      at = next;
    }
    if (at < length) this.rest = Buffer.from(buffer.subarray(at, length));
  }

  private message(buffer: Buffer, at: number, end: number): void {
    const type = buffer[at];
    if (type === BACKEND.dataRow) this.row(buffer, at);
    else if (type === BACKEND.errorResponse) this.error ??= parseError(buffer, at + HEADER, end);
    else if (type === BACKEND.readyForQuery) {
      this.status = String.fromCharCode(buffer[at + HEADER] ?? 0);
      this.onReady();
    }
  }

  /** type, length (4), columns (2), length of the first column (4), its digits. */
  private row(buffer: Buffer, at: number): void {
    if (!Number.isNaN(this.stamp)) return;
    const from = at + 11;
    const size = buffer.readInt32BE(at + 7);
    let value = 0;
    for (let i = from; i < from + size; i++) value = value * 10 + (buffer[i] ?? 0) - ZERO;
    this.stamp = value;
  }
}

const ZERO = "0".charCodeAt(0);

/** Fields of an ErrorResponse: a letter, its text, zero; a zero letter ends them. */
function parseError(buffer: Buffer, from: number, end: number): ServerError {
  const fields = new Map<string, string>();
  for (const field of buffer.toString("utf8", from, end).split("\0"))
    if (field !== "") fields.set(field[0] ?? "", field.slice(1));
  return { sqlstate: fields.get("C") ?? "", text: fields.get("M") ?? "" };
}
