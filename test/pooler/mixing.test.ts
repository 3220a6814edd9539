/** Nobody is mixed up: pipelines, errors and cancel requests of many clients on few servers. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Pooler } from "../../engine/pooler/main.ts";
import { FRONTEND } from "../../engine/wire/messages.ts";
import {
  cancelRequest,
  extendedQuery,
  message,
  query,
  startupMessage,
  sync,
} from "../../engine/wire/writer.ts";
import { Raw } from "./raw.ts";
import { Stage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(() => stage.close());

/** A piece of a pipeline and, by types and values, its answer. */
interface Piece {
  bytes: Buffer;
  answer: string;
}

const cstring = (text: string): Buffer => Buffer.from(`${text}\0`);
const parse = (name: string, sql: string): Buffer =>
  message(FRONTEND.parse, cstring(name), cstring(sql), Buffer.alloc(2));
const bind = (name: string): Buffer =>
  message(FRONTEND.bind, cstring(""), cstring(name), Buffer.alloc(6));
const execute = (): Buffer => message(FRONTEND.execute, cstring(""), Buffer.alloc(4));
const close = (name: string): Buffer => message(FRONTEND.close, Buffer.from("S"), cstring(name));

/**
 * All clients use the same names for statements of their own. A name whose Parse fails is not used
 * again: PgBouncer drops a client that does so before it can know.
 */
const KINDS: Record<string, (tag: string, index: number) => Piece> = {
  simple: (tag) => ({ bytes: query(`select '${tag}'`), answer: `T(${tag})CZ` }),
  several: (tag) => ({
    bytes: query(`select '${tag}'; select '${tag}+'; select 1/0; select 'never'`),
    answer: `T(${tag})CT(${tag}+)CEZ`,
  }),
  extended: (tag) => ({ bytes: extendedQuery("select $1::text", [tag]), answer: `12T(${tag})CZ` }),
  prepared: (tag) => ({
    bytes: Buffer.concat([
      parse("mine", `select '${tag}'`),
      ...[bind("mine"), execute(), bind("mine"), execute(), close("mine"), sync()],
    ]),
    answer: `12(${tag})C2(${tag})C3Z`,
  }),
  failing: (tag, index) => ({
    bytes: Buffer.concat([
      ...[parse("a", `select '${tag}'`), bind("a"), execute(), close("a")],
      ...[parse(`b${index}`, "select 1 from nowhere"), bind(`b${index}`), execute(), sync()],
      parse(`c${index}`, `select '${tag}!'`),
      ...[bind(`c${index}`), execute(), close(`c${index}`), sync()],
    ]),
    answer: `12(${tag})C3EZ12(${tag}!)C3Z`,
  }),
  transaction: (tag) => ({
    bytes: Buffer.concat([
      query("begin"),
      query(`set local my.tag = '${tag}'`),
      ...[extendedQuery("select current_setting('my.tag') || $1", ["?"]), query("commit")],
    ]),
    answer: `CZCZ12T(${tag}?)CZCZ`,
  }),
  aborted: (tag) => ({
    bytes: Buffer.concat([
      ...[query("begin"), query("select 1/0"), query(`select '${tag}'`)],
      query("rollback"),
    ]),
    answer: "CZEZEZCZ",
  }),
};

/** What a client got: letters for messages, values for rows. */
function transcript(raw: Raw): string {
  return raw.messages
    .map(({ type, body }) => (type === "D" ? `(${body.toString("utf8", 6)})` : type))
    .join("");
}

/** Sends the pieces in as many writes as `cuts` says, never waiting for an answer. */
async function play(pooler: Pooler, name: string, kinds: string[], cuts: number): Promise<void> {
  const raw = await Raw.login(pooler, "alice");
  const pieces = kinds.map((kind, index) =>
    (KINDS[kind] as (typeof KINDS)[string])(name + index, index),
  );
  const bytes = Buffer.concat(pieces.map((piece) => piece.bytes));
  const size = Math.ceil(bytes.length / cuts);
  for (let at = 0; at < bytes.length; at += size) {
    raw.send(bytes.subarray(at, at + size));
    await new Promise(setImmediate);
  }
  const wanted = pieces.map(({ answer }) => answer).join("");
  await raw.until("Z", wanted.split("Z").length - 1);
  raw.socket.destroy();
  expect(transcript(raw)).toBe(wanted);
}

for (const pool_mode of ["transaction", "session"]) {
  test(`${pool_mode}: each of many pipelining clients sees its own rows and errors, in order`, async () => {
    const pooler = await stage.pooler({
      pool_mode,
      default_pool_size: 3,
      max_prepared_statements: 5,
    });
    const script = fc.tuple(
      fc.array(fc.constantFrom(...Object.keys(KINDS)), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 40 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(script, { minLength: 8, maxLength: 8 }), async (scripts) => {
        await Promise.all(
          scripts.map(([kinds, cuts], index) => play(pooler, `c${index}-`, kinds, cuts)),
        );
      }),
      { numRuns: 25 },
    );
  });
}

test("a cancel request ends the query of its client and of nobody else", async () => {
  const door = await stage.direct();
  await door.query("select pg_advisory_lock(1)"); // The queries end when they may.
  const pooler = await stage.pooler({ default_pool_size: 6 });
  const clients = Array.from({ length: 6 }, () => new Raw(pooler));
  for (const raw of clients) {
    raw.send(
      startupMessage([
        ["user", "alice"],
        ["database", "app"],
      ]),
    );
    await raw.until("Z");
  }
  for (const raw of clients) raw.send(query("select pg_advisory_xact_lock_shared(1), 'done'"));
  await stage.busyWith("select pg_advisory_xact_lock_shared(1)", 6);
  const key = (raw: Raw): Buffer =>
    raw.messages.find(({ type }) => type === "K")?.body ?? Buffer.alloc(8);
  const victims = [clients[1], clients[4]] as Raw[];
  const nobody = Buffer.from(key(clients[0] as Raw));
  nobody[7] = (nobody[7] as number) ^ 1; // The right process id with a wrong secret.
  for (const request of [...victims.map(key), nobody]) {
    const canceller = new Raw(pooler);
    canceller.send(cancelRequest(request));
    await canceller.end();
  }
  await Promise.all(victims.map((raw) => raw.until("Z", 2)));
  await door.query("select pg_advisory_unlock(1)");
  await Promise.all(clients.map((raw) => raw.until("Z", 2)));
  for (const raw of clients) {
    if (victims.includes(raw)) expect(raw.complaint).toContain("C57014");
    else expect([raw.count("E"), raw.count("D")]).toEqual([0, 1]);
    raw.socket.destroy();
  }
});
