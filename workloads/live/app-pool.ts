/**
 * The pool inside one instance of an application: a few connections that its users share. Who finds none
 * idle waits, first in, first out; the connection that came back last goes first. The rules are those of the
 * simulator (sim/model/app-pools.ts, app-clients.ts); here are real connections.
 */
import { MILLISECOND, type Nanos } from "../../engine/core/units.ts";
import type { Address } from "../database/dsn.ts";
import type { AppPool as AppPoolOptions } from "../schema/workload.ts";
import type { AppUser, Connections } from "./app-user.ts";
import { ROLLBACK, SOONEST } from "./client.ts";
import { now } from "./clock.ts";
import type { Connection, ConnectionEnd } from "./connection.ts";
import { Line, type LineName, type LineOwner } from "./line.ts";
import type { Stage } from "./stage.ts";
import { type Player, timerOf } from "./timers.ts";

/** Makes one more connection of a pool known to the run. */
export type MakeMember = (pool: AppPool) => PoolMember;

export class AppPool implements Connections {
  readonly options: AppPoolOptions;
  private readonly make: MakeMember;
  private readonly members = new Set<PoolMember>();
  private readonly idle: PoolMember[] = [];
  private readonly waiting = new Set<AppUser>();

  constructor(options: AppPoolOptions, make: MakeMember) {
    this.options = options;
    this.make = make;
  }

  /** Connections that it always has; they are not begun yet. */
  fill(): PoolMember[] {
    const { size, min_size = size } = this.options;
    return Array.from({ length: min_size }, () => this.add());
  }

  /** An idle connection serves `user`, or it waits, and a connection is made if there is room. */
  seek(user: AppUser): void {
    const member = this.idle.pop();
    if (member !== undefined) {
      member.serve(user);
      return;
    }
    this.waiting.add(user);
    if (this.members.size < this.options.size) this.add().connect();
  }

  abandon(user: AppUser): void {
    if (this.waiting.delete(user)) return;
    for (const member of this.members) if (member.user === user) member.breakOff();
  }

  cancel(user: AppUser): void {
    for (const member of this.members) if (member.user === user) member.cancel();
  }

  /** The user that has waited longest, taken from the queue. */
  next(): AppUser | undefined {
    for (const user of this.waiting) {
      this.waiting.delete(user);
      return user;
    }
    return undefined;
  }

  /** `member` goes back to the pool. */
  rest(member: PoolMember): void {
    this.idle.push(member);
  }

  /** `member` is not to be had any more. */
  unrest(member: PoolMember): void {
    const at = this.idle.indexOf(member);
    if (at >= 0) this.idle.splice(at, 1);
  }

  /** Whether a connection may go because it has idled. */
  get hasSpare(): boolean {
    const { size, min_size = size } = this.options;
    return this.members.size > min_size;
  }

  /** `member` has closed; another takes its place where one is needed. */
  remove(member: PoolMember): void {
    const { size, min_size = size } = this.options;
    this.unrest(member);
    this.members.delete(member);
    if (this.members.size < min_size || this.waiting.size > 0) this.add().connect();
  }

  private add(): PoolMember {
    const member = this.make(this);
    this.members.add(member);
    return member;
  }
}

/** Between the attempts of a connection to log in that was refused; as in the simulator. */
const RECONNECT: Nanos = 100 * MILLISECOND;

/**
 * `out`: no connection. `login`: one is being made. `idle`: in the pool. `asking`: its user's statement is
 * under way. `gap`: between statements. `rollback`: cleaning up. `done`: for good.
 */
type State = "out" | "login" | "idle" | "asking" | "gap" | "rollback" | "done";

/** Where a connection goes, and its name in the records. */
type MemberPlace = readonly [address: Address, name: Omit<LineName, "timer">];

/** A connection of an application's pool; it plays its user's transactions. */
export class PoolMember implements Player, LineOwner {
  readonly id: number;
  /** Whom it serves. */
  user: AppUser | undefined;
  private readonly stage: Stage;
  private readonly pool: AppPool;
  private readonly line: Line;
  private state: State = "out";
  private born: Nanos = 0;
  private idleSince: Nanos = 0;
  /** Number of the error that its user is told once it is cleaned up. */
  private outcome = 0;

  constructor(id: number, stage: Stage, pool: AppPool, place: MemberPlace) {
    const [address, name] = place;
    this.id = id;
    this.stage = stage;
    this.pool = pool;
    this.line = new Line(stage, address, { ...name, timer: timerOf(id) }, this);
    this.born = now();
  }

  /** Begins to connect. */
  connect(): void {
    this.state = "login";
    this.line.dial();
  }

  begin(at: Nanos): void {
    this.born = at;
    if (this.state === "idle") this.idleSince = at;
    if (this.state === "idle") this.watch();
    else if (this.state === "out") this.again(at, RECONNECT);
  }

  get online(): boolean {
    return this.line.up !== undefined;
  }

  /** Its user's transactions are its user's. */
  busyBefore(): boolean {
    return false;
  }

  cutOff(): void {
    this.leave();
  }

  leave(): void {
    this.state = "done";
    this.stage.timers.cancel(timerOf(this.id));
    this.line.hangUp();
  }

  onPatience(): void {
    // It has none: its user has.
  }

  onTimer(due: Nanos, at: Nanos): void {
    this.stage.measures.lateness.record(at - due);
    if (this.line.retries()) return;
    if (this.state === "out") this.connect();
    else if (this.state === "gap") this.ask();
    else if (this.state === "idle" && this.isOver(at)) this.close();
    else if (this.state === "idle") this.watch();
  }

  /** Plays the transaction of `user`. */
  serve(user: AppUser): void {
    this.stage.timers.cancel(timerOf(this.id));
    this.user = user;
    user.served(now());
    this.ask();
  }

  /** Its user has gone: the connection is closed, and made again. */
  breakOff(): void {
    this.user = undefined;
    this.line.hangUp();
    this.again(now(), SOONEST);
  }

  /** Asks to cancel what runs, once: it may be over by then. */
  cancel(): void {
    this.line.up?.cancel();
  }

  onUp(at: Nanos): void {
    this.settle(at);
  }

  onRefused(at: Nanos): void {
    this.state = "out";
    if (this.stage.started) this.again(at, RECONNECT);
  }

  onAnswer(connection: Connection, at: Nanos): void {
    const { answers } = connection;
    if (this.state === "rollback") this.failed(at);
    else if (answers.error !== undefined) this.fail(at, connection);
    else this.answered(at, this.stage.clock.rough(answers.stamp));
  }

  onLost(at: Nanos, end: ConnectionEnd): void {
    const outcome = this.stage.errors.count(end.error);
    this.pool.unrest(this);
    this.part()?.failed(at, outcome);
    this.again(at, SOONEST);
  }

  private part(): AppUser | undefined {
    const { user } = this;
    this.user = undefined;
    return user;
  }

  private ask(): void {
    this.state = "asking";
    if (this.line.up !== undefined) this.user?.playing.ask(this.line.up);
  }

  private answered(at: Nanos, started: Nanos): void {
    const pause = this.user?.playing.answered(at, started) ?? -1;
    if (pause < 0) {
      this.part()?.answered(at);
      this.settle(at);
    } else if (pause === 0) this.ask();
    else {
      this.state = "gap";
      this.stage.timers.set(timerOf(this.id), at + pause);
    }
  }

  /** A statement has failed and the connection has not: it is cleaned up and goes back. */
  private fail(at: Nanos, connection: Connection): void {
    const { error, status } = connection.answers;
    if (error !== undefined)
      this.outcome = this.stage.errors.count(this.user?.outcomeOf(error) ?? error);
    if (status === "I") this.failed(at);
    else {
      this.state = "rollback";
      connection.send(ROLLBACK);
    }
  }

  private failed(at: Nanos): void {
    this.part()?.failed(at, this.outcome);
    this.settle(at);
  }

  /** What becomes of a connection that serves nobody. */
  private settle(at: Nanos): void {
    this.idleSince = at;
    this.state = "idle";
    if (this.isOver(at)) {
      this.close();
      return;
    }
    const user = this.pool.next();
    if (user !== undefined) this.serve(user);
    else {
      this.pool.rest(this);
      if (this.stage.started) this.watch();
    }
  }

  private isOver(at: Nanos): boolean {
    const { lifetime = 0, idle_timeout = 0 } = this.pool.options;
    if (lifetime > 0 && at >= this.born + lifetime) return true;
    return idle_timeout > 0 && at >= this.idleSince + idle_timeout && this.pool.hasSpare;
  }

  /** Looks again when it is too old, or has idled long enough; whichever of the two still lies ahead. */
  private watch(): void {
    const { lifetime = 0, idle_timeout = 0 } = this.pool.options;
    const dues = [
      lifetime > 0 ? this.born + lifetime : 0,
      idle_timeout > 0 ? this.idleSince + idle_timeout : 0,
    ].filter((due) => due > now());
    if (dues.length > 0) this.stage.timers.set(timerOf(this.id), Math.min(...dues));
  }

  private close(): void {
    this.leave();
    this.stage.onDeparture(this.id);
    this.pool.remove(this);
  }

  private again(at: Nanos, pause: Nanos): void {
    this.state = "out";
    this.stage.timers.set(timerOf(this.id), at + pause);
  }
}
