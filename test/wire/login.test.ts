/** Both logins: one against the other through cut streams, rules one by one, and nonsense. */
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type AuthMethod,
  ClientLogin,
  type ClientLoginOptions,
} from "../../engine/wire/client-login.ts";
import { md5Secret } from "../../engine/wire/passwords.ts";
import { deriveSecret, formatSecret, type ScramKeys } from "../../engine/wire/scram.ts";
import {
  ServerLogin,
  type ServerLoginEvent,
  type ServerLoginOptions,
} from "../../engine/wire/server-login.ts";
import * as writer from "../../engine/wire/writer.ts";
import { cuts, fed, letters } from "./bytes.ts";
import { NAMES } from "./world.ts";

let counter = 0;
const random = (bytes: number): Buffer => Buffer.alloc(bytes, ++counter);

const clientOptions: ClientLoginOptions = {
  tls: "no",
  rules: { names: NAMES, ignored: new Set(), peer: undefined },
  maxPacketSize: 2_147_483_647,
  random,
  scramIterations: 5,
  mockKey: Buffer.from("mock"),
};
const serverOptions: ServerLoginOptions = {
  tls: "no",
  user: "joe",
  parameters: [["database", "p1"]],
  secret: "secret",
  scramKeys: undefined,
  connectQuery: undefined,
  maxPacketSize: 2_147_483_647,
  random,
};
const scramSecret = formatSecret(deriveSecret("secret", Buffer.from("0123456789abcdef"), 5));

const take = (output: Buffer[]): Buffer => Buffer.concat(output.splice(0));
const welcome = Buffer.concat([
  writer.authenticationOk(),
  writer.parameterStatus("TimeZone", "UTC"),
  writer.backendKeyData(Buffer.from("12345678")),
  writer.readyForQuery(),
]);

/** Our login as a client against our login as a server: what each came to. */
function meet(
  method: AuthMethod,
  stored: string | undefined,
  ours: Partial<ServerLoginOptions>,
  places: readonly number[] = [],
) {
  const client = new ServerLogin({ ...serverOptions, ...ours });
  const server = new ClientLogin(clientOptions);
  client.start();
  let accepted = fed(server, take(client.output), places);
  if (accepted?.kind === "startup") {
    accepted = server.authenticate(method, { user: accepted.user, secret: stored });
  }
  let ended: ServerLoginEvent | undefined;
  for (let turn = 0; turn < 5 && ended === undefined && accepted === undefined; turn++) {
    ended = fed(client, take(server.output), places);
    const answer = take(client.output);
    if (answer.length > 0) accepted = fed(server, answer, places);
  }
  const rest = accepted?.kind === "authenticated" ? welcome : Buffer.alloc(0);
  ended ??= fed(client, Buffer.concat([take(server.output), rest]), places);
  return { accepted, ended };
}

describe("our client against our server", () => {
  const cases: [
    method: AuthMethod,
    stored: string | undefined,
    secret: string,
    text: string | true,
  ][] = [
    ["any", undefined, "", true],
    ["trust", "", "", true],
    ["trust", undefined, "", '"trust" authentication failed'],
    ["plain", "secret", "secret", true],
    ["plain", md5Secret("secret", "joe"), "secret", true],
    ["plain", scramSecret, "secret", true],
    ["plain", "other", "secret", "password authentication failed"],
    ["plain", undefined, "secret", "password authentication failed"],
    ["plain", "secret", "", "empty password returned by client"],
    ["md5", "secret", "secret", true],
    ["md5", "secret", md5Secret("secret", "joe"), true],
    ["md5", md5Secret("secret", "joe"), "secret", true],
    ["md5", "other", "secret", "password authentication failed"],
    ["md5", undefined, "secret", "password authentication failed"],
    ["md5", scramSecret, "secret", true],
    ["scram-sha-256", "secret", "secret", true],
    ["scram-sha-256", scramSecret, "secret", true],
    ["scram-sha-256", "other", "secret", "SASL authentication failed"],
    ["scram-sha-256", "", "secret", "SASL authentication failed"],
    ["scram-sha-256", undefined, "secret", "SASL authentication failed"],
    ["scram-sha-256", md5Secret("secret", "joe"), "secret", "SASL authentication failed"],
  ];
  for (const [method, stored, secret, want] of cases) {
    test(`${method}, stored ${stored?.slice(0, 6)}, sent ${secret.slice(0, 6)} -> ${want}`, () => {
      fc.assert(
        fc.property(cuts, (places) => {
          const { accepted, ended } = meet(method, stored, { secret }, places);
          if (want === true) {
            expect(accepted?.kind).toBe("authenticated");
            expect(ended).toEqual({
              kind: "ready",
              parameters: [["TimeZone", "UTC"]],
              key: Buffer.from("12345678"),
            });
          } else {
            expect(accepted).toMatchObject({
              kind: "refused",
              told: true,
              sqlstate: "08P01",
              text: want,
            });
          }
        }),
        { numRuns: 20 },
      );
    });
  }

  test("keys learnt from a client open a server with the same secret", () => {
    const { accepted } = meet("scram-sha-256", scramSecret, {});
    const keys = accepted?.kind === "authenticated" ? accepted.scramKeys : undefined;
    expect(keys).toBeDefined();
    const through = { secret: scramSecret, scramKeys: keys as ScramKeys };
    expect(meet("scram-sha-256", scramSecret, through).ended?.kind).toBe("ready");
    expect(meet("scram-sha-256", "secret", {}).accepted).toMatchObject({ scramKeys: undefined });
  });

  test("passwords of 65530 bytes are taken", () => {
    const secret = "x".repeat(65_530);
    expect(meet("plain", secret, { secret }).accepted?.kind).toBe("authenticated");
  });
});

describe("ClientLogin", () => {
  const gss = Buffer.from("0000000804d21630", "hex");
  const startup = writer.startupMessage([["user", "joe"]]);
  const ssl = writer.sslRequest();

  test("refuses TLS and GSS by N where they are not offered, and goes on", () => {
    const login = new ClientLogin(clientOptions);
    expect(fed(login, ssl)).toBeUndefined();
    expect(fed(login, gss)).toBeUndefined();
    expect(take(login.output).toString()).toBe("NN");
    expect(fed(login, startup)?.kind).toBe("startup");
  });

  test("offers TLS by S, and takes the startup after the handshake", () => {
    const login = new ClientLogin({ ...clientOptions, tls: "required" });
    expect(fed(login, ssl)?.kind).toBe("tls");
    expect(take(login.output).toString()).toBe("S");
    login.secured();
    expect(fed(login, startup)?.kind).toBe("startup");
  });

  test("stops at the startup: what follows is fed again later", () => {
    const login = new ClientLogin(clientOptions);
    const both = Buffer.concat([startup, writer.passwordMessage("secret")]);
    expect(login.feed(both, 0, both.length)?.kind).toBe("startup");
    expect(login.consumed).toBe(startup.length);
    login.authenticate("plain", { user: "joe", secret: "secret" });
    expect(login.feed(both, login.consumed, both.length)?.kind).toBe("authenticated");
    expect(login.consumed).toBe(both.length);
  });

  test("hands over the key of a cancel request", () => {
    const key = Buffer.from("0102030405060708", "hex");
    const login = new ClientLogin(clientOptions);
    expect(fed(login, writer.cancelRequest(key))).toEqual({ kind: "cancel", key });
  });

  const refusals: [
    name: string,
    tls: "no" | "offered" | "required",
    bytes: Buffer,
    text: string,
  ][] = [
    [
      "bytes after SSLRequest",
      "offered",
      Buffer.concat([ssl, startup]),
      "received unencrypted data after SSL request",
    ],
    [
      "bytes after GSSENCRequest",
      "no",
      Buffer.concat([gss, startup]),
      "received unencrypted data after GSSAPI encryption request",
    ],
    ["a startup without TLS where it is required", "required", startup, "SSL required"],
    [
      "a short cancel request",
      "no",
      Buffer.from("0000000c04d2162e01020304", "hex"),
      "bad cancel request",
    ],
  ];
  for (const [name, tls, bytes, text] of refusals) {
    test(`${name}: ${text}`, () => {
      const login = new ClientLogin({ ...clientOptions, tls });
      expect(fed(login, bytes)).toMatchObject({ kind: "refused", text });
    });
  }

  test("the mechanism must be the one that was offered", () => {
    const login = new ClientLogin(clientOptions);
    fed(login, startup);
    login.authenticate("scram-sha-256", { user: "joe", secret: "secret" });
    const text = "client selected an invalid SASL authentication mechanism";
    expect(fed(login, writer.saslInitialResponse("PLAIN", "a"))).toMatchObject({ text });
  });

  test("no bytes make it throw, in any state", () => {
    const methods = fc.constantFrom<AuthMethod>("plain", "md5", "scram-sha-256");
    fc.assert(
      fc.property(
        methods,
        fc.uint8Array({ maxLength: 80 }),
        cuts,
        fc.boolean(),
        (method, bytes, places, framed) => {
          const login = new ClientLogin(clientOptions);
          fed(login, startup);
          login.authenticate(method, { user: "joe", secret: "secret" });
          const body = Buffer.from(bytes);
          fed(login, framed ? writer.message(0x70, body) : body, places);
          fed(new ClientLogin({ ...clientOptions, tls: "offered" }), body, places);
        },
      ),
    );
  });
});

describe("ServerLogin", () => {
  const begin = (options: Partial<ServerLoginOptions> = {}): ServerLogin => {
    const login = new ServerLogin({ ...serverOptions, ...options });
    login.start();
    return login;
  };

  test("runs connect_query and keeps its answer, errors too, to itself", () => {
    const login = begin({ connectQuery: "select 1" });
    take(login.output);
    expect(fed(login, welcome)).toBeUndefined();
    expect(letters(take(login.output))).toBe("Q");
    const answer = [
      writer.parameterStatus("TimeZone", "GMT"),
      writer.errorResponse("ERROR", "42601", "no"),
      writer.readyForQuery(),
    ];
    const event = fed(login, Buffer.concat(answer));
    expect(event).toMatchObject({ kind: "ready", parameters: [["TimeZone", "GMT"]] });
  });

  const tls: [mode: "preferred" | "required", answer: string, want: string][] = [
    ["preferred", "S", "tls"],
    ["required", "S", "tls"],
    ["preferred", "N", "startup"],
    ["required", "N", "server refused SSL"],
    ["preferred", "E", "bad sslreq answer"],
    ["preferred", "SX", "received unencrypted data after SSL response"],
  ];
  for (const [mode, answer, want] of tls) {
    test(`TLS ${mode}, answer ${answer} -> ${want}`, () => {
      const login = begin({ tls: mode });
      expect(take(login.output)).toEqual(writer.sslRequest());
      const event = fed(login, Buffer.from(answer));
      const started = login.output.length > 0 ? "startup" : undefined;
      expect(event?.kind === "failed" ? event.text : (event?.kind ?? started)).toBe(want);
    });
  }

  const wrongType = {
    fatal: true,
    text: "server login failed: wrong password type",
    reason: "failed to answer authreq",
  };
  const failures: [
    name: string,
    options: Partial<ServerLoginOptions>,
    bytes: Buffer,
    want: object,
  ][] = [
    [
      "an error of the server is passed on",
      {},
      writer.errorResponse("FATAL", "28P01", "password authentication failed"),
      { fatal: true, sqlstate: "28P01", text: "password authentication failed" },
    ],
    [
      "57P03 is not fatal: the server is only starting",
      {},
      writer.errorResponse("FATAL", "57P03", "the database system is starting up"),
      { fatal: false, sqlstate: "57P03" },
    ],
    [
      "a SCRAM secret cannot answer md5",
      { secret: scramSecret },
      writer.authenticationMd5(Buffer.alloc(4)),
      { ...wrongType, detail: "cannot do MD5 authentication: wrong password type" },
    ],
    [
      "an MD5 secret cannot answer SCRAM",
      { secret: md5Secret("a", "b") },
      writer.authenticationSasl(["SCRAM-SHA-256"]),
      { ...wrongType, detail: "cannot do SCRAM authentication: wrong password type" },
    ],
    [
      "a SCRAM secret without keys cannot answer SCRAM",
      { secret: scramSecret },
      writer.authenticationSasl(["SCRAM-SHA-256"]),
      { ...wrongType, detail: expect.stringContaining("did not provide SCRAM keys") },
    ],
    [
      "a method that there is not",
      {},
      Buffer.from("520000000800000002", "hex"),
      { fatal: false, detail: "unknown/unsupported auth method: 2" },
    ],
    ["an unknown mechanism", {}, writer.authenticationSasl(["OAUTHBEARER"]), { fatal: true }],
    [
      "SASL data out of turn",
      {},
      writer.authenticationSaslContinue("r=a"),
      { detail: "protocol error: AuthenticationSASLContinue without prior AuthenticationSASL" },
    ],
    [
      "AuthenticationOk in the middle of SCRAM",
      {},
      Buffer.concat([writer.authenticationSasl(["SCRAM-SHA-256"]), writer.authenticationOk()]),
      { fatal: false },
    ],
    ["ReadyForQuery before AuthenticationOk", {}, writer.readyForQuery(), { fatal: false }],
    [
      "an unknown message",
      {},
      writer.dataRow([]),
      { fatal: false, text: "unknown pkt from server", detail: "unknown pkt from server: 'D'" },
    ],
    [
      "a bad length",
      {},
      Buffer.from("5200000003", "hex"),
      { fatal: false, text: "bad pkt header" },
    ],
    [
      "a short key",
      {},
      writer.backendKeyData(Buffer.alloc(4)),
      { fatal: false, text: "bad cancel key" },
    ],
  ];
  for (const [name, options, bytes, want] of failures) {
    test(name, () => {
      expect(fed(begin(options), bytes)).toMatchObject({ kind: "failed", ...want });
    });
  }

  test("no bytes make it throw", () => {
    const types = fc.constantFrom(..."RSKZEN1".split("").map((letter) => letter.charCodeAt(0)));
    const body = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
    const message = fc.tuple(types, body).map(([type, bytes]) => writer.message(type, bytes));
    fc.assert(
      fc.property(fc.array(fc.oneof(message, body), { maxLength: 6 }), cuts, (parts, places) => {
        fed(begin(), Buffer.concat(parts), places);
        fed(begin({ tls: "preferred" }), Buffer.concat(parts), places);
      }),
    );
  });
});
