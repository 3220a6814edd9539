/**
 * A user of an application that has a pool of its own: it thinks, asks for a connection, perhaps waits, is
 * served and thinks again. The simulator's is in sim/model/app-clients.ts.
 */
import type { Nanos } from "../../engine/core/units.ts";
import type { AppPool } from "../schema/workload.ts";
import type { ServerError } from "./answers.ts";
import { now } from "./clock.ts";
import type { ClientDraws } from "./draws.ts";
import { CLIENT_TIMEOUT, outcomeOf, POOL_TIMEOUT } from "./errors.ts";
import { Playing } from "./playing.ts";
import { Session } from "./session.ts";
import type { Stage } from "./stage.ts";
import { type Player, patienceOf, timerOf } from "./timers.ts";

/**
 * `away`: between sessions. `idle`: between transactions. `waiting`: for a connection. `served`: it has one.
 * `pausing`: between attempts. `done`: for good.
 */
type State = "away" | "idle" | "waiting" | "served" | "pausing" | "done";

/** The pool, as its users see it. */
export interface Connections {
  readonly options: AppPool;
  /** Has a connection serve `user`, now or when there is one. */
  seek(user: AppUser): void;
  /** `user` waits no longer, or needs no longer what serves it. */
  abandon(user: AppUser): void;
  /** Asks to cancel what runs on the connection that serves `user`. */
  cancel(user: AppUser): void;
}

export class AppUser implements Player {
  readonly id: number;
  /** It has no connection of its own. */
  readonly online = false;
  readonly playing: Playing;
  private readonly stage: Stage;
  private readonly draws: ClientDraws;
  private readonly pool: Connections;
  private readonly session: Session;
  private state: State = "away";
  /** When this attempt asked for a connection. */
  private asked: Nanos = 0;

  constructor(id: number, stage: Stage, pool: Connections, draws: ClientDraws) {
    this.id = id;
    this.stage = stage;
    this.pool = pool;
    this.draws = draws;
    this.playing = new Playing(stage, draws);
    this.session = new Session(draws);
  }

  begin(at: Nanos): void {
    this.session.begin(at);
    this.think(at);
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
  }

  onTimer(due: Nanos, at: Nanos): void {
    this.stage.measures.lateness.record(at - due);
    if (this.state === "away") this.begin(at);
    else if (this.state === "idle") this.startTransaction(at - due);
    else if (this.state === "pausing") this.attempt();
    else if (this.state === "waiting") this.giveUp(at, POOL_TIMEOUT);
  }

  onPatience(at: Nanos): void {
    if (this.state === "served" && this.draws.kind.cancels) this.pool.cancel(this);
    else if (this.state === "waiting" || this.state === "served") this.giveUp(at, CLIENT_TIMEOUT);
  }

  /** A connection serves it from now on. */
  served(at: Nanos): void {
    this.stage.timers.cancel(timerOf(this.id));
    this.state = "served";
    this.playing.appWait = at - this.asked;
  }

  /** Its transaction was committed. */
  answered(at: Nanos): void {
    this.stage.timers.cancel(patienceOf(this.id));
    this.think(at);
  }

  /** What an error of its connection is counted under. */
  outcomeOf(error: ServerError): ServerError {
    return outcomeOf(error, this.draws.kind);
  }

  /** Its attempt has failed; whoever served it serves it no more. */
  failed(at: Nanos, outcome: number): void {
    this.stage.timers.cancel(timerOf(this.id));
    this.stage.timers.cancel(patienceOf(this.id));
    const pause = this.playing.fail(at, outcome);
    if (pause < 0) this.think(at);
    else {
      this.state = "pausing";
      this.stage.timers.set(timerOf(this.id), at + pause);
    }
  }

  private startTransaction(lateness: Nanos): void {
    this.session.use();
    this.playing.next(lateness);
    this.seek(this.playing.begun);
  }

  private attempt(): void {
    this.playing.attempt();
    this.seek(now());
  }

  private seek(asked: Nanos): void {
    const { timeout } = this.draws.kind;
    this.state = "waiting";
    this.asked = asked;
    this.playing.appWait = Number.NaN;
    if (timeout !== undefined) this.stage.timers.set(patienceOf(this.id), asked + timeout);
    const patience = this.pool.options.timeout;
    if (patience > 0) this.stage.timers.set(timerOf(this.id), asked + patience);
    this.pool.seek(this);
  }

  private giveUp(at: Nanos, reason: ServerError): void {
    this.pool.abandon(this);
    this.failed(at, this.stage.errors.count(reason));
  }

  private think(at: Nanos): void {
    if (this.session.isOver(at)) {
      this.goAway(at);
      return;
    }
    this.state = "idle";
    this.stage.pause(this, at, this.playing.thinkTime(at));
  }

  private goAway(at: Nanos): void {
    this.state = "away";
    if (this.draws.kind.open) this.stage.onDeparture(this.id);
    else this.stage.pause(this, at, this.session.end());
  }
}
