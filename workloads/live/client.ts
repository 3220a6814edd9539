/**
 * One client of the workload, played for real. It follows the simulator's client step by step and
 * takes every decision from the same draws; only the waiting is real.
 */
import type { Nanos } from "../../engine/core/units.ts";
import type { Address } from "../database/dsn.ts";
import { now } from "./clock.ts";
import { Connection, type ConnectionEnd, type Listener } from "./connection.ts";
import type { ClientDraws } from "./draws.ts";
import { isShutdown, type Stage } from "./stage.ts";
import { simpleQuery } from "./statements.ts";

/**
 * `out`: no connection. `again`: its attempt met a full queue. `login`: one is being made. `idle`:
 * between transactions. `asking`: a statement is under way. `gap`: between statements. `rollback`:
 * cleaning up. `done`: for good.
 */
type State = "out" | "again" | "login" | "idle" | "asking" | "gap" | "rollback" | "done";

const ROLLBACK = simpleQuery("rollback");
/** A full listen queue refuses a Unix socket at once; TCP would have tried again by itself. */
const CONNECT_AGAIN: Nanos = 5_000_000;

export class Client implements Listener {
  /** Number of its timer. */
  readonly id: number;
  private readonly stage: Stage;
  private readonly address: Address;
  private readonly draws: ClientDraws;
  private state: State = "out";
  private connection: Connection | undefined;
  private connectedAt: Nanos = 0;
  /** Counts transactions; -1 before the first. */
  private number = -1;
  /** Counts sessions, and logins that were refused. */
  private session = 0;
  private transactionsLeft = 0;
  private sessionEnd: Nanos = 0;
  // The transaction under way.
  private statements = 0;
  private statement = 0;
  private sentFirst: Nanos = 0;
  private sent: Nanos = 0;
  private wait = 0;
  private waitLater: Nanos = 0;
  private service: Nanos = 0;
  private lateness: Nanos = 0;

  constructor(id: number, stage: Stage, address: Address, draws: ClientDraws) {
    this.id = id;
    this.stage = stage;
    this.address = address;
    this.draws = draws;
  }

  /** Begins to connect; `since` when it first tried. */
  connect(since = now()): void {
    this.state = "login";
    this.connectedAt = since;
    this.connection = new Connection(this.address, this);
  }

  /** The common start, for a client that connected before it. */
  begin(at: Nanos): void {
    if (this.state === "idle") this.startSession(at);
    else if (this.state === "out") this.comeBack(at);
  }

  /** Whether it is logged in. */
  get online(): boolean {
    return this.state !== "out" && this.state !== "again" && this.state !== "login";
  }

  /** Whether a transaction is under way that was sent before `end`. */
  busyBefore(end: Nanos): boolean {
    return (this.state === "asking" || this.state === "gap") && this.sentFirst < end;
  }

  /** Leaves; a transaction under way sent before `end` is written down without a response. */
  cutOff(end: Nanos): void {
    if (this.busyBefore(end)) this.record(Number.NaN, 0);
    this.leave();
  }

  /** Goes for good. */
  leave(): void {
    this.state = "done";
    this.stage.timers.cancel(this.id);
    this.connection?.close();
  }

  onTimer(due: Nanos, at: Nanos): void {
    this.stage.measures.lateness.record(at - due);
    if (this.state === "out") this.connect();
    else if (this.state === "again") this.connect(this.connectedAt);
    else if (this.state === "idle") this.startTransaction(at - due);
    else if (this.state === "gap") this.ask();
  }

  onLogin(connection: Connection): void {
    const at = now();
    this.recordSession(at - this.connectedAt, 0);
    this.connection = connection;
    this.state = "idle";
    if (this.stage.started) this.startSession(at);
    this.stage.onConnected();
  }

  onAnswer(connection: Connection): void {
    const at = now();
    const { answers } = connection;
    if (this.state === "rollback") this.think(at);
    else if (answers.error !== undefined) this.fail(at, connection);
    else this.answered(at, this.stage.clock.rough(answers.stamp));
    this.stage.measures.processing.record(now() - at);
    this.stage.timers.run(at); // We are awake: others may be due.
  }

  onEnd(_connection: Connection, end: ConnectionEnd): void {
    const at = now();
    this.connection = undefined;
    if (this.state === "login" && this.refused(at, end)) return;
    if (this.busyBefore(at)) this.record(at - this.sentFirst, this.stage.errors.count(end.error));
    else if (this.state === "idle" && end.kind === "told") this.stage.errors.count(end.error);
    if (end.kind === "silent" || isShutdown(end.error)) this.stage.onSilence();
    this.comeBack(at);
  }

  /** The connection could not be made. True: it is being tried again at once. */
  private refused(at: Nanos, end: ConnectionEnd): boolean {
    if (end.kind === "unreachable" && end.error.sqlstate === "EAGAIN") {
      this.state = "again";
      this.stage.timers.set(this.id, at + CONNECT_AGAIN);
      return true;
    }
    const outcome = this.stage.errors.count(end.error);
    this.recordSession(Number.NaN, outcome);
    if (end.kind === "unreachable") this.stage.onUnreachable(end.error);
    this.stage.onConnected();
    return false;
  }

  private startSession(at: Nanos): void {
    this.transactionsLeft = this.draws.transactions(this.session);
    this.sessionEnd = at + this.draws.duration(this.session);
    this.think(at);
  }

  /** Idle until the next transaction, unless the session is over. */
  private think(at: Nanos): void {
    this.state = "idle";
    if (this.transactionsLeft <= 0 || at >= this.sessionEnd) this.endSession(at);
    else {
      const think = this.draws.think(this.number + 1);
      this.pause(at, this.stage.scheduled(this.draws.kind.name, think, at));
    }
  }

  private endSession(at: Nanos): void {
    this.connection?.close();
    this.connection = undefined;
    this.comeBack(at);
  }

  /** Away, then a new session. */
  private comeBack(at: Nanos): void {
    this.state = "out";
    if (this.draws.kind.open) this.stage.onDeparture(this.id);
    else if (this.stage.started) this.pause(at, this.draws.away(this.session++));
  }

  /** Lets `length` pass; nothing at all does not wait for a timer's millisecond. */
  private pause(at: Nanos, length: Nanos): void {
    if (length > 0) this.stage.timers.set(this.id, at + length);
    else this.onTimer(at, at);
  }

  private startTransaction(lateness: Nanos): void {
    this.number++;
    this.transactionsLeft--;
    this.statements = this.draws.statements(this.number);
    this.statement = 0;
    this.wait = Number.NaN;
    this.waitLater = 0;
    this.service = 0;
    this.lateness = lateness;
    this.ask();
  }

  private ask(): void {
    const { kind } = this.draws;
    const statements = this.stage.statementsOf(kind.work);
    const service = statements.played(this.draws.service(this.number, this.later));
    this.service += service;
    this.state = "asking";
    const message = statements.message(this.stage.place(this.statement, this.statements), service);
    this.sent = now();
    if (this.statement === 0) this.sentFirst = this.sent;
    this.connection?.send(message);
  }

  /** Statements that follow the present one. */
  private get later(): number {
    return this.statements - 1 - this.statement;
  }

  private answered(at: Nanos, started: Nanos): void {
    if (this.statement === 0) this.wait = started - this.sent;
    else this.waitLater += started - this.sent;
    const { later } = this;
    this.statement++;
    if (later > 0) {
      this.state = "gap";
      this.pause(at, this.draws.gap(this.number, later));
    } else {
      this.record(at - this.sentFirst, 0);
      this.think(at);
    }
  }

  private fail(at: Nanos, connection: Connection): void {
    const { error, status } = connection.answers;
    if (error !== undefined) this.record(at - this.sentFirst, this.stage.errors.count(error));
    if (status === "I") this.think(at);
    else {
      this.state = "rollback";
      connection.send(ROLLBACK);
    }
  }

  private recordSession(login: number, outcome: number): void {
    const { kind, client } = this.draws;
    this.stage.recordSession({
      kind: kind.index,
      client,
      connected: this.connectedAt,
      login,
      outcome,
    });
  }

  private record(response: number, outcome: number): void {
    this.stage.recordTransaction({
      kind: this.draws.kind.index,
      client: this.draws.client,
      number: this.number,
      sent: this.sentFirst,
      wait: this.wait,
      waitLater: this.waitLater,
      response,
      service: this.service,
      lateness: this.lateness,
      statements: this.statements,
      outcome,
    });
  }
}
