/**
 * One client of the workload, played for real, with a connection of its own. It follows the simulator's
 * client step by step and takes every decision from the same draws; only the waiting is real.
 */
import { MILLISECOND, type Nanos } from "../../engine/core/units.ts";
import type { Address } from "../database/dsn.ts";
import { isImpatient } from "../schema/kinds.ts";
import { now } from "./clock.ts";
import type { Connection, ConnectionEnd } from "./connection.ts";
import type { ClientDraws } from "./draws.ts";
import { CLIENT_TIMEOUT, outcomeOf } from "./errors.ts";
import { Line, type LineOwner } from "./line.ts";
import { Playing } from "./playing.ts";
import { Session } from "./session.ts";
import type { Stage } from "./stage.ts";
import { simpleQuery } from "./statements.ts";
import { type Player, patienceOf, timerOf } from "./timers.ts";

/**
 * `out`: no connection. `login`: one is being made. `idle`: between transactions. `asking`: a statement is
 * under way. `gap`: between statements. `rollback`: cleaning up. `pausing`: between attempts on the same
 * connection. `done`: for good.
 */
type State = "out" | "login" | "idle" | "asking" | "gap" | "rollback" | "pausing" | "done";

export const ROLLBACK = simpleQuery("rollback");

export class Client implements Player, LineOwner {
  readonly id: number;
  private readonly stage: Stage;
  private readonly draws: ClientDraws;
  private readonly line: Line;
  private readonly playing: Playing;
  private readonly session: Session;
  private state: State = "out";
  /** Pause after the attempt that was cancelled; -1: it was the last. */
  private next: Nanos = -1;

  constructor(id: number, stage: Stage, address: Address, draws: ClientDraws) {
    this.id = id;
    this.stage = stage;
    this.draws = draws;
    const name = { kind: draws.kind.index, client: draws.client, timer: timerOf(id) };
    this.line = new Line(stage, address, name, this);
    this.playing = new Playing(stage, draws);
    this.session = new Session(draws);
  }

  /** Begins to connect. */
  connect(): void {
    this.state = "login";
    this.line.dial();
  }

  begin(at: Nanos): void {
    if (this.state === "idle") this.startSession(at);
    else if (this.state === "out") this.comeBack(at);
  }

  get online(): boolean {
    return this.line.up !== undefined;
  }

  busyBefore(end: Nanos): boolean {
    return this.playing.busyBefore(end);
  }

  cutOff(end: Nanos): void {
    if (this.busyBefore(end)) this.playing.cutOff();
    this.leave();
  }

  leave(): void {
    this.state = "done";
    this.stage.timers.cancel(timerOf(this.id));
    this.stage.timers.cancel(patienceOf(this.id));
    this.line.hangUp();
  }

  onTimer(due: Nanos, at: Nanos): void {
    this.stage.measures.lateness.record(at - due);
    if (this.line.retries()) return;
    if (this.state === "out") this.connect();
    else if (this.state === "idle") this.startTransaction(at - due);
    else if (this.state === "gap") this.ask();
    else if (this.state === "pausing") this.tryAgain();
  }

  /** It has waited long enough: it goes, and with it its connection; or it cancels, once, and stays. */
  onPatience(at: Nanos): void {
    if (!this.playing.open) return;
    if (this.draws.kind.cancels) {
      this.line.up?.cancel();
      return;
    }
    this.line.hangUp();
    this.attemptFailed(at, this.stage.errors.count(CLIENT_TIMEOUT));
  }

  onUp(at: Nanos): void {
    this.state = "idle";
    if (this.playing.open) this.tryAgain();
    else if (this.stage.started) this.startSession(at);
  }

  onRefused(at: Nanos, outcome: number): void {
    if (this.playing.open) this.attemptFailed(at, outcome);
    else this.comeBack(at, SOONEST);
  }

  onAnswer(connection: Connection, at: Nanos): void {
    const { answers } = connection;
    if (this.state === "rollback") this.goOn(at);
    else if (answers.error !== undefined) this.fail(at, connection);
    else this.answered(at, this.stage.clock.rough(answers.stamp));
  }

  onLost(at: Nanos, end: ConnectionEnd): void {
    if (this.playing.open) this.attemptFailed(at, this.stage.errors.count(end.error));
    else {
      if (this.state === "idle" && end.kind === "told") this.stage.errors.count(end.error);
      this.comeBack(at, SOONEST);
    }
  }

  private startSession(at: Nanos): void {
    this.session.begin(at);
    this.think(at);
  }

  /** Idle until the next transaction, unless the session is over. */
  private think(at: Nanos): void {
    this.state = "idle";
    if (this.session.isOver(at)) {
      this.line.hangUp();
      this.comeBack(at);
    } else {
      this.stage.pause(this, at, this.playing.thinkTime(at));
    }
  }

  /** Away for at least `least`, then a new session. */
  private comeBack(at: Nanos, least: Nanos = 0): void {
    this.state = "out";
    if (this.draws.kind.open) this.stage.onDeparture(this.id);
    else if (this.stage.started) this.stage.pause(this, at, Math.max(least, this.session.end()));
  }

  private startTransaction(lateness: Nanos): void {
    this.session.use();
    this.playing.next(lateness);
    this.expect();
    this.ask();
  }

  /** With the same draws. */
  private tryAgain(): void {
    this.playing.attempt();
    this.expect();
    this.ask();
  }

  /** From now on its patience runs. */
  private expect(): void {
    const { timeout } = this.draws.kind;
    if (timeout !== undefined) this.stage.timers.set(patienceOf(this.id), now() + timeout);
  }

  private ask(): void {
    this.state = "asking";
    if (this.line.up !== undefined) this.playing.ask(this.line.up);
  }

  private answered(at: Nanos, started: Nanos): void {
    const pause = this.playing.answered(at, started);
    if (pause >= 0) {
      this.state = "gap";
      this.stage.pause(this, at, pause);
    } else {
      this.stage.timers.cancel(patienceOf(this.id));
      this.think(at);
    }
  }

  /** A statement has failed and the connection has not; who tries again does so on a new one, or cancels. */
  private fail(at: Nanos, connection: Connection): void {
    const { error, status } = connection.answers;
    if (error === undefined) return;
    const { kind } = this.draws;
    const outcome = this.stage.errors.count(outcomeOf(error, kind));
    if (isImpatient(kind) && !kind.cancels) {
      this.line.hangUp();
      this.attemptFailed(at, outcome);
      return;
    }
    this.stage.timers.cancel(patienceOf(this.id));
    this.next = this.playing.fail(at, outcome);
    if (status === "I") this.goOn(at);
    else {
      this.state = "rollback";
      connection.send(ROLLBACK);
    }
  }

  /** After a failure, on the same connection. */
  private goOn(at: Nanos): void {
    if (this.next < 0) this.think(at);
    else {
      this.state = "pausing";
      this.stage.pause(this, at, this.next);
    }
  }

  /** The connection is lost, and with it an attempt. */
  private attemptFailed(at: Nanos, outcome: number): void {
    this.stage.timers.cancel(patienceOf(this.id));
    const pause = this.playing.fail(at, outcome);
    if (pause < 0) this.comeBack(at, SOONEST);
    else {
      this.state = "out";
      this.stage.timers.set(timerOf(this.id), at + Math.max(SOONEST, pause));
    }
  }
}

/** Nobody connects twice in the same instant; as in the simulator. */
export const SOONEST: Nanos = MILLISECOND;
