/** Nonsense from the network: the relay may refuse it, but never throws and never reads past a chunk. */
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ClientStatements, ServerStatements, StatementTable } from "../../engine/wire/prepared.ts";
import { ClientRelay, link, RELAY, ServerRelay } from "../../engine/wire/relay.ts";
import { Variables } from "../../engine/wire/variables.ts";
import * as writer from "../../engine/wire/writer.ts";
import { cut, cuts, Memory } from "./bytes.ts";
import { NAMES, OPTIONS } from "./world.ts";

const letter = (from: string) =>
  fc.constantFrom(...from).map((character) => character.charCodeAt(0));
const body = fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes));
/** Bodies that look like names and texts, so that more than the first check is reached. */
const named = fc
  .array(fc.constantFrom("", "a", "b", "S", "Sa", "P", "DISCARD ALL", "TimeZone"), { maxLength: 4 })
  .map((texts) => Buffer.from(texts.map((text) => `${text}\0`).join("")));
const stream = (types: string) => {
  const message = fc
    .tuple(letter(types), fc.oneof(body, named))
    .map(([type, bytes]) => writer.message(type, bytes));
  return fc.array(fc.oneof({ weight: 9, arbitrary: message }, { weight: 1, arbitrary: body }));
};

function relays(): { client: ClientRelay; server: ServerRelay } {
  const table = new StatementTable();
  const statements = new ClientStatements(table);
  const client = new ClientRelay(new Memory(), OPTIONS, new Variables(NAMES), statements);
  const prepared = new ServerStatements(table, 2);
  const server = new ServerRelay(new Memory(), OPTIONS, new Variables(NAMES), prepared);
  return { client, server };
}

/** Feeds a client's half, linking it when it asks; false when it has given up. */
function feedClient(client: ClientRelay, server: ServerRelay, piece: Buffer): boolean {
  let at = 0;
  for (;;) {
    const verdict = client.feed(piece, at, piece.length);
    expect(client.consumed).toBeGreaterThanOrEqual(at);
    expect(client.consumed).toBeLessThanOrEqual(piece.length);
    at = client.consumed;
    if (verdict === RELAY.error || verdict === RELAY.terminate) return false;
    if (verdict !== RELAY.request) return true;
    if (client.server === undefined) link(client, server);
  }
}

describe("no bytes make it throw:", () => {
  test("client and server at once, linked on request", () => {
    const inputs = [stream("QPBDECSFHdcfX"), cuts, stream("ZTDCEINSAG12Wnst3Vdc"), cuts] as const;
    fc.assert(
      fc.property(...inputs, (sent, sentCuts, answered, answerCuts) => {
        const { client, server } = relays();
        const answers = cut(Buffer.concat(answered), answerCuts);
        for (const piece of cut(Buffer.concat(sent), sentCuts)) {
          if (!feedClient(client, server, piece)) return;
          const answer = answers.shift();
          if (answer === undefined) continue;
          const verdict = server.feed(answer, 0, answer.length);
          if (verdict === RELAY.error) return;
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test("a server that is asked by the pooler itself", () => {
    fc.assert(
      fc.property(stream("ZTDCEINSA"), cuts, (answered, places) => {
        const { server } = relays();
        server.ask("select 1");
        for (const piece of cut(Buffer.concat(answered), places))
          server.feed(piece, 0, piece.length);
      }),
    );
  });
});
