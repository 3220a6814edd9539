/** Clients that begin with TLS instead of asking for it. */
import { Buffer } from "node:buffer";
import { describe, expect, test } from "vitest";
import { ClientLogin, type ClientLoginOptions } from "../../engine/wire/client-login.ts";
import { NAMES } from "./world.ts";

const clientOptions: ClientLoginOptions = {
  tls: "no",
  rules: { names: NAMES, ignored: new Set(), peer: undefined },
  maxPacketSize: 1_000,
  random: (bytes) => Buffer.alloc(bytes),
  scramIterations: 5,
  mockKey: Buffer.from("mock"),
};

/** As a message it is longer than any may be here. */
const HEADER = "bad packet header: '1603010005'";

describe("TLS from the first byte", () => {
  const greeting = Buffer.from([0x16, 3, 1, 0, 5]);
  const feed = (tls: ClientLoginOptions["tls"], ...pieces: Buffer[]) => {
    const login = new ClientLogin({ ...clientOptions, tls });
    return pieces.map((piece) => login.feed(piece, 0, piece.length)).at(-1);
  };

  test("is taken where TLS is offered, none of its bytes consumed", () => {
    const login = new ClientLogin({ ...clientOptions, tls: "offered" });
    expect(login.feed(greeting, 0, greeting.length)).toEqual({ kind: "tls" });
    expect([login.consumed, login.output]).toEqual([0, []]);
    login.secured();
    expect(login.feed(greeting, 0, greeting.length)).toMatchObject({ text: HEADER });
  });

  test("is a bad packet without TLS, and behind another packet", () => {
    expect(feed("no", greeting)).toMatchObject({ text: HEADER });
    const gss = Buffer.from([0, 0, 0, 8, 4, 210, 22, 48]);
    expect(feed("required", gss, greeting)).toMatchObject({ text: HEADER });
  });
});
