/** What a client may send that has been asked for a password, in place of it. */
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ClientLogin, type ClientLoginOptions } from "../../engine/wire/client-login.ts";
import * as writer from "../../engine/wire/writer.ts";
import { cuts, fed } from "./bytes.ts";
import { NAMES } from "./world.ts";

const clientOptions: ClientLoginOptions = {
  tls: "no",
  rules: { names: NAMES, ignored: new Set(), peer: undefined },
  maxPacketSize: 2_147_483_647,
  random: (bytes) => Buffer.alloc(bytes, 7),
  scramIterations: 5,
  mockKey: Buffer.from("mock"),
};
const startup = writer.startupMessage([["user", "joe"]]);
const ssl = writer.sslRequest();

/** A login that has asked for the password of joe, which is "secret". */
function asked(method: "plain" | "scram-sha-256", tls: "no" | "offered" = "no"): ClientLogin {
  const login = new ClientLogin({ ...clientOptions, tls });
  fed(login, startup);
  login.authenticate(method, { user: "joe", secret: "secret" });
  login.output.length = 0;
  return login;
}

const answers: [name: string, bytes: Buffer, text: string][] = [
  ["another startup", startup, "client re-sent startup pkt"],
  ["a length of 0", Buffer.from("7000000000", "hex"), "bad packet header: '7000000000'"],
  ["an empty password", writer.passwordMessage(""), "empty password returned by client"],
  ["a query", writer.query("select 1"), "bad packet"],
  ["a short cancel request", Buffer.from("0000000804d2162e", "hex"), "bad cancel request"],
];
for (const [name, bytes, text] of answers) {
  test(`${name} in place of a password: ${text}`, () => {
    fc.assert(
      fc.property(cuts, (places) => {
        const login = asked("plain");
        const split = text.startsWith("bad packet header") ? [] : places;
        expect(fed(login, bytes, split)).toMatchObject({ kind: "refused", text });
      }),
      { numRuns: 10 },
    );
  });
}

test("who has been asked for a password may still ask for TLS, and is answered", () => {
  for (const tls of ["no", "offered"] as const) {
    const login = asked("plain", tls);
    expect(fed(login, ssl)?.kind).toBe(tls === "no" ? undefined : "tls");
    expect(Buffer.concat(login.output).toString()).toBe(tls === "no" ? "N" : "S");
    if (tls === "offered") login.secured();
    const password = writer.passwordMessage("secret");
    expect(fed(login, password)?.kind).toBe("authenticated");
  }
});

test("a password where SCRAM is to begin names a mechanism that there is not", () => {
  const login = asked("scram-sha-256");
  const text = "client selected an invalid SASL authentication mechanism";
  expect(fed(login, writer.passwordMessage("secret"))).toMatchObject({ text });
});
