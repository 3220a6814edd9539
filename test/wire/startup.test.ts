/** First packets and startup parameters: one row per rule of PgBouncer's. */
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseOptions } from "../../engine/wire/options.ts";
import { FirstPacketReader, parseStartup, type StartupRules } from "../../engine/wire/startup.ts";
import { cancelRequest, sslRequest, startupMessage } from "../../engine/wire/writer.ts";
import { cut, cuts, messagesOf } from "./bytes.ts";
import { NAMES } from "./world.ts";

const rules: StartupRules = {
  names: NAMES,
  ignored: new Set(["extra_float_digits"]),
  peer: undefined,
};
const packet = (code: number, body = Buffer.alloc(0)): Buffer => {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + body.length, 0);
  head.writeUInt32BE(code, 4);
  return Buffer.concat([head, body]);
};
const key = Buffer.from("0102030405060708", "hex");
const joe = startupMessage([["user", "joe"]]);

/** What a reader makes of chunks. */
function first(chunks: readonly Buffer[], limit = 1_000_000) {
  const reader = new FirstPacketReader(limit);
  for (const chunk of chunks) {
    const found = reader.feed(chunk, 0, chunk.length);
    if (found !== undefined) return found;
  }
  return undefined;
}

const packets: [name: string, bytes: Buffer, want: object][] = [
  ["SSLRequest", sslRequest(), { kind: "ssl" }],
  ["GSSENCRequest", packet(80_877_104), { kind: "gss" }],
  ["CancelRequest", cancelRequest(key), { kind: "cancel", body: key }],
  ["StartupMessage 3.0", joe, { kind: "parameters", minor: 0 }],
  ["StartupMessage 3.2", packet(0x3_0002), { kind: "parameters", minor: 2 }],
  [
    "protocol 2",
    packet(0x2_0000),
    { kind: "refused", told: true, text: "old V2 protocol not supported" },
  ],
  [
    "protocol 4",
    packet(0x4_0000),
    { kind: "refused", text: "bad packet header: '0000000800040000'" },
  ],
  ["a length of 7", Buffer.from("0000000704d2162f", "hex"), { kind: "refused", told: true }],
  ["a length of 65536", Buffer.from("0001000000030000", "hex"), { kind: "refused", told: true }],
  [
    "a typed message",
    Buffer.from("Q\0\0\0\x09a;b;\0", "latin1"),
    { kind: "refused", told: false, text: "bad packet" },
  ],
  [
    "a password",
    Buffer.from("p\0\0\0\x09word\0", "latin1"),
    { kind: "refused", told: true, text: "client password pkt before startup packet" },
  ],
];

describe("FirstPacketReader", () => {
  for (const [name, bytes, want] of packets) {
    test(`${name}: whole, cut at every byte, and with bytes after it`, () => {
      expect(first([bytes])).toMatchObject(want);
      expect(first(Array.from(bytes, (byte) => Buffer.from([byte])))).toMatchObject(want);
      const reader = new FirstPacketReader(1_000_000);
      const more = Buffer.concat([bytes, Buffer.from("more")]);
      expect(reader.feed(more, 0, more.length)).toMatchObject(want);
      if (!("told" in want) && name !== "protocol 4") expect(reader.consumed).toBe(bytes.length);
    });
  }

  for (const [name, bytes] of packets.filter(
    ([, { length }, want]) => length > 8 && "told" in want,
  )) {
    test(`${name}: nothing is said before all of it has come`, () => {
      expect(first([bytes.subarray(0, -1)])).toBeUndefined();
    });
  }

  test("no bytes make it throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), cuts, (bytes, places) => {
        for (const start of [[], [0, 0], [0, 0, 0, 60, 0, 3, 0, 0]]) {
          first(cut(Buffer.from([...start, ...bytes]), places));
        }
      }),
    );
  });
});

/** Parameters as pairs, without the terminator that the caller may want to leave out. */
const body = (pairs: Record<string, string>, end = "\0"): Buffer =>
  Buffer.from(
    `${Object.entries(pairs)
      .flat()
      .map((text) => `${text}\0`)
      .join("")}${end}`,
  );
const read = (pairs: Record<string, string>, changed: Partial<StartupRules> = {}, minor = 0) =>
  parseStartup(body(pairs), minor, { ...rules, ...changed });

describe("parseStartup", () => {
  const refused: [pairs: Record<string, string>, text: string][] = [
    [{}, "no username supplied"],
    [{ user: "" }, "no username supplied"],
    [
      { user: "joe", ["x".repeat(200)]: "" },
      `unsupported startup parameter: ${"x".repeat(127 - 31)}`,
    ],
    [{ user: "joe", search_path: "a" }, "unsupported startup parameter: search_path"],
    [{ user: "joe", options: "-c a=b" }, "unsupported startup parameter in options: a"],
    [
      { user: "joe", options: "-d 5" },
      "unsupported options startup parameter: only '-c config=val' and '--config=val' are allowed",
    ],
  ];
  for (const [pairs, text] of refused) {
    test(`${JSON.stringify(pairs).slice(0, 60)} -> ${text}`, () => {
      expect(read(pairs)).toMatchObject({ kind: "refused", told: true, sqlstate: "08P01", text });
    });
  }

  for (const end of ["", "\0\0", "a"]) {
    test(`a list that ends in ${JSON.stringify(end)} is refused`, () => {
      const text = "invalid startup packet layout: expected terminator as last byte";
      expect(parseStartup(body({ user: "joe" }, end), 0, rules)).toMatchObject({ text });
    });
  }

  const values: [
    pairs: Record<string, string>,
    name: string,
    value: string | undefined,
    why: string,
  ][] = [
    [{ client_encoding: "UTF8" }, "client_encoding", "UTF8", "tracked"],
    [{ DATESTYLE: "ISO" }, "DateStyle", "ISO", "case does not matter"],
    [{ options: "-c TimeZone=UTC" }, "TimeZone", "UTC", "tracked, in options"],
    [{ options: "-cTimeZone=UTC --datestyle=ISO" }, "DateStyle", "ISO", "both forms"],
    [{ options: "-c DateStyle=ISO,\\ MDY" }, "DateStyle", "ISO, MDY", "an escaped space"],
    [{ options: "-c extra_float_digits=3" }, "DateStyle", undefined, "ignored, in options"],
    [{ extra_float_digits: "3" }, "DateStyle", undefined, "ignored"],
    [{ application_name: "psql" }, "application_name", "psql", "as it is"],
  ];
  for (const [pairs, name, value, why] of values) {
    test(`${JSON.stringify(pairs)}: ${why}`, () => {
      const startup = read({ user: "joe", ...pairs });
      expect(startup.kind === "startup" ? startup.variables.value(name) : startup).toBe(value);
    });
  }

  test("application_name_add_host adds the client's address, or makes a name up", () => {
    for (const [pairs, want] of [
      [{ user: "joe", application_name: "psql" }, "psql - 10.0.0.1:5000"],
      [{ user: "joe" }, "app - 10.0.0.1:5000"],
    ] as const) {
      const startup = read(pairs, { peer: "10.0.0.1:5000" });
      expect(startup.kind === "startup" && startup.variables.value("application_name")).toBe(want);
    }
  });

  test("the database is the user's name unless it is given", () => {
    expect(read({ user: "joe" })).toMatchObject({ user: "joe", database: "joe" });
    expect(read({ user: "joe", database: "p1" })).toMatchObject({ user: "joe", database: "p1" });
  });

  const replications = [
    ["database", "logical"],
    ["true", "physical"],
    ["1", "physical"],
    ["On", "physical"],
    ["off", "no"],
    ["nonsense", "no"],
    ["TRUE", "physical"],
    ["DATABASE", "no"],
  ] as const;
  for (const [value, replication] of replications) {
    test(`replication=${value} is ${replication}`, () => {
      expect(read({ user: "joe", replication: value })).toMatchObject({ replication });
    });
  }

  test("a replication connection may have any options, wherever they stand", () => {
    const startup = read({ options: "-d 5", user: "joe", replication: "database" });
    expect(startup).toMatchObject({ kind: "startup", options: "-d 5" });
  });

  test("protocol 3.2 and _pq_ options are negotiated down", () => {
    for (const [startup, unknown] of [
      [read({ user: "joe" }, {}, 2), 0],
      [read({ user: "joe", "_pq_.a": "1" }), 1],
    ] as const) {
      if (startup.kind !== "startup" || startup.negotiate === undefined) throw new Error("refused");
      const [message] = messagesOf(startup.negotiate);
      expect(message?.type).toBe("v");
      expect(message?.body.readUInt32BE(4)).toBe(unknown);
    }
    expect(read({ user: "joe" })).toMatchObject({ negotiate: undefined });
  });
});

describe("parseOptions", () => {
  const cases: [text: string, want: [string, string][] | undefined][] = [
    ["", []],
    ["  ", undefined],
    ["-c a=b", [["a", "b"]]],
    ["-ca=b", [["a", "b"]]],
    ["--a=b", [["a", "b"]]],
    ["-- a=b", undefined],
    ["-c a=b=c", [["a", "b=c"]]],
    ["\t-c\ta=b", [["a", "b"]]],
    ["-c a=b ", undefined],
    ["-c a=x\\ y\\\\", [["a", "x y\\"]]],
    ["-c a=x\\", [["a", "x"]]],
    ["-c a", undefined],
    ["-c", undefined],
    ["a=b", undefined],
    ["-x", undefined],
    [
      "-c a=b -c c=d",
      [
        ["a", "b"],
        ["c", "d"],
      ],
    ],
  ];
  for (const [text, want] of cases) {
    test(`${JSON.stringify(text)} -> ${JSON.stringify(want)}`, () => {
      expect(parseOptions(text)).toEqual(want);
    });
  }
});
