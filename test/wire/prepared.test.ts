/** Prepared statement tracking: the client sees PostgreSQL's answers, servers see one name each. */
import { Buffer } from "node:buffer";
import { describe, expect, test } from "vitest";
import { ClientStatements, ServerStatements, StatementTable } from "../../engine/wire/prepared.ts";
import { ClientRelay, link, RELAY, ServerRelay } from "../../engine/wire/relay.ts";
import { Variables } from "../../engine/wire/variables.ts";
import * as writer from "../../engine/wire/writer.ts";
import { ask, letters, Memory, messagesOf, tell } from "./bytes.ts";
import { NAMES, OPTIONS } from "./world.ts";

/** A linked pair that tracks at most `limit` statements. */
function pair(limit = 10, table = new StatementTable()) {
  const toClient = new Memory();
  const toServer = new Memory();
  const relay = new ClientRelay(
    toClient,
    OPTIONS,
    new Variables(NAMES),
    new ClientStatements(table),
  );
  const server = new ServerRelay(
    toServer,
    OPTIONS,
    new Variables(NAMES),
    new ServerStatements(table, limit),
  );
  link(relay, server);
  const send = (...messages: Buffer[]): number => {
    const bytes = Buffer.concat(messages);
    const verdict = relay.feed(bytes, 0, bytes.length);
    if (verdict !== RELAY.request) return verdict;
    return relay.feed(bytes, relay.consumed, bytes.length);
  };
  const answer = (...messages: Buffer[]): number => {
    const bytes = Buffer.concat(messages);
    return server.feed(bytes, 0, bytes.length);
  };
  return { table, relay, server, toClient, toServer, send, answer };
}

const ready = writer.readyForQuery();
const parsed = writer.parseComplete();
const bound = tell.bindComplete();
const done = writer.commandComplete("SELECT 1");
const closed = writer.closeComplete();
const error = writer.errorResponse("ERROR", "42601", "no");

describe("rules of pgbouncer-semantics.md 3.11", () => {
  test("Parse goes out under the global name, Bind and Describe too", () => {
    const { send, toServer } = pair();
    const bind = ask.bind("mine", "a value", "portal");
    send(ask.parse("mine", "select 1"), ask.describe("mine"), bind, ask.execute(), ask.sync());
    const bodies = messagesOf(toServer.bytes).map(({ body }) => body.toString("latin1"));
    expect(letters(toServer.bytes)).toBe("PDBES");
    expect(bodies[0]).toBe("PGBOUNCER_1\0select 1\0\0\0");
    expect(bodies[1]).toBe("SPGBOUNCER_1\0");
    const rest = bind.subarray(5).toString("latin1").replace("mine", "PGBOUNCER_1");
    expect(bodies[2]).toBe(rest);
  });

  test("a statement that is on the server is not parsed again: ParseComplete in its place", () => {
    const { send, answer, toClient, toServer } = pair();
    send(ask.parse("a", "select 1"), ask.sync());
    answer(parsed, ready);
    toServer.take();
    toClient.take();
    send(ask.bind("a"), ask.parse("b", "select 1"), ask.bind("b"), ask.sync());
    expect(letters(toServer.bytes)).toBe("BBS");
    expect(answer(bound, bound, ready)).toBe(RELAY.ready);
    expect(letters(toClient.bytes)).toBe("212Z");
  });

  test("a name whose Parse was skipped can be used: the Parse is made up for", () => {
    const { send, answer, toClient, toServer } = pair();
    send(ask.parse("a", "selec"), ask.parse("b", "select 2"), ask.sync());
    answer(error, ready);
    toServer.take();
    toClient.take();
    send(ask.bind("b"), ask.execute(), ask.sync());
    expect(letters(toServer.bytes)).toBe("PBES");
    expect(answer(parsed, bound, done, ready)).toBe(RELAY.ready);
    expect(letters(toClient.bytes)).toBe("2CZ");
  });

  test("switched off in between, names pass as they are; switched on again, they are known", () => {
    const { relay, send, answer, toServer } = pair();
    const { statements } = relay;
    const names = (): string[] =>
      messagesOf(toServer.take()).map(({ body }) => body.toString("latin1").split("\0")[0] ?? "");
    send(ask.parse("a", "select 1"), ask.sync());
    relay.track(undefined);
    answer(parsed, ready);
    expect(names()).toEqual(["PGBOUNCER_1", ""]);
    send(ask.parse("b", "select 2"), ask.sync());
    answer(parsed, ready);
    expect(names()).toEqual(["b", ""]);
    relay.track(statements);
    send(ask.describe("a"), ask.sync());
    expect(names()).toEqual(["SPGBOUNCER_1", ""]);
  });

  test("with nothing outstanding that ParseComplete comes at once", () => {
    const { send, answer, toClient, toServer } = pair();
    send(ask.parse("a", "select 1"), ask.sync());
    answer(parsed, ready);
    toClient.take();
    toServer.take();
    send(ask.parse("b", "select 1"));
    expect(letters(toClient.bytes)).toBe("1");
    expect(toServer.bytes.length).toBe(0);
  });

  test("Bind on a server that lacks the statement slips a Parse in and swallows its answer", () => {
    const table = new StatementTable();
    const first = pair(10, table);
    first.send(ask.parse("a", "select 1"), ask.sync());
    first.answer(parsed, ready);
    const other = pair(10, table);
    first.relay.server = other.server;
    other.server.client = first.relay;
    first.send(ask.bind("a"), ask.execute(), ask.sync());
    expect(letters(other.toServer.bytes)).toBe("PBES");
    first.toClient.take();
    expect(other.answer(parsed, bound, done, ready)).toBe(RELAY.ready);
    expect(letters(first.toClient.bytes)).toBe("2CZ");
    expect(first.relay.statements).toMatchObject({ clientParses: 1, serverParses: 2, binds: 1 });
  });

  test("Close takes the name away only, and needs no server", () => {
    const { relay, send, answer, toClient, toServer } = pair();
    send(ask.parse("a", "select 1"), ask.sync());
    answer(parsed, ready);
    toClient.take();
    toServer.take();
    relay.server = undefined;
    const close = ask.close("a");
    expect(relay.feed(close, 0, close.length)).toBe(RELAY.more);
    expect(letters(toClient.bytes)).toBe("3");
    expect(relay.statements?.size).toBe(0);
    expect(toServer.bytes.length).toBe(0);
  });

  test("Close in a pipeline is answered at its place", () => {
    const { send, answer, toClient } = pair();
    send(ask.parse("a", "select 1"), ask.close("a"), ask.close("a"), ask.sync());
    answer(parsed, ready);
    expect(letters(toClient.bytes)).toBe("133Z");
  });

  test("beyond the limit the least recently used is closed, its answer swallowed", () => {
    const { server, send, answer, toClient, toServer } = pair(2);
    for (const name of ["a", "b"]) send(ask.parse(name, `select '${name}'`), ask.sync());
    answer(parsed, ready, parsed, ready);
    send(ask.bind("a"), ask.sync());
    answer(bound, ready);
    toServer.take();
    toClient.take();
    send(ask.parse("c", "select 'c'"), ask.sync());
    const bodies = messagesOf(toServer.bytes).map(({ body }) => body.toString("latin1"));
    expect(letters(toServer.bytes)).toBe("PCS");
    expect(bodies[1]).toBe("SPGBOUNCER_2\0");
    answer(parsed, closed, ready);
    expect(letters(toClient.bytes)).toBe("1Z");
    expect(server.statements?.size).toBe(2);
  });

  test("if that Close is skipped because of an error, the statement counts as there", () => {
    const { server, send, answer } = pair(1);
    send(ask.parse("a", "select 'a'"), ask.sync());
    answer(parsed, ready);
    send(ask.parse("b", "bad"), ask.sync());
    expect(server.statements?.size).toBe(1);
    answer(error, ready);
    expect(server.statements?.size).toBe(1);
    send(ask.bind("a"), ask.sync());
    expect(server.outstanding.length).toBe(2);
  });

  test("a Parse that failed is not on the server, and its name is free", () => {
    const { relay, server, send, answer, toServer } = pair();
    send(ask.parse("a", "bad"), ask.sync());
    expect(answer(error, ready)).toBe(RELAY.ready);
    expect(server.statements?.size).toBe(0);
    expect(relay.statements?.isTaken("a")).toBe(false);
    toServer.take();
    expect(send(ask.parse("a", "select 1"), ask.sync())).toBe(RELAY.more);
    expect(letters(toServer.bytes)).toBe("PS");
  });

  for (const tag of ["DEALLOCATE ALL", "DISCARD ALL"]) {
    test(`${tag} clears both maps, wherever the answer is cut`, () => {
      const complete = Buffer.concat([writer.commandComplete(tag), ready]);
      for (let at = 0; at <= complete.length; at++) {
        const { table, relay, server, send, answer } = pair();
        send(ask.parse("a", "select 1"), ask.sync());
        answer(parsed, ready);
        send(ask.query(tag.toLowerCase()));
        answer(complete.subarray(0, at));
        answer(complete.subarray(at));
        expect([relay.statements?.size, server.statements?.size, table.size]).toEqual([0, 0, 0]);
      }
    });
  }

  test("what stands behind the types of a Parse is dropped", () => {
    const { send, table } = pair();
    send(writer.message(0x50, Buffer.from("a\0q\0\0\0more")), ask.sync());
    expect([...table.all].map(({ key }) => key)).toEqual(["q\0\0\0"]);
  });

  const refused: [name: string, messages: Buffer[], text: string][] = [
    ["Bind of an unknown name", [ask.bind("x")], "prepared statement did not exist"],
    ["Describe of an unknown name", [ask.describe("x")], "prepared statement did not exist"],
    [
      "Parse of a name in use",
      [ask.parse("a", "select 1"), ask.parse("a", "select 2")],
      "prepared statement name is already in use",
    ],
    ["Parse without types", [writer.message(0x50, Buffer.from("a\0q\0"))], "broken Parse packet"],
    ["Bind without a NUL", [writer.message(0x42, Buffer.from("abc"))], "failed to parse packet"],
    ["an empty Describe", [writer.message(0x44)], "failed to parse packet"],
  ];
  for (const [name, messages, text] of refused) {
    test(`${name}: "${text}"`, () => {
      const { relay, send } = pair();
      expect(send(...messages)).toBe(RELAY.error);
      expect(relay.error).toBe(text);
    });
  }

  test("the log is told which message could not be read", () => {
    const { relay, send } = pair();
    send(writer.message(0x42, Buffer.from("abc")));
    expect(relay.detail).toBe("failed to parse prepared statement packet type 'B'");
  });

  test("what names no statement is forwarded in one write and without a copy", () => {
    const { relay, server } = pair();
    const writes: unknown[][] = [];
    Object.assign(server, { sink: { write: (...range: unknown[]) => writes.push(range) } });
    const chunk = Buffer.concat([
      ask.parse("", "select 1"),
      ask.bind(""),
      ask.describePortal(),
      ask.execute(),
      ask.sync(),
    ]);
    relay.feed(chunk, 0, chunk.length);
    relay.feed(chunk, relay.consumed, chunk.length);
    expect(writes).toEqual([[chunk, 0, chunk.length]]);
  });

  test("a rewritten chunk is one write too, and a large Bind is not put together", () => {
    const { send, answer, toServer } = pair();
    send(ask.parse("a", "select 1"), ask.bind("a"), ask.execute(), ask.sync());
    expect(toServer.pieces.length).toBe(1);
    toServer.take();
    answer(parsed, bound, done, ready);
    const bind = ask.bind("a", "x".repeat(65_000));
    send(bind.subarray(0, 1_000));
    expect(toServer.bytes.length).toBe(1_000 + "PGBOUNCER_1".length - 1);
    send(bind.subarray(1_000));
    expect(toServer.bytes.length).toBe(bind.length + "PGBOUNCER_1".length - 1);
  });
});

describe("a client that does not wait for its answers", () => {
  test("a statement whose Close may be skipped is closed again before its Parse", () => {
    const { send, answer, toServer, toClient } = pair(1);
    send(ask.parse("a", "select 1"), ask.sync());
    answer(parsed, ready);
    toServer.take();
    toClient.take();
    send(ask.parse("b", "bad"), ask.sync(), ask.bind("a"), ask.sync());
    expect(letters(toServer.bytes)).toBe("PCSCPCBS");
    // The first Parse fails, and the Close behind it is skipped.
    answer(error, ready, closed, parsed, closed, bound, ready);
    expect(letters(toClient.bytes)).toBe("EZ2Z");
  });

  test("a Parse that may be skipped is sent again with the next batch", () => {
    const { send, answer, toServer, toClient } = pair();
    send(ask.parse("", "bad"), ask.parse("a", "select 1"), ask.sync());
    send(ask.parse("b", "select 1"), ask.bind("b"), ask.sync());
    expect(letters(toServer.bytes)).toBe("PPSCPBS");
    answer(error, ready, closed, parsed, bound, ready);
    expect(letters(toClient.bytes)).toBe("EZ12Z");
    toServer.take();
    send(ask.bind("b"), ask.sync());
    expect(letters(toServer.bytes)).toBe("BS");
  });

  test("a name given anew is not taken away when its first Parse turns out to have failed", () => {
    const { relay, send, answer } = pair();
    send(ask.parse("a", "bad"), ask.close("a"), ask.sync());
    send(ask.parse("a", "select 1"), ask.sync());
    answer(error, ready, parsed, ready);
    expect(relay.statements?.find("a")?.key).toContain("select 1");
  });
});
