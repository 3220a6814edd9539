/** What the writer makes, read by a parser that is not ours: that of pg-protocol. */
import { Buffer } from "node:buffer";
import { Parser } from "pg-protocol/dist/parser.js";
import { describe, expect, test } from "vitest";
import * as writer from "../../engine/wire/writer.ts";
import { ask, messagesOf } from "./bytes.ts";

/** The messages as pg-protocol understands them, as plain objects. */
function read(bytes: Buffer): Record<string, unknown>[] {
  const found: Record<string, unknown>[] = [];
  new Parser().parse(bytes, (message) => {
    // The text of an error is not among the properties that a copy takes along.
    const text = message instanceof Error ? { message: message.message } : {};
    found.push({ ...message, ...text });
  });
  return found;
}

const key = Buffer.from("0102030405060708", "hex");

const messages: [name: string, bytes: Buffer, want: Record<string, unknown>][] = [
  ["AuthenticationOk", writer.authenticationOk(), { name: "authenticationOk" }],
  [
    "AuthenticationCleartextPassword",
    writer.authenticationCleartext(),
    { name: "authenticationCleartextPassword" },
  ],
  [
    "AuthenticationMD5Password",
    writer.authenticationMd5(Buffer.from("salt")),
    { name: "authenticationMD5Password", salt: Buffer.from("salt") },
  ],
  [
    "AuthenticationSASL",
    writer.authenticationSasl(["SCRAM-SHA-256"]),
    { name: "authenticationSASL", mechanisms: ["SCRAM-SHA-256"] },
  ],
  [
    "AuthenticationSASLContinue",
    writer.authenticationSaslContinue("r=a,s=b"),
    { name: "authenticationSASLContinue", data: "r=a,s=b" },
  ],
  [
    "AuthenticationSASLFinal",
    writer.authenticationSaslFinal("v=a"),
    { name: "authenticationSASLFinal", data: "v=a" },
  ],
  [
    "ParameterStatus",
    writer.parameterStatus("TimeZone", "Europe/Zürich"),
    { name: "parameterStatus", parameterName: "TimeZone", parameterValue: "Europe/Zürich" },
  ],
  [
    "BackendKeyData",
    writer.backendKeyData(key),
    { name: "backendKeyData", processID: 0x01020304, secretKey: 0x05060708 },
  ],
  ["ReadyForQuery", writer.readyForQuery("E"), { name: "readyForQuery", status: "E" }],
  [
    "ErrorResponse",
    writer.errorResponse("FATAL", "08P01", "query_wait_timeout"),
    { name: "error", severity: "FATAL", code: "08P01", message: "query_wait_timeout" },
  ],
  [
    "NoticeResponse",
    writer.noticeResponse("Console usage", "SHOW HELP"),
    {
      name: "notice",
      severity: "NOTICE",
      code: "00000",
      message: "Console usage",
      detail: "SHOW HELP",
    },
  ],
  ["CommandComplete", writer.commandComplete("SHOW"), { name: "commandComplete", text: "SHOW" }],
  ["ParseComplete", writer.parseComplete(), { name: "parseComplete" }],
  ["CloseComplete", writer.closeComplete(), { name: "closeComplete" }],
  [
    "DataRow",
    writer.dataRow(["ü", null, 7, 9_007_199_254_740_993n, Buffer.from([1, 255]), ""]),
    { name: "dataRow", fields: ["ü", null, "7", "9007199254740993", "\\x01ff", ""] },
  ],
  [
    "a text with a NUL in it, which is left out",
    writer.commandComplete("A\0B"),
    { name: "commandComplete", text: "AB" },
  ],
];

describe("messages to clients", () => {
  for (const [name, bytes, want] of messages) {
    test(name, () => {
      expect(read(bytes)).toMatchObject([want]);
      expect(messagesOf(bytes).length).toBe(1);
      expect(bytes.readUInt32BE(1)).toBe(bytes.length - 1);
    });
  }

  test("RowDescription gives each type its object id and size", () => {
    const columns = [
      { name: "t", type: "text" },
      { name: "i", type: "int4" },
      { name: "q", type: "int8" },
      { name: "n", type: "numeric" },
      { name: "b", type: "bytea" },
    ] as const;
    const [description] = read(writer.rowDescription(columns));
    expect(description).toMatchObject({
      name: "rowDescription",
      fields: [
        { name: "t", dataTypeID: 25, dataTypeSize: -1, format: "text" },
        { name: "i", dataTypeID: 23, dataTypeSize: 4, format: "text" },
        { name: "q", dataTypeID: 20, dataTypeSize: 8, format: "text" },
        { name: "n", dataTypeID: 1700, dataTypeSize: -1, format: "text" },
        { name: "b", dataTypeID: 17, dataTypeSize: -1, format: "text" },
      ],
    });
  });

  test("NegotiateProtocolVersion names what we do not know", () => {
    const [message] = messagesOf(writer.negotiateProtocolVersion(0x3_0000, ["_pq_.a"]));
    expect(message).toEqual({
      type: "v",
      body: Buffer.from("00030000000000015f70715f2e6100", "hex"),
    });
  });

  test("a welcome is one message after another", () => {
    const welcome = Buffer.concat(messages.map(([, bytes]) => bytes));
    expect(read(welcome).map(({ name }) => name)).toEqual(messages.map(([, , { name }]) => name));
  });
});

describe("messages to servers", () => {
  test("StartupMessage has exactly the parameters given, in order", () => {
    const bytes = writer.startupMessage([
      ["database", "p1"],
      ["user", "joe"],
    ]);
    expect(bytes.readUInt32BE(0)).toBe(bytes.length);
    expect(bytes.readUInt32BE(4)).toBe(196_608);
    expect(bytes.toString("latin1", 8)).toBe("database\0p1\0user\0joe\0\0");
  });

  const requests: [name: string, bytes: Buffer, hex: string][] = [
    ["SSLRequest", writer.sslRequest(), "0000000804d2162f"],
    ["CancelRequest", writer.cancelRequest(key), "0000001004d2162e0102030405060708"],
    ["Sync", writer.sync(), "5300000004"],
    ["Terminate", writer.terminate(), "5800000004"],
    ["Query", writer.query("a"), "51000000066100"],
    ["PasswordMessage", writer.passwordMessage("a"), "70000000066100"],
    ["SASLResponse", writer.saslResponse("a"), "700000000561"],
    ["SASLInitialResponse", writer.saslInitialResponse("M", "a"), "700000000b4d000000000161"],
  ];
  for (const [name, bytes, hex] of requests) {
    test(name, () => expect(bytes.toString("hex")).toBe(hex));
  }

  test("a key with its highest bits set survives", () => {
    const high = Buffer.from("7fffffffffffffff", "hex");
    expect(writer.cancelRequest(high).subarray(8)).toEqual(high);
  });

  test("an extended query goes from Parse to Sync", () => {
    const types = messagesOf(writer.extendedQuery("select $1", ["a"])).map(({ type }) => type);
    expect(types.join("")).toBe("PBDES");
    expect(messagesOf(ask.query("a"))[0]?.type).toBe("Q");
  });
});
