/** Texts as bytes and back: nothing is lost, whatever the encoding. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { md5Secret } from "../../engine/wire/passwords.ts";
import { bytesOf, isPlain, sizeOf, textOf } from "../../engine/wire/text.ts";
import { dataRow, parameterStatus, query, startupMessage } from "../../engine/wire/writer.ts";

const latin = Buffer.from("café", "latin1");

describe("texts", () => {
  test("any bytes are the same bytes again, and as many as is told", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (raw) => {
        const bytes = Buffer.from(raw);
        const text = textOf(bytes);
        expect(bytesOf(text)).toEqual(bytes);
        expect(sizeOf(text)).toBe(bytes.length);
      }),
      { numRuns: 2_000 },
    );
  });

  test("any text is UTF-8 on its way out, and the same text again", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(bytesOf(text)).toEqual(Buffer.from(text));
        expect(textOf(Buffer.from(text))).toBe(text);
        expect(isPlain(text)).toBe(true);
      }),
    );
  });

  const cases: [hex: string, why: string][] = [
    ["efbfbd", "the replacement character, as somebody has written it"],
    ["efbfbdff", "the same beside a byte that is none"],
    ["f09f9880", "a character outside the first plane, whose second half looks like an escape"],
    ["f09f98", "a character that is cut"],
    ["edb280", "a surrogate in UTF-8, which is none"],
    ["c080", "an overlong NUL"],
  ];
  for (const [hex, why] of cases)
    test(`${hex}: ${why}`, () => {
      expect(bytesOf(textOf(Buffer.from(hex, "hex"))).toString("hex")).toBe(hex);
    });

  test("messages hold the bytes, and say how long they are", () => {
    const text = textOf(latin);
    expect(query(text)).toEqual(Buffer.concat([Buffer.from("Q\0\0\0\t"), latin, Buffer.from([0])]));
    expect(startupMessage([["user", text]])).toHaveLength(8 + 5 + 5 + 1);
    expect(
      parameterStatus(text, text).includes(Buffer.concat([latin, Buffer.from([0]), latin])),
    ).toBe(true);
    const row = dataRow([text, "x"]);
    expect(row.readUInt32BE(7)).toBe(4);
    expect(row.subarray(11, 15)).toEqual(latin);
    expect(row).toHaveLength(row.readUInt32BE(1) + 1);
  });

  test("an MD5 secret is that of the bytes", () => {
    const sum = createHash("md5")
      .update(Buffer.concat([latin, latin]))
      .digest("hex");
    expect(md5Secret(textOf(latin), textOf(latin))).toBe(`md5${sum}`);
  });
});
