/**
 * Named prepared statements in transaction and statement mode (max_prepared_statements > 0): a client
 * keeps its own names, servers know each statement by one name for the whole process.
 * Source: PgBouncer 1.25.2 src/prepare.c; pgbouncer-semantics.md 3.11.
 */
import { Buffer } from "node:buffer";
import { FRONTEND, HEADER } from "./messages.ts";

/** One query text with its parameter types. */
export interface Statement {
  /** Counts from 1. */
  readonly id: number;
  /** Its name on every server. */
  readonly name: string;
  /** The same as bytes. */
  readonly nameBytes: Buffer;
  /** The whole Parse message that prepares it under that name. */
  readonly parse: Buffer;
  /** Query and types, byte for byte: what makes two statements the same. */
  readonly key: string;
  /** Clients and servers that know it; forgotten at 0. */
  uses: number;
}

/** All statements of the process. */
export class StatementTable {
  private readonly byKey = new Map<string, Statement>();
  private last = 0;

  /** Number of different statements in use. */
  get size(): number {
    return this.byKey.size;
  }

  /** Finds or makes the statement, and counts one use. `body`: query, NUL, count and types. */
  take(body: Buffer): Statement {
    const key = body.toString("latin1", 0, body.length);
    const statement = this.byKey.get(key) ?? this.make(this.last + 1, body, key);
    statement.uses++;
    return statement;
  }

  /** Makes the statement with this number, which servers know already; its uses are still to be counted. */
  make(id: number, body: Buffer, key = body.toString("latin1")): Statement {
    const name = `PGBOUNCER_${id}`;
    const nameBytes = Buffer.from(name, "latin1");
    const statement = { id, name, nameBytes, parse: parseMessage(name, body), key, uses: 0 };
    this.byKey.set(key, statement);
    this.last = Math.max(this.last, id);
    return statement;
  }

  /** All of them. */
  get all(): Iterable<Statement> {
    return this.byKey.values();
  }

  /** Counts one use less. */
  release(statement: Statement): void {
    statement.uses--;
    if (statement.uses === 0) this.byKey.delete(statement.key);
  }
}

/** A name that a client has given. */
export interface Named {
  readonly name: string;
  readonly statement: Statement;
  /** Its Parse failed or was skipped. It can be used, and is free to be given anew. */
  refused: boolean;
}

/** A client's names. Call `clear` when the client goes. */
export class ClientStatements {
  /** Since the host last zeroed them: client_parse_count, server_parse_count, bind_count. */
  clientParses = 0;
  serverParses = 0;
  binds = 0;
  readonly table: StatementTable;
  readonly byName = new Map<string, Named>();
  /** What Parse messages without an answer have named, oldest first. */
  readonly unanswered: Named[] = [];

  constructor(table: StatementTable) {
    this.table = table;
  }

  get size(): number {
    return this.byName.size;
  }

  find(name: string): Statement | undefined {
    return this.byName.get(name)?.statement;
  }

  /** A Parse must not give this name: it has one that has not failed. */
  isTaken(name: string): boolean {
    return this.byName.get(name)?.refused === false;
  }

  /** Gives a name, which is not taken, to a statement whose use has been counted. */
  add(name: string, statement: Statement): Named {
    this.remove(name);
    const named = { name, statement, refused: false };
    this.byName.set(name, named);
    return named;
  }

  remove(name: string): void {
    const named = this.byName.get(name);
    if (named === undefined) return;
    this.byName.delete(name);
    this.table.release(named.statement);
  }

  /** The Parse that gave this name waits for its answer. */
  asked(named: Named): void {
    this.unanswered.push(named);
  }

  /** The oldest such Parse was answered. */
  answered(): void {
    this.unanswered.shift();
  }

  /**
   * The oldest `count` of them failed or were skipped. PgBouncer keeps the names: a driver that does not
   * notice what was skipped, such as psycopg 3.1, can use them all the same. But it then disconnects a
   * client that tries again under the same name; PostgreSQL would let it, and so do we.
   */
  refused(count: number): void {
    for (const named of this.unanswered.splice(0, count)) named.refused = true;
  }

  /** All names are deallocated, but those whose Parse is still on its way. */
  deallocated(): void {
    for (const [name, named] of this.byName) {
      if (!this.unanswered.includes(named)) this.remove(name);
    }
  }

  clear(): void {
    for (const { statement } of this.byName.values()) this.table.release(statement);
    this.byName.clear();
  }
}

/** A statement with messages on their way to a server. */
export interface Pending {
  readonly statement: Statement;
  /** Whether the server had it at the last answer. */
  there: boolean;
  /** Parse or Close without an answer, oldest first, each as twice its batch plus 1 for a Parse. */
  readonly sent: number[];
}

/**
 * What is prepared on one server, least recently used first. Call `clear` when it closes. A client that
 * pipelines goes on before it can know that an error has made the server skip a Parse or a Close, so
 * what is on its way counts for the same batch only, which would be skipped with it. In a later one
 * such a statement is prepared anew after a Close, which does no harm where there is nothing to close.
 */
export class ServerStatements {
  /** max_prepared_statements, below 0: none. RELOAD may change it. Looked at when a statement is added. */
  limit: number;
  private readonly table: StatementTable;
  /**
   * Those that will be there if nothing is skipped. A Map keeps the order of insertion, which makes it
   * the list of last use too.
   */
  readonly byId = new Map<number, Statement>();
  readonly pending = new Map<number, Pending>();
  /** Id of the one used last; 0 when that is not known. */
  private youngest = 0;
  /** Counts the Syncs sent while something is on its way. */
  batch = 0;

  constructor(table: StatementTable, limit: number) {
    this.table = table;
    this.limit = limit;
  }

  get size(): number {
    return this.byId.size;
  }

  /** Moves a statement to the young end; false when it must be prepared first. */
  touch(statement: Statement): boolean {
    const { id } = statement;
    if (this.pending.size > 0) {
      const last = this.pending.get(id)?.sent.at(-1);
      if (last !== undefined && last !== this.batch * 2 + 1) return false;
    }
    if (id === this.youngest) return true;
    if (!this.byId.delete(id)) return false;
    this.byId.set(id, statement);
    this.youngest = id;
    return true;
  }

  /** True when the server may know a statement all the same, and Close was noted: send it. */
  doubts(statement: Statement): boolean {
    const pending = this.pending.get(statement.id);
    pending?.sent.push(this.batch * 2);
    return pending !== undefined;
  }

  /** Enters a statement whose Parse is being sent. */
  add(statement: Statement): void {
    this.send(statement, 1);
    this.place(statement);
  }

  /** A Sync is being sent: what is skipped before it tells nothing of what comes after it. */
  endBatch(): void {
    if (this.pending.size > 0) this.batch++;
  }

  /** Takes out the oldest while there are too many: send Close for it. Undefined: none too many. */
  evict(): Statement | undefined {
    if (this.limit < 0 || this.byId.size <= Math.max(1, this.limit)) return undefined;
    const [oldest] = this.byId.values();
    if (oldest === undefined) return undefined;
    this.send(oldest, 0);
    this.remove(oldest);
    return oldest;
  }

  /** The oldest message about this statement was answered. */
  answered(id: number): void {
    const pending = this.pending.get(id);
    if (pending === undefined) return;
    pending.there = (pending.sent.shift() ?? 0) % 2 === 1;
    this.settle(pending);
  }

  /** It failed, or was skipped because of an error. */
  skipped(id: number): void {
    const pending = this.pending.get(id);
    if (pending === undefined) return;
    pending.sent.shift();
    this.settle(pending);
  }

  /** The client has deallocated all. What is on its way comes after that. */
  deallocated(): void {
    for (const pending of this.pending.values()) pending.there = false;
    for (const statement of this.byId.values()) {
      if (!this.pending.has(statement.id)) this.remove(statement);
    }
  }

  clear(): void {
    for (const statement of this.byId.values()) this.table.release(statement);
    for (const { statement } of this.pending.values()) this.table.release(statement);
    this.byId.clear();
    this.pending.clear();
    this.youngest = 0;
  }

  private send(statement: Statement, parse: number): void {
    const { id } = statement;
    let pending = this.pending.get(id);
    if (pending === undefined) {
      pending = { statement, there: this.byId.has(id), sent: [] };
      this.pending.set(id, pending);
      statement.uses++;
    }
    pending.sent.push(this.batch * 2 + parse);
  }

  /** With nothing on its way any more it is known what the server has. */
  private settle({ statement, there, sent }: Pending): void {
    if (sent.length > 0) return;
    this.pending.delete(statement.id);
    if (!there) this.remove(statement);
    else if (!this.byId.has(statement.id)) this.place(statement);
    this.table.release(statement);
  }

  private place(statement: Statement): void {
    if (!this.byId.delete(statement.id)) statement.uses++;
    this.byId.set(statement.id, statement);
    this.youngest = statement.id;
  }

  private remove(statement: Statement): void {
    if (this.byId.delete(statement.id)) this.table.release(statement);
    if (this.youngest === statement.id) this.youngest = 0;
  }
}

/** What the start of a Parse, Bind, Describe or Close tells. */
export const NAMED = {
  /** It names no statement: nothing to do. */
  no: 0,
  /** It does: `Names` has been filled in. */
  yes: 1,
  /** More of the body is needed to tell. */
  unknown: 2,
  /** The body is complete and makes no sense. */
  broken: 3,
} as const;

/** The names in a message, as offsets into its body. */
export class Names {
  /** Start of the statement's name; a Bind has the portal's name and a NUL in front of it. */
  from = 0;
  /** Its NUL. */
  to = 0;

  /** Bytes of the name. */
  get length(): number {
    return this.to - this.from;
  }

  /**
   * Looks for the statement's name in `buffer` from `start` to `end`, which hold the body or, unless
   * `complete`, its beginning.
   */
  read(type: number, buffer: Buffer, start: number, end: number, complete: boolean): number {
    const missing = complete ? NAMED.broken : NAMED.unknown;
    if (start === end) return missing;
    let from = start;
    if (type === FRONTEND.describe || type === FRONTEND.close) {
      if (buffer[start] !== STATEMENT) return NAMED.no;
      from = start + 1;
    } else if (type === FRONTEND.bind) {
      const portal = buffer.indexOf(0, start);
      if (portal < 0 || portal >= end) return missing;
      from = portal + 1;
    }
    const to = buffer.indexOf(0, from);
    if (to < 0 || to >= end) return missing;
    if (to === from) return NAMED.no;
    this.from = from;
    this.to = to;
    // A Bind may be large and only its names are rewritten; of the others all is needed.
    return complete || type === FRONTEND.bind ? NAMED.yes : NAMED.unknown;
  }

  /** Where query, count and types end in the body of a Parse that ends at `end`; -1: they do not. */
  parseEnd(buffer: Buffer, end: number): number {
    const query = buffer.indexOf(0, this.to + 1);
    if (query < 0 || query + 3 > end) return -1;
    const types = query + 3 + buffer.readUInt16BE(query + 1) * 4;
    return types > end ? -1 : types;
  }
}

/** A Describe or Close of the statement with this name. */
export function statementMessage(type: number, name: string): Buffer {
  const message = Buffer.allocUnsafe(HEADER + 2 + name.length);
  message[0] = type;
  message.writeUInt32BE(message.length - 1, 1);
  message[HEADER] = STATEMENT;
  message.write(name, HEADER + 1, "latin1");
  message[message.length - 1] = 0;
  return message;
}

function parseMessage(name: string, body: Buffer): Buffer {
  const message = Buffer.allocUnsafe(HEADER + name.length + 1 + body.length);
  message[0] = FRONTEND.parse;
  message.writeUInt32BE(message.length - 1, 1);
  message.write(name, HEADER, "latin1");
  message[HEADER + name.length] = 0;
  body.copy(message, HEADER + name.length + 1);
  return message;
}

/** 'S': a statement, where 'P' is a portal. */
const STATEMENT = 0x53;

/** What the log says of a message whose name cannot be found in it. */
export const unparsed = (type: number): string =>
  `failed to parse prepared statement packet type '${String.fromCharCode(type)}'`;
