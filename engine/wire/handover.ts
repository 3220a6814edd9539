/**
 * What a relay between two messages remembers, as plain data: another process makes relays of it that go
 * on in the same place. Statements are named by their numbers, which are those of the whole process.
 */
import { Buffer } from "node:buffer";
import type { ClientRelay } from "./client-relay.ts";
import type { ClientStatements, ServerStatements, Statement, StatementTable } from "./prepared.ts";
import type { ServerRelay } from "./server-relay.ts";
import type { Variables } from "./variables.ts";

type Pairs = readonly (readonly [name: string, value: string])[];

/** A client's half. */
export interface ClientState {
  readonly variables: Pairs;
  readonly busy: boolean;
  readonly copying: boolean;
  /** Its names, with the number of the statement and whether its Parse was refused. */
  readonly names: readonly (readonly [name: string, statement: number, refused: boolean])[];
  /** What Parse messages without an answer have named; of names that are gone already, null. */
  readonly unanswered: readonly (string | null)[];
}

/** A server's half. */
export interface ServerState {
  readonly variables: Pairs;
  readonly status: number;
  readonly copying: boolean;
  readonly failed: boolean;
  readonly outstanding: readonly (readonly [type: number, answer: number, statement: number])[];
  /** Numbers of the statements that it knows, least recently used first. */
  readonly statements: readonly number[];
  readonly pending: readonly (readonly [
    statement: number,
    there: boolean,
    sent: readonly number[],
  ])[];
  readonly batch: number;
}

/** All statements: number and what a Parse says of it, as base64. */
export type TableState = readonly (readonly [id: number, body: string])[];

export const tableState = (table: StatementTable): TableState =>
  [...table.all].map(({ id, key }) => [id, Buffer.from(key, "latin1").toString("base64")]);

/** Makes the statements; whoever uses them counts the uses. Returns them by number. */
export function restoreTable(table: StatementTable, state: TableState): Map<number, Statement> {
  return new Map(state.map(([id, body]) => [id, table.make(id, Buffer.from(body, "base64"))]));
}

export function clientState(relay: ClientRelay): ClientState {
  const { variables, busy, copying, statements } = relay;
  const names = [...(statements?.byName.values() ?? [])];
  const unanswered = statements?.unanswered ?? [];
  return {
    variables: variables.entries(),
    busy,
    copying,
    names: names.map(({ name, statement, refused }) => [name, statement.id, refused]),
    unanswered: unanswered.map((named) => (names.includes(named) ? named.name : null)),
  };
}

export function serverState(relay: ServerRelay): ServerState {
  const { variables, status, copying, failed, outstanding, statements } = relay;
  const pending = [...(statements?.pending ?? [])];
  return {
    variables: variables.entries(),
    status,
    copying,
    failed,
    outstanding: outstanding.list(),
    statements: [...(statements?.byId.keys() ?? [])],
    pending: pending.map(([id, { there, sent }]) => [id, there, sent]),
    batch: statements?.batch ?? 0,
  };
}

/** `statements`: those of `restoreTable`. A number that is not among them is left out. */
export function restoreClient(
  relay: ClientRelay,
  state: ClientState,
  statements: ReadonlyMap<number, Statement>,
): void {
  setAll(relay.variables, state.variables);
  relay.busy = state.busy;
  relay.copying = state.copying;
  if (relay.statements !== undefined) restoreNames(relay.statements, state, statements);
}

function restoreNames(
  own: ClientStatements,
  { names, unanswered }: ClientState,
  statements: ReadonlyMap<number, Statement>,
): void {
  for (const [name, id, refused] of names) {
    const statement = statements.get(id);
    if (statement === undefined) continue;
    statement.uses++;
    own.add(name, statement).refused = refused;
  }
  for (const name of unanswered) {
    const named = name === null ? undefined : own.byName.get(name);
    // A name that is gone only keeps its place among the answers.
    own.asked(named ?? { name: "", statement: NONE, refused: true });
  }
}

export function restoreServer(
  relay: ServerRelay,
  state: ServerState,
  statements: ReadonlyMap<number, Statement>,
): void {
  setAll(relay.variables, state.variables);
  relay.status = state.status;
  relay.copying = state.copying;
  relay.failed = state.failed;
  for (const [type, answer, id] of state.outstanding) relay.outstanding.push(type, answer, id);
  if (relay.statements !== undefined) restoreServerNames(relay.statements, state, statements);
}

function restoreServerNames(
  own: ServerStatements,
  state: ServerState,
  statements: ReadonlyMap<number, Statement>,
): void {
  own.batch = state.batch;
  for (const id of state.statements) {
    const statement = statements.get(id);
    if (statement === undefined) continue;
    statement.uses++;
    own.byId.set(id, statement);
  }
  for (const [id, there, sent] of state.pending) {
    const statement = statements.get(id);
    if (statement === undefined) continue;
    statement.uses++;
    own.pending.set(id, { statement, there, sent: [...sent] });
  }
}

function setAll(variables: Variables, pairs: Pairs): void {
  for (const [name, value] of pairs) variables.set(name, value);
}

const nothing: Buffer = Buffer.alloc(0);
/** Stands for a statement that nobody can name any more. */
const NONE: Statement = { id: 0, name: "", nameBytes: nothing, parse: nothing, key: "", uses: 1 };
