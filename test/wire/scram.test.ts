/** SCRAM against the published exchange, against Node's own arithmetic, and against itself. */
import { Buffer } from "node:buffer";
import { createHash, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  md5Fits,
  md5Response,
  md5Secret,
  passwordFits,
  secretKind,
} from "../../engine/wire/passwords.ts";
import { saslprep } from "../../engine/wire/saslprep.ts";
import * as scram from "../../engine/wire/scram.ts";

/** RFC 7677, section 3: user "user", password "pencil". */
const RFC = {
  clientNonce: "rOprNGfwEbeRWgbNEkqO",
  serverNonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
  clientFirst: "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
  salt: "W22ZaJ0SNY7soEsUEjb6gQ==",
  serverFirst:
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
  clientFinal:
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
  serverFinal: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
};
const secret = scram.deriveSecret("pencil", Buffer.from(RFC.salt, "base64"), 4096);

function must<T extends object>(step: T | scram.ScramError): T {
  if ("error" in step) throw new Error(step.error);
  return step;
}

function errorOf(step: object): string {
  return "error" in step ? String(step.error) : "";
}

describe("SCRAM-SHA-256, RFC 7677", () => {
  test("the server's side of the exchange", () => {
    const exchange = must(scram.serverFirst(RFC.clientFirst, secret, RFC.serverNonce));
    expect(exchange.message).toBe(RFC.serverFirst);
    expect(must(scram.serverFinal(exchange, RFC.clientFinal)).message).toBe(RFC.serverFinal);
  });

  test("the client's side of the exchange", () => {
    const exchange = { nonce: RFC.clientNonce, message: RFC.clientFirst };
    const final = must(scram.clientFinal(exchange, RFC.serverFirst, "pencil"));
    expect(final.message).toBe(RFC.clientFinal);
    expect(scram.checkServerFinal(RFC.serverFinal, final.signature)).toBeUndefined();
  });

  test("a secret survives its text form", () => {
    const text = scram.formatSecret(secret);
    expect(scram.parseSecret(text)).toEqual(secret);
    expect(scram.verifyPlain("pencil", text)).toBe(true);
    expect(scram.verifyPlain("pencils", text)).toBe(false);
  });
});

describe("SCRAM-SHA-256", () => {
  /** Both roles, one against the other; the error of the step that fails, else "". */
  function login(
    password: string,
    stored: scram.ScramSecret,
    from: string | scram.ScramKeys,
  ): string {
    const first = scram.clientFirst(randomBytes(scram.NONCE).toString("base64"));
    const server = scram.serverFirst(first.message, stored, "server-nonce");
    if ("error" in server) return server.error;
    const client = scram.clientFinal(first, server.message, from === "" ? password : from);
    if ("error" in client) return client.error;
    const final = scram.serverFinal(server, client.message);
    if ("error" in final) return final.error;
    return scram.checkServerFinal(final.message, client.signature)?.error ?? "";
  }

  test("the right password gets in, any other does not", () => {
    const passwords = fc.string({ minLength: 1, unit: "grapheme" });
    fc.assert(
      fc.property(
        passwords,
        passwords,
        fc.uint8Array({ minLength: 8, maxLength: 20 }),
        (a, b, salt) => {
          const stored = scram.deriveSecret(a, Buffer.from(salt), 10);
          expect(login(a, stored, "")).toBe("");
          if (saslprep(a) !== saslprep(b)) {
            expect(login(b, stored, "")).toBe("password authentication failed");
          }
        },
      ),
    );
  });

  test("the keys of one login open the next one", () => {
    const first = scram.clientFirst("abc");
    const server = must(scram.serverFirst(first.message, secret, "def"));
    const client = must(scram.clientFinal(first, server.message, "pencil"));
    const { keys } = must(scram.serverFinal(server, client.message));
    expect(login("", secret, keys)).toBe("");
  });

  test("an unknown user's exchange looks alike each time, and fails", () => {
    const key = Buffer.from("key of the process");
    const mock = scram.mockSecret("nobody", key, 4096);
    expect(scram.mockSecret("nobody", key, 4096)).toEqual(mock);
    expect(mock.salt.length).toBe(scram.SALT);
    expect(login("pencil", mock, "")).toBe("password authentication failed");
  });

  const firsts = [
    ["p=tls-unique,,n=,r=abc", "client requires SCRAM channel binding, but it is not supported"],
    ["n,a=me,n=,r=abc", "client uses authorization identity, but it is not supported"],
    ["x,,n=,r=abc", "malformed SCRAM message (unexpected channel-binding flag \"'x'\")"],
    ["n", 'malformed SCRAM message (comma expected, but found character "0x00")'],
    ["n=,n=,r=abc", "malformed SCRAM message (comma expected, but found character \"'='\")"],
    ["n,b,n=", "malformed SCRAM message (unexpected attribute \"'b'\" in client-first-message)"],
    ["n,,m=1,n=,r=abc", "client requires an unsupported SCRAM extension"],
    ["n,,r=abc", 'malformed SCRAM message (attribute "n" expected)'],
    ["n,,n=", 'malformed SCRAM message (attribute "r" expected)'],
    ["n,,n,r=abc", 'malformed SCRAM message (expected "=" after attribute "n")'],
    ["n,,n=,r=abc,xy", 'malformed SCRAM message (expected character "=" after attribute "x")'],
    ["n,,n=,r=", "non-printable characters in SCRAM nonce"],
    ["n,,n=,r=a\u0001", "non-printable characters in SCRAM nonce"],
    ["", 'malformed SCRAM message (unexpected channel-binding flag "0x00")'],
  ] as const;
  for (const [message, why] of firsts) {
    test(`client-first-message ${JSON.stringify(message)} is refused: ${why}`, () => {
      expect(errorOf(scram.serverFirst(message, secret, "n"))).toBe(why);
    });
  }

  const finals = [
    ["c=eSws", "channel-binding"],
    ["r=abcdeg", "nonce does not match"],
    ["p=AAAA", "malformed proof in client-final-message"],
    ["p=@@@@", "malformed proof in client-final-message"],
    ["p=AAAA,x=y", "garbage at the end of client-final-message"],
  ] as const;
  for (const [change, why] of finals) {
    test(`client-final-message with ${change} is refused: ${why}`, () => {
      const exchange = must(scram.serverFirst("n,,n=,r=abc", secret, "def"));
      const parts = ["c=biws", "r=abcdef", `p=${Buffer.alloc(32).toString("base64")}`];
      const message = parts.map((part) => (part[0] === change[0] ? change : part)).join(",");
      expect(errorOf(scram.serverFinal(exchange, message))).toContain(why);
    });
  }

  test("client-final-message without a proof, or without its binding, is refused", () => {
    const exchange = must(scram.serverFirst("n,,n=,r=abc", secret, "def"));
    for (const [message, why] of [
      ["c=biws,r=abcdef", 'attribute expected, but found invalid character "0x00"'],
      ["r=abcdef,p=AAAA", 'attribute "c" expected'],
      ["", 'attribute "c" expected'],
    ] as const)
      expect(errorOf(scram.serverFinal(exchange, message))).toBe(
        `malformed SCRAM message (${why})`,
      );
  });

  test("a server that does not know the secret is found out", () => {
    const signature = Buffer.alloc(32, 1);
    const other = `v=${Buffer.alloc(32, 2).toString("base64")}`;
    expect(scram.checkServerFinal(other, signature)?.error).toBe("invalid server signature");
    expect(scram.checkServerFinal("e=other-error", signature)?.error).toContain("other-error");
    const exchange = scram.clientFirst("abc");
    for (const nonce of ["abc", "xyz123"]) {
      const step = scram.clientFinal(exchange, `r=${nonce},s=AAAA,i=1`, "x");
      expect(errorOf(step)).toContain("nonce mismatch");
    }
  });

  test("no message makes a step throw", () => {
    const exchange = must(scram.serverFirst("n,,n=,r=abc", secret, "def"));
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (message) => {
        scram.serverFirst(message, secret, "n");
        scram.serverFinal(exchange, message);
        scram.clientFinal({ nonce: "n", message: "n,,n=,r=n" }, message, "x");
        scram.checkServerFinal(message, Buffer.alloc(32));
        scram.parseSecret(`SCRAM-SHA-256$${message}`);
      }),
    );
  });
});

describe("SASLprep", () => {
  const cases = [
    ["pencil", "pencil", "ASCII stays"],
    ["a\u00a0b", "a b", "a space of another kind"],
    ["I\u00adX", "IX", "RFC 4013, example 1: soft hyphen is mapped to nothing"],
    ["\u00aa", "a", "RFC 4013, example 4: NFKC"],
    ["\u2168", "IX", "RFC 4013, example 5: NFKC"],
    ["\u0007", "\u0007", "prohibited: used raw, as PostgreSQL does"],
    ["\u00ad", "\u00ad", "nothing left: used raw"],
  ] as const;
  for (const [password, want, why] of cases) {
    test(`${JSON.stringify(password)} -> ${JSON.stringify(want)}: ${why}`, () => {
      expect(saslprep(password)).toBe(want);
    });
  }
});

describe("stored secrets", () => {
  test("md5 secrets and responses are those of PostgreSQL", () => {
    const hex = (text: string) => createHash("md5").update(text).digest("hex");
    expect(md5Secret("secret", "joe")).toBe(`md5${hex("secretjoe")}`);
    const salt = Buffer.from("salt");
    expect(md5Response(md5Secret("secret", "joe"), salt)).toBe(
      `md5${hex(`${hex("secretjoe")}salt`)}`,
    );
  });

  const stored = [
    ["secret", "plain"],
    [md5Secret("secret", "joe"), "md5"],
    [scram.formatSecret(scram.deriveSecret("secret", Buffer.from("salt"), 10)), "scram"],
  ] as const;
  for (const [text, kind] of stored) {
    test(`a ${kind} secret is known as one, and fits its password only`, () => {
      expect(secretKind(text)).toBe(kind);
      expect(passwordFits("secret", "joe", text)).toBe(true);
      expect(passwordFits("Secret", "joe", text)).toBe(false);
      expect(passwordFits("", "joe", text)).toBe(false);
    });
  }

  test("md5 responses fit plain and md5 secrets; an empty secret fits nothing", () => {
    const salt = Buffer.from("salt");
    const response = md5Response(md5Secret("secret", "joe"), salt);
    expect(md5Fits(response, "joe", "secret", salt)).toBe(true);
    expect(md5Fits(response, "joe", md5Secret("secret", "joe"), salt)).toBe(true);
    expect(md5Fits(response, "jim", "secret", salt)).toBe(false);
    expect(md5Fits(md5Response(md5Secret("", "joe"), salt), "joe", "", salt)).toBe(false);
    expect(passwordFits("", "joe", "")).toBe(false);
  });
});
