/**
 * What the driver writes down: one row a transaction, one a session, in growing typed arrays, so
 * that writing costs nothing while the run is on and the whole crosses to the parent as it is.
 */
import type { Nanos } from "../../engine/core/units.ts";

/** One row an attempt at a transaction, finished or failed; most have but one. Times are ns since the common start. */
export interface TransactionRecords {
  length: number;
  /** Index of the client's kind in the workload. */
  kind: Int32Array;
  /** The client's number within its kind, from 0: with the kind and the seed, its streams' name. */
  client: Int32Array;
  /** The client's how-manieth transaction, from 0: the index of its draws. */
  number: Int32Array;
  /** When its first statement was sent, in its first attempt; behind a pool: when a connection was asked for. */
  sent: Float64Array;
  /**
   * Server-side start of the first statement minus its sending: the wait, and the path's own overhead.
   * NaN when the statement never started.
   */
  wait: Float64Array;
  /** The same, summed over its further statements; they queue in statement mode only. */
  waitLater: Float64Array;
  /** Wait for a connection of the application's own pool, in this attempt; NaN: none, or none was had. */
  appWait: Float64Array;
  /** Last answer, or error, minus `sent`; NaN when the run did not wait for it. */
  response: Float64Array;
  /** Asked-for service, summed over its statements: whole milliseconds, or whole rows, each. */
  service: Float64Array;
  /** How late the timer was that started it. */
  lateness: Float64Array;
  statements: Int32Array;
  /** 0: committed. Otherwise 1 + index into the errors. */
  outcome: Int32Array;
  /** 1: it failed, and another attempt followed. */
  again: Int32Array;
}

/** One row a login that came to an end, successful or not. */
export interface SessionRecords {
  length: number;
  kind: Int32Array;
  client: Int32Array;
  /** When the connection was begun. Below zero for those made before the common start. */
  connected: Float64Array;
  /** Until the login was complete; NaN when it was refused. */
  login: Float64Array;
  /** 0: logged in. Otherwise 1 + index into the errors. */
  outcome: Int32Array;
  /** Which of the pooler's processes it came to, from 0; -1 where it has but one, or refused the login. */
  process: Int32Array;
  /** When the other side ended the connection; NaN: it has not. */
  lost: Float64Array;
}

/** An attempt, as a row. */
export interface TransactionRow {
  kind: number;
  client: number;
  number: number;
  sent: Nanos;
  wait: number;
  waitLater: Nanos;
  appWait: number;
  response: Nanos;
  service: Nanos;
  lateness: Nanos;
  statements: number;
  outcome: number;
  again: number;
}

/** A login, as a row. */
export interface SessionRow {
  kind: number;
  client: number;
  connected: Nanos;
  login: number;
  outcome: number;
  process: number;
}

const FIRST_CAPACITY = 4_096;

/** An empty table with room for `capacity` transactions. */
export function transactionRecords(capacity = FIRST_CAPACITY): TransactionRecords {
  return {
    length: 0,
    kind: new Int32Array(capacity),
    client: new Int32Array(capacity),
    number: new Int32Array(capacity),
    sent: new Float64Array(capacity),
    wait: new Float64Array(capacity),
    waitLater: new Float64Array(capacity),
    appWait: new Float64Array(capacity),
    response: new Float64Array(capacity),
    service: new Float64Array(capacity),
    lateness: new Float64Array(capacity),
    statements: new Int32Array(capacity),
    outcome: new Int32Array(capacity),
    again: new Int32Array(capacity),
  };
}

/** An empty table with room for `capacity` sessions. */
export function sessionRecords(capacity = FIRST_CAPACITY): SessionRecords {
  return {
    length: 0,
    kind: new Int32Array(capacity),
    client: new Int32Array(capacity),
    connected: new Float64Array(capacity),
    login: new Float64Array(capacity),
    outcome: new Int32Array(capacity),
    process: new Int32Array(capacity),
    lost: new Float64Array(capacity),
  };
}

export function appendTransaction(records: TransactionRecords, row: TransactionRow): void {
  if (records.length === records.client.length) resize(records, 2 * records.length);
  const at = records.length++;
  records.kind[at] = row.kind;
  records.client[at] = row.client;
  records.number[at] = row.number;
  records.sent[at] = row.sent;
  records.wait[at] = row.wait;
  records.waitLater[at] = row.waitLater;
  records.appWait[at] = row.appWait;
  records.response[at] = row.response;
  records.service[at] = row.service;
  records.lateness[at] = row.lateness;
  records.statements[at] = row.statements;
  records.outcome[at] = row.outcome;
  records.again[at] = row.again;
}

/** Returns the row's number. */
export function appendSession(records: SessionRecords, row: SessionRow): number {
  if (records.length === records.client.length) resize(records, 2 * records.length);
  const at = records.length++;
  records.kind[at] = row.kind;
  records.client[at] = row.client;
  records.connected[at] = row.connected;
  records.login[at] = row.login;
  records.outcome[at] = row.outcome;
  records.process[at] = row.process;
  records.lost[at] = Number.NaN;
  return at;
}

/** Cuts off the spare room. */
export function trim(records: TransactionRecords | SessionRecords): void {
  resize(records, records.length);
}

function resize(records: TransactionRecords | SessionRecords, capacity: number): void {
  const columns: Record<string, unknown> = { ...records };
  for (const [name, column] of Object.entries(columns)) {
    if (column instanceof Int32Array) columns[name] = copied(column, new Int32Array(capacity));
    if (column instanceof Float64Array) columns[name] = copied(column, new Float64Array(capacity));
  }
  Object.assign(records, columns);
}

function copied<T extends Int32Array | Float64Array>(from: T, to: T): T {
  to.set(from.subarray(0, to.length));
  return to;
}
