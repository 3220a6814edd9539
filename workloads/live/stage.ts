/**
 * What all clients of a run share: its clocks, timers, tables and the question whether it is on.
 */
import type { Nanos } from "../../engine/core/units.ts";
import type { Course } from "../../sim/kernel/course.ts";
import type { Address } from "../database/dsn.ts";
import { OutsideError } from "../database/errors.ts";
import { loadCourse } from "../schema/courses.ts";
import type { Work } from "../schema/workload.ts";
import type { ServerError } from "./answers.ts";
import type { ServerClock } from "./clock.ts";
import { Connection } from "./connection.ts";
import { ErrorCounter } from "./errors.ts";
import { Measures } from "./measures.ts";
import { type LoginParameters, loginParameters } from "./parameters.ts";
import type { Plan } from "./plan.ts";
import {
  appendSession,
  appendTransaction,
  type SessionRow,
  sessionRecords,
  type TransactionRow,
  transactionRecords,
  trim,
} from "./records.ts";
import { Counts, type Place, Sleeps, type Standstill, type Statements } from "./statements.ts";
import { type Player, Timers, timerOf } from "./timers.ts";

/** Asked whom the run consists of, and told what happens to it. */
export interface Director {
  onTimer(id: number, due: Nanos, at: Nanos): void;
  /** A connection was made or refused. */
  onConnected(): void;
  /** A client will not come back. */
  onDeparture(id: number): void;
  /** The run cannot go on. */
  onFailure(error: OutsideError): void;
}

export class Stage {
  readonly timers: Timers;
  readonly errors = new ErrorCounter();
  readonly measures = new Measures();
  readonly transactions = transactionRecords();
  readonly sessions = sessionRecords();
  readonly clock: ServerClock;
  /** What the clients of each kind say at login. */
  readonly parameters: readonly LoginParameters[];
  /** The common start lies behind. */
  started = false;
  /** Our time of the common start. */
  zero: Nanos = 0;
  /** Of the pooler; several are peers of each other. */
  readonly processes: number;
  /** Database or pooler fail on purpose: who is lost, or finds nobody, is no reason to give up. */
  readonly breaks: boolean;
  private readonly stalls: readonly { begin: Nanos; length: Nanos }[];
  private readonly director: Director;
  private readonly autocommit: boolean;
  /** Load over the time since the common start, by kind. */
  private readonly loads: ReadonlyMap<string, Course | undefined>;
  private readonly target: Address;
  private readonly statements: Record<Work, Statements>;
  /** A connection made to see whether connections can still be made. */
  private probe: Connection | undefined;

  constructor(director: Director, clock: ServerClock, target: Address, plan: Plan) {
    this.director = director;
    this.clock = clock;
    this.target = target;
    const { clients, faults = [], file, pooler } = plan.workload;
    this.processes = pooler?.processes ?? 1;
    this.breaks = faults.length > 0;
    this.stalls = faults
      .filter(({ fault }) => fault === "stall")
      .map(({ at, for: length }) => ({ begin: plan.warmup + at, length }));
    this.parameters = clients.map((kind) => loginParameters(kind, file));
    this.autocommit = plan.poolMode === "statement";
    this.loads = new Map(
      clients.map(({ name }) => [name, loadCourse(plan.workload, name, plan.warmup)]),
    );
    this.statements = { sleep: new Sleeps(), cpu: new Counts(plan.rowTime ?? Number.NaN) };
    this.timers = new Timers((id, due, at) => director.onTimer(id, due, at));
  }

  /** The common start is at our time `zero`: so the server's time of every standstill is known. */
  startAt(zero: Nanos): void {
    this.zero = zero;
    const standstills = this.stalls.map(({ begin, length }): Standstill => {
      return { begin: this.clock.stampAt(zero + begin) / 1e6, length: length / 1e9 };
    });
    this.statements.sleep = new Sleeps(standstills);
  }

  /** `pause` of a client of kind `kind`, as the schedule shortens or lengthens it from `at` on. */
  scheduled(kind: string, pause: Nanos, at: Nanos): Nanos {
    const since = at - this.zero;
    return (this.loads.get(kind)?.after(since, pause) ?? since + pause) - since;
  }

  /** Lets `length` pass; nothing at all does not wait for a timer's millisecond. */
  pause(player: Player, at: Nanos, length: Nanos): void {
    if (length > 0) this.timers.set(timerOf(player.id), at + length);
    else player.onTimer(at, at);
  }

  /** How statements of this work are said. */
  statementsOf(work: Work): Statements {
    return this.statements[work];
  }

  /**
   * Where statement `index` of `count` stands; each stands alone when every one commits by itself.
   */
  place(index: number, count: number): Place {
    if (this.autocommit || count === 1) return "only";
    if (index === 0) return "first";
    return index === count - 1 ? "last" : "middle";
  }

  /** Writes a row down, in our own time; `finish` puts all rows right. */
  recordTransaction(row: TransactionRow): void {
    appendTransaction(this.transactions, row);
  }

  recordSession(row: SessionRow): number {
    return appendSession(this.sessions, row);
  }

  /** The connection of this row of the sessions was ended by the other side. */
  recordLoss(row: number, at: Nanos): void {
    this.sessions.lost[row] = at;
  }

  /** Forgets what is outstanding. */
  close(): void {
    this.timers.clear();
    this.probe?.close();
  }

  /** Makes all times relative to the common start, and takes the clocks' drift off the waits. */
  finish(): void {
    const { transactions, sessions, clock, zero } = this;
    for (let at = 0; at < transactions.length; at++) {
      const sent = transactions.sent[at] ?? 0;
      const gained = clock.gainedAt(sent);
      transactions.sent[at] = sent - zero;
      transactions.wait[at] = (transactions.wait[at] ?? 0) - gained;
      const later = (transactions.statements[at] ?? 1) - 1;
      transactions.waitLater[at] = (transactions.waitLater[at] ?? 0) - later * gained;
    }
    for (let at = 0; at < sessions.length; at++) {
      sessions.connected[at] = (sessions.connected[at] ?? 0) - zero;
      sessions.lost[at] = (sessions.lost[at] ?? 0) - zero;
    }
    trim(transactions);
    trim(sessions);
  }

  onConnected(): void {
    this.director.onConnected();
  }

  onDeparture(id: number): void {
    this.director.onDeparture(id);
  }

  onUnreachable(error: ServerError): void {
    const { host, port } = this.target;
    const hint = FILE_LIMIT.includes(error.sqlstate) ? "; raise the limit with `ulimit -n`" : "";
    const message = `the live run lost ${host}:${port}: ${error.text}${hint}`;
    this.director.onFailure(new OutsideError(message));
  }

  /**
   * A connection ended without a word, or with the words of a server that shuts down. Whether that
   * was one connection's fate or everybody's is found out by making another.
   */
  onSilence(): void {
    if (this.breaks || this.probe !== undefined) return;
    this.probe = new Connection(this.target, {
      onLogin: (connection) => {
        connection.close();
        this.probe = undefined;
      },
      onAnswer: () => undefined,
      onEnd: (_connection, end) => {
        this.probe = undefined;
        if (end.kind !== "told" || isShutdown(end.error)) this.onUnreachable(end.error);
      },
    });
  }
}

/** Class 57P: the server was told to stop, crashed or is not up. */
export function isShutdown(error: ServerError): boolean {
  return error.sqlstate.startsWith("57P0");
}

const FILE_LIMIT = ["EMFILE", "ENFILE"];
