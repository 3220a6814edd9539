/**
 * A transaction as it is played: statement by statement, on whatever connection it is given, and again from
 * its first statement when an attempt has failed. Every decision is the simulator's own draw.
 */
import type { Nanos } from "../../engine/core/units.ts";
import { now } from "./clock.ts";
import type { Connection } from "./connection.ts";
import type { ClientDraws } from "./draws.ts";
import { preparedMessage } from "./prepared.ts";
import type { Stage } from "./stage.ts";

export class Playing {
  readonly draws: ClientDraws;
  /** Counts transactions; -1 before the first. */
  number = -1;
  /** Between its first sending and its end; pauses between attempts are part of it. */
  open = false;
  /** Wait for a connection of the application's own pool; NaN: there is none. */
  appWait = Number.NaN;
  /** When it was first sent, or first asked for a connection. */
  begun: Nanos = 0;
  private failed = 0;
  private statements = 0;
  private statement = 0;
  private sent: Nanos = 0;
  private wait = 0;
  private waitLater: Nanos = 0;
  private service: Nanos = 0;
  private lateness: Nanos = 0;
  private readonly stage: Stage;

  constructor(stage: Stage, draws: ClientDraws) {
    this.stage = stage;
    this.draws = draws;
  }

  /** Whether it is under way and began before `end`. */
  busyBefore(end: Nanos): boolean {
    return this.open && this.begun < end;
  }

  /** Pause from `at` on before the next transaction, under the load that there is then. */
  thinkTime(at: Nanos): Nanos {
    return this.stage.scheduled(this.draws.kind.name, this.draws.think(this.number + 1), at);
  }

  /** The next transaction begins; its timer was late by `lateness`. */
  next(lateness: Nanos): void {
    this.number++;
    this.failed = 0;
    this.open = true;
    this.begun = now();
    this.lateness = lateness;
    this.attempt();
  }

  /** From its first statement. */
  attempt(): void {
    this.statements = this.draws.statements(this.number);
    this.statement = 0;
    this.wait = Number.NaN;
    this.waitLater = 0;
    this.service = 0;
  }

  /** Sends the statement that is next. */
  ask(connection: Connection): void {
    const { kind } = this.draws;
    const statements = this.stage.statementsOf(kind.work);
    const service = statements.played(this.draws.service(this.number, this.later));
    this.service += service;
    const place = this.stage.place(this.statement, this.statements);
    const name = this.draws.prepared(this.number, this.later);
    const message =
      name === undefined
        ? statements.message(place, service)
        : preparedMessage(statements, name, place, service, connection.prepared);
    this.sent = now();
    connection.send(message);
  }

  /** A statement was answered, and `started` then. Returns the pause before the next; -1: that was all. */
  answered(at: Nanos, started: Nanos): Nanos {
    if (this.statement === 0) this.wait = started - this.sent;
    else this.waitLater += started - this.sent;
    const { later } = this;
    this.statement++;
    if (later > 0) return this.draws.gap(this.number, later);
    this.record(at - this.begun, 0, false);
    this.open = false;
    return -1;
  }

  /**
   * The attempt has failed, for the reason that has this number among the errors. Returns the pause before
   * the next one; -1: there is none, and the transaction is given up.
   */
  fail(at: Nanos, outcome: number): Nanos {
    const pause = this.draws.retryPause(this.number, this.failed);
    this.failed++;
    this.open = pause >= 0;
    this.record(at - this.begun, outcome, this.open);
    return pause;
  }

  /** Written down without a response: the run does not wait for it. */
  cutOff(): void {
    this.record(Number.NaN, 0, false);
    this.open = false;
  }

  /** Statements that follow the present one. */
  private get later(): number {
    return this.statements - 1 - this.statement;
  }

  private record(response: number, outcome: number, again: boolean): void {
    this.stage.recordTransaction({
      kind: this.draws.kind.index,
      client: this.draws.client,
      number: this.number,
      sent: this.begun,
      wait: this.wait,
      waitLater: this.waitLater,
      appWait: this.appWait,
      response,
      service: this.service,
      lateness: this.lateness,
      statements: this.statements,
      outcome,
      again: again ? 1 : 0,
    });
  }
}
