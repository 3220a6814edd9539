/**
 * auth_query: the question to the server, and what its answer comes to. Bytes in, a result out.
 * Source: PgBouncer 1.25.2 src/client.c, handle_auth_query_response().
 */
import type { Buffer } from "node:buffer";
import { complaintOf } from "./complaint.ts";
import { FRAME, MessageReader } from "./frames.ts";
import { BACKEND } from "./messages.ts";
import { textOf } from "./text.ts";
import { extendedQuery } from "./writer.ts";

/** What the server stores of the user. A secret that is NULL there is one that nothing fits. */
export type AuthQueryResult =
  | { kind: "found"; user: string; secret: string }
  | { kind: "none" }
  /** The server is to be closed for the reason `text`; `detail` are its own words, for the log. */
  | { kind: "failed"; text: string; detail: string | undefined };

/** Bytes of the largest message in the answer; the longest secret has 65 530. */
const LARGEST = 80 * 1024;
/** The secret in place of NULL: an MD5 secret without a hash. */
const IMPOSSIBLE = "md5";

/** Messages of the answer that say nothing of interest. */
const PASSED: ReadonlySet<number> = new Set([
  BACKEND.noticeResponse,
  BACKEND.commandComplete,
  BACKEND.parseComplete,
  BACKEND.bindComplete,
  BACKEND.parameterStatus,
]);

export class AuthQuery {
  /** The question: to be sent. */
  readonly question: Buffer;
  private readonly reader = new MessageReader(LARGEST);
  private found: AuthQueryResult = { kind: "none" };

  /** `sql` has `$1` for the name of the user. */
  constructor(sql: string, user: string) {
    this.question = extendedQuery(sql, [user]);
  }

  /** Takes bytes of the server; undefined: more are needed. After a result no more may be fed. */
  feed(buffer: Buffer, start: number, end: number): AuthQueryResult | undefined {
    this.reader.feed(buffer, start, end);
    for (;;) {
      const found = this.reader.next();
      if (found === FRAME.more) return undefined;
      if (found === FRAME.bad) return failed("bad packet header");
      const result = this.message(this.reader.type, this.reader.body);
      if (result !== undefined) return result;
    }
  }

  private message(type: number, body: Buffer): AuthQueryResult | undefined {
    switch (type) {
      case BACKEND.rowDescription:
        return columnsRefused(body);
      case BACKEND.dataRow:
        return this.row(body);
      case BACKEND.readyForQuery:
        return this.found;
      case BACKEND.errorResponse:
        return failed("error response from auth_query", complaintOf(body));
      default:
        return PASSED.has(type) ? undefined : failed("unexpected response from auth_query");
    }
  }

  /** Of several rows the last one holds. */
  private row(body: Buffer): AuthQueryResult | undefined {
    const refused = columnsRefused(body);
    if (refused !== undefined) return refused;
    const user = textAt(body, 2);
    if (user === undefined) return failed("bad packet");
    if (user.text === null) return failed("auth_query response contained null user name");
    const secret = textAt(body, user.end);
    if (secret === undefined) return failed("bad packet");
    this.found = { kind: "found", user: user.text, secret: secret.text ?? IMPOSSIBLE };
    return undefined;
  }
}

function columnsRefused(body: Buffer): AuthQueryResult | undefined {
  if (body.length < 2) return failed("bad packet");
  const columns = body.readUInt16BE(0);
  if (columns === 2) return undefined;
  return failed(`expected 2 columns from auth_query, not ${columns}`);
}

/** The value that begins at `at`, and where it ends; undefined: the row is too short for it. */
function textAt(body: Buffer, at: number): { text: string | null; end: number } | undefined {
  if (body.length < at + 4) return undefined;
  const length = body.readInt32BE(at);
  if (length === -1) return { text: null, end: at + 4 };
  const end = at + 4 + length;
  if (length < 0 || body.length < end) return undefined;
  return { text: textOf(body, at + 4, end), end };
}

function failed(text: string, detail?: string): AuthQueryResult {
  return { kind: "failed", text, detail };
}
