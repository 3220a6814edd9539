/** What a relay remembers, as plain data: made into a relay elsewhere, it goes on in the same place. */
import { expect, test } from "vitest";
import { STATUS } from "../../engine/core/index.ts";
import {
  clientState,
  restoreClient,
  restoreServer,
  restoreTable,
  serverState,
  tableState,
} from "../../engine/wire/handover.ts";
import { FRONTEND } from "../../engine/wire/messages.ts";
import { ClientStatements, ServerStatements, StatementTable } from "../../engine/wire/prepared.ts";
import { ClientRelay, link, RELAY, ServerRelay } from "../../engine/wire/relay.ts";
import { VariableNames, Variables } from "../../engine/wire/variables.ts";
import {
  commandComplete,
  message,
  parseComplete,
  readyForQuery,
  sync,
} from "../../engine/wire/writer.ts";

const OPTIONS = { maxPacketSize: 1 << 20, disablePqexec: false };
const NAMES = new VariableNames([]);

/** A linked pair with a table of its own, and what each side has been sent. */
function pair() {
  const table = new StatementTable();
  const toClient: Buffer[] = [];
  const toServer: Buffer[] = [];
  const sinkOf = (to: Buffer[]) => ({
    write: (bytes: Buffer, start: number, end: number) =>
      void to.push(Buffer.from(bytes.subarray(start, end))),
  });
  const names = new ClientStatements(table);
  const client = new ClientRelay(sinkOf(toClient), OPTIONS, new Variables(NAMES), names);
  const known = new ServerStatements(table, 10);
  const server = new ServerRelay(sinkOf(toServer), OPTIONS, new Variables(NAMES), known);
  return { table, toClient, toServer, client, server };
}

/** The same pair in another process: everything has been text on its way there. */
function moved(from: ReturnType<typeof pair>): ReturnType<typeof pair> {
  const text = JSON.stringify([
    tableState(from.table),
    clientState(from.client),
    serverState(from.server),
  ]);
  const [table, client, server] = JSON.parse(text);
  const to = pair();
  const statements = restoreTable(to.table, table);
  restoreClient(to.client, client, statements);
  restoreServer(to.server, server, statements);
  link(to.client, to.server);
  return to;
}

const feed = (relay: ClientRelay | ServerRelay, ...parts: Buffer[]): number => {
  const bytes = Buffer.concat(parts);
  return relay.feed(bytes, 0, bytes.length);
};

const parse = (name: string, sql: string): Buffer =>
  message(FRONTEND.parse, Buffer.from(`${name}\0${sql}\0\0\0`));
const bind = (name: string): Buffer =>
  message(FRONTEND.bind, Buffer.from(`\0${name}\0\0\0\0\0\0\0`));
const execute = message(FRONTEND.execute, Buffer.from("\0\0\0\0\0"));
const bound = message(0x32);

/** A client that has just sent Parse, Bind, Execute and Sync. */
function asked(): ReturnType<typeof pair> {
  const here = pair();
  const batch = Buffer.concat([parse("mine", "select 1"), bind("mine"), execute, sync()]);
  expect(here.client.feed(batch, 0, batch.length)).toBe(RELAY.request);
  link(here.client, here.server);
  here.client.feed(batch, here.client.consumed, batch.length);
  return here;
}

const ANSWER = [parseComplete(), bound, commandComplete("SELECT 1"), readyForQuery("I")];

test("answers that are due find what they answer, and the pair is free after the last one", () => {
  const there = moved(asked());
  expect(there.client.busy).toBe(true);
  expect(there.server.outstanding.length).toBe(4);
  expect(feed(there.server, ...ANSWER)).toBe(RELAY.ready);
  expect(Buffer.concat(there.toClient)).toEqual(Buffer.concat(ANSWER));
  expect([there.client.busy, there.server.status]).toEqual([false, STATUS.idle]);
});

test("between two answers too", () => {
  const here = asked();
  expect(feed(here.server, ANSWER[0] as Buffer, ANSWER[1] as Buffer)).toBe(RELAY.more);
  const there = moved(here);
  expect(feed(there.server, ...ANSWER.slice(2))).toBe(RELAY.ready);
});

test("a statement keeps its number, so that its server knows it, and its client's name for it", () => {
  const here = asked();
  feed(here.server, ...ANSWER);
  const there = moved(here);
  const batch = [bind("mine"), execute, sync()];
  there.client.busy = true; // As after a grant.
  feed(there.client, ...batch);
  const sent = Buffer.concat(there.toServer).toString("latin1");
  expect(sent).toContain("PGBOUNCER_1\0");
  expect(sent).not.toContain("select 1"); // It is not prepared anew.
  feed(there.client, parse("other", "select 2"));
  expect(Buffer.concat(there.toServer).toString("latin1")).toContain("PGBOUNCER_2\0");
});

test("a statement is forgotten when nobody uses it any more: uses are counted there as here", () => {
  const here = asked();
  feed(here.server, ...ANSWER);
  const there = moved(here);
  expect(there.table.size).toBe(1);
  there.client.statements?.clear();
  expect(there.table.size).toBe(1);
  there.server.statements?.clear();
  expect(there.table.size).toBe(0);
});

test("an error before the answer that is to come skips the rest of the batch, there as here", () => {
  const here = asked();
  const error = message(0x45, Buffer.from("SERROR\0C42601\0Mno\0\0"));
  feed(here.server, error);
  const there = moved(here);
  expect(there.server.failed).toBe(true);
  expect(feed(there.server, readyForQuery("I"))).toBe(RELAY.ready);
  expect(there.server.outstanding.length).toBe(0);
  expect(there.server.statements?.size).toBe(0);
  expect(there.client.statements?.isTaken("mine")).toBe(false);
});

test("parameters go along", () => {
  const here = pair();
  here.client.variables.set("application_name", "app");
  here.server.variables.set("TimeZone", "Europe/Vienna");
  const there = moved(here);
  expect(there.client.variables.entries()).toEqual([["application_name", "app"]]);
  expect(there.server.variables.entries()).toEqual([["TimeZone", "Europe/Vienna"]]);
});

test("at rest is between two messages, and not within a header or a body", () => {
  const here = asked();
  const row = Buffer.concat(ANSWER);
  const rests = [...row.keys()].filter((length) => {
    const { server, client } = asked();
    link(client, server);
    server.feed(row, 0, length);
    return server.scanner.atRest;
  });
  const borders = ANSWER.map((_, index) => Buffer.concat(ANSWER.slice(0, index)).length);
  expect(rests).toEqual(borders);
  expect(here.client.scanner.atRest).toBe(true);
});
