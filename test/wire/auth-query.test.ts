/** What the answer to auth_query comes to, message by message, and through cut streams. */
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { expect, test } from "vitest";
import { AuthQuery, type AuthQueryResult } from "../../engine/wire/auth-query.ts";
import * as writer from "../../engine/wire/writer.ts";
import { cut, cuts } from "./bytes.ts";

const columns = (...names: string[]) =>
  writer.rowDescription(names.map((name) => ({ name, type: "text" })));
const row = writer.dataRow;
const done = [writer.commandComplete("SELECT 1"), writer.readyForQuery("I")];
const message = (letter: string, ...bytes: number[]) =>
  writer.message(letter.charCodeAt(0), Buffer.from(bytes));

function answer(messages: readonly Buffer[], places: readonly number[] = []) {
  const query = new AuthQuery("select", "joe");
  let result: AuthQueryResult | undefined;
  for (const piece of cut(Buffer.concat(messages), places))
    result ??= query.feed(piece, 0, piece.length);
  return result;
}

const two = columns("usename", "passwd");
const failed = (text: string) => ({ kind: "failed", text, detail: undefined });

test.each([
  ["a row", [two, row(["joe", "md5x"]), ...done], { kind: "found", user: "joe", secret: "md5x" }],
  ["no row", [two, ...done], { kind: "none" }],
  [
    "two rows",
    [two, row(["joe", "a"]), row(["joe", "b"]), ...done],
    { kind: "found", user: "joe", secret: "b" },
  ],
  ["another name", [two, row(["Joe", "a"]), ...done], { kind: "found", user: "Joe", secret: "a" }],
  [
    "NULL for the secret: nothing fits it",
    [two, row(["joe", null]), ...done],
    { kind: "found", user: "joe", secret: "md5" },
  ],
  [
    "NULL for the name",
    [two, row([null, "x"])],
    failed("auth_query response contained null user name"),
  ],
  ["one column", [columns("passwd")], failed("expected 2 columns from auth_query, not 1")],
  [
    "a row of three",
    [two, row(["a", "b", "c"])],
    failed("expected 2 columns from auth_query, not 3"),
  ],
  [
    "an error",
    [writer.errorResponse("ERROR", "42P01", "no such table")],
    { kind: "failed", text: "error response from auth_query", detail: "ERROR: no such table" },
  ],
  ["an empty query", [message("I")], failed("unexpected response from auth_query")],
  ["COPY", [message("H", 0, 0, 0)], failed("unexpected response from auth_query")],
  [
    "a notice on the way",
    [writer.noticeResponse("hm"), two, row(["joe", "a"]), ...done],
    { kind: "found", user: "joe", secret: "a" },
  ],
  ["a short row", [two, message("D", 0, 2, 0, 0, 0, 9, 65)], failed("bad packet")],
  ["half a row", [two, message("D", 0, 2, 0, 0, 0, 1, 65, 0)], failed("bad packet")],
  ["a length below -1", [two, message("D", 0, 2, 255, 255, 255, 254)], failed("bad packet")],
  ["not yet everything", [two, row(["joe", "a"])], undefined],
])("%s", (_, messages, want) => {
  expect(answer(messages)).toEqual(want);
});

test("it is the same however the bytes come", () => {
  const messages = [message("1"), message("2"), two, row(["joe", "a".repeat(300)]), ...done];
  const want = answer(messages);
  fc.assert(
    fc.property(cuts, (places) => {
      expect(answer(messages, places)).toEqual(want);
    }),
  );
});

test("the question is one parameterised query", () => {
  const { question } = new AuthQuery("select $1", "joe");
  expect(question).toEqual(writer.extendedQuery("select $1", ["joe"]));
});
