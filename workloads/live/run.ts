/** A live run from inside the driver process: connect everybody, start together, stop, clean up. */
import { setTimeout as sleep } from "node:timers/promises";
import { MILLISECOND, type Nanos } from "../../engine/core/units.ts";
import { showAddress } from "../database/dsn.ts";
import { OutsideError } from "../database/errors.ts";
import { staying } from "../schema/kinds.ts";
import { AppPool, PoolMember } from "./app-pool.ts";
import { AppUser } from "./app-user.ts";
import { Client } from "./client.ts";
import { type ClockReading, clockResolution, now, ServerClock } from "./clock.ts";
import { ClientDraws, Kind } from "./draws.ts";
import { checkOpenFiles } from "./open-files.ts";
import {
  type DriverResult,
  type LiveProgress,
  type Plan,
  type Report,
  targetAddress,
} from "./plan.ts";
import { Sentinel } from "./sentinel.ts";
import { type Director, Stage } from "./stage.ts";
import { type Player, timerOf } from "./timers.ts";

/** Logins under way before the common start: more would overflow a listen queue of 128. */
const LOGINS_MAX = 64;
/** Between the last login and the common start. */
const LEAD: Nanos = 20 * MILLISECOND;
const DRAIN_POLL_MS = 5;
const PROGRESS_MS = 250;

/** Plays `plan` and reports its progress. Errors: OutsideError. */
export async function playPlan(
  plan: Plan,
  report: (report: Report) => void,
): Promise<DriverResult> {
  checkOpenFiles(staying(plan.workload.clients));
  const sentinel = new Sentinel(plan.direct ?? targetAddress(plan, 0));
  await sentinel.open();
  const first = await sentinel.compare();
  // Without an address of its own it would take a pooled connection from the clients.
  const leaves = plan.direct === undefined || plan.workload.faults !== undefined;
  if (leaves) sentinel.close();
  const run = new Run(plan, report, first);
  sentinel.onLoss = (error) => run.onFailure(error);
  try {
    await run.play();
    if (leaves) await sentinel.openPatiently();
    return run.result(first, await sentinel.compare());
  } finally {
    sentinel.onLoss = () => undefined;
    sentinel.close();
    run.end();
  }
}

class Run implements Director {
  private readonly plan: Plan;
  private readonly report: (report: Report) => void;
  private readonly stage: Stage;
  private readonly kinds: Kind[];
  private readonly players = new Map<number, Player>();
  /** Who is to connect before the common start. */
  private readonly queue: (Client | PoolMember)[] = [];
  /** The pools of each kind that has any: one for each instance of the application. */
  private readonly pools: AppPool[][];
  private nextPlayer = 0;
  private logins = 0;
  private unfinished = 0;
  private phase: LiveProgress["phase"] = "connecting";
  private fail: (error: OutsideError) => void = () => undefined;
  private readonly failure: Promise<never>;
  private allConnected: () => void = () => undefined;

  constructor(plan: Plan, report: (report: Report) => void, first: ClockReading) {
    this.plan = plan;
    this.report = report;
    const clock = new ServerClock(first);
    this.stage = new Stage(this, clock, targetAddress(plan, 0), plan);
    this.kinds = plan.workload.clients.map((kind, index) => new Kind(plan.seed, kind, index));
    this.pools = this.kinds.map((kind) => this.poolsOf(kind));
    this.failure = new Promise((_, reject) => {
      this.fail = reject;
    });
    this.failure.catch(() => undefined); // Whoever waits hears of it; nobody may be waiting yet.
  }

  async play(): Promise<void> {
    const ticker = setInterval(() => this.tell(), PROGRESS_MS);
    try {
      await this.until(this.connectAll());
      this.expectSomebody();
      this.start();
      await this.until(sleep((this.plan.warmup + this.plan.duration + LEAD) / 1e6));
      await this.until(this.drain());
    } finally {
      clearInterval(ticker);
      this.tell();
    }
  }

  result(first: ClockReading, last: ClockReading): DriverResult {
    const { stage } = this;
    stage.clock.finish(last);
    stage.finish();
    return {
      kinds: this.kinds.map(({ name, joined }) => ({ name, clients: joined })),
      transactions: stage.transactions,
      sessions: stage.sessions,
      errors: stage.errors.counts,
      unfinished: this.unfinished,
      clock: {
        round_trip_before: first.roundTrip,
        round_trip_after: last.roundTrip,
        drift: stage.clock.drift,
      },
      driver: stage.measures.finish(clockResolution()),
    };
  }

  /** Closes every connection. */
  end(): void {
    this.stage.close();
    for (const client of this.players.values()) client.leave();
  }

  onTimer(id: number, due: Nanos, at: Nanos): void {
    const player = this.players.get(id >> 1);
    if (id >= 0 && timerOf(id >> 1) === id) player?.onTimer(due, at);
    else if (id >= 0) player?.onPatience(at);
    else if (id === START) this.begin();
    else this.arrive(this.kinds[ARRIVALS - id], due);
  }

  onConnected(): void {
    if (this.stage.started) return;
    this.logins--;
    this.connectMore();
  }

  onDeparture(id: number): void {
    this.players.delete(id);
  }

  onFailure(error: OutsideError): void {
    this.fail(error);
  }

  private until<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.failure]);
  }

  private connectAll(): Promise<void> {
    for (const kind of this.kinds) {
      const pools = this.pools[kind.index] ?? [];
      this.queue.push(...pools.flatMap((pool) => pool.fill()));
      for (let number = 0; number < kind.count; number++) {
        if (pools.length > 0) this.addUser(kind, number);
        else this.queue.push(this.addClient(kind, number));
      }
    }
    this.queue.reverse(); // It is taken from its end.
    return new Promise((resolve) => {
      this.allConnected = resolve;
      this.connectMore();
    });
  }

  private addClient(kind: Kind, number: number): Client {
    const draws = new ClientDraws(kind, number);
    const address = targetAddress(this.plan, kind.index);
    return this.added(new Client(this.nextPlayer++, this.stage, address, draws));
  }

  /** Users of an instance are every so many-th of the kind. */
  private addUser(kind: Kind, number: number): AppUser {
    const pools = this.pools[kind.index] ?? [];
    const pool = pools[number % pools.length] as AppPool;
    const draws = new ClientDraws(kind, number);
    return this.added(new AppUser(this.nextPlayer++, this.stage, pool, draws));
  }

  private poolsOf({ index, app_pool }: Kind): AppPool[] {
    let made = 0;
    const make = (pool: AppPool): PoolMember => {
      const place = [targetAddress(this.plan, index), { kind: index, client: made++ }] as const;
      return this.added(new PoolMember(this.nextPlayer++, this.stage, pool, place));
    };
    if (app_pool === undefined) return [];
    return Array.from({ length: app_pool.instances }, () => new AppPool(app_pool, make));
  }

  private added<P extends Player>(player: P): P {
    this.players.set(player.id, player);
    return player;
  }

  private connectMore(): void {
    while (this.logins < LOGINS_MAX) {
      const client = this.queue.pop();
      if (client === undefined) break;
      this.logins++;
      client.connect();
    }
    if (this.logins === 0) this.allConnected();
  }

  /** Refused logins are results; a run with nothing else is a mistake in the address. */
  private expectSomebody(): void {
    const [error] = this.stage.errors.counts;
    if (error === undefined || this.countOf((client) => client.online) > 0) return;
    const place = showAddress(targetAddress(this.plan, 0));
    throw new OutsideError(`no client could log in at ${place}: ${error.text}`);
  }

  private start(): void {
    this.stage.startAt(now() + LEAD);
    this.stage.measures.start();
    this.stage.timers.set(START, this.stage.zero);
    const wall = performance.timeOrigin + this.stage.zero / 1e6;
    this.report({ kind: "started", wall });
  }

  private begin(): void {
    this.stage.started = true;
    this.phase = "running";
    for (const client of this.players.values()) client.begin(this.stage.zero);
    for (const kind of this.kinds) if (kind.open) this.expect(kind, this.stage.zero);
  }

  /** The next arrival comes a gap after the last one was due: lateness does not add up. */
  private expect(kind: Kind, last: Nanos): void {
    const gap = kind.arrivalGap(kind.joined);
    const due = last + this.stage.scheduled(kind.name, gap, last);
    this.stage.timers.set(ARRIVALS - kind.index, due);
  }

  private arrive(kind: Kind | undefined, due: Nanos): void {
    if (kind === undefined) return;
    const number = kind.joined++;
    if (kind.app_pool === undefined) this.addClient(kind, number).connect();
    else this.addUser(kind, number).begin(due);
    this.expect(kind, due);
  }

  /**
   * Everybody goes on as before until the transactions sent before the end are over. Were others to
   * stop, a waiting client might get its server sooner, or in session mode never.
   */
  private async drain(): Promise<void> {
    this.phase = "draining";
    const end = this.stage.zero + this.plan.warmup + this.plan.duration;
    const pending = (player: Player): boolean => player.busyBefore(end);
    const deadline = now() + this.plan.patience;
    while (this.countOf(pending) > 0 && now() < deadline) await sleep(DRAIN_POLL_MS);
    this.unfinished = this.countOf(pending);
    for (const client of this.players.values()) client.cutOff(end);
  }

  private countOf(wanted: (player: Player) => boolean): number {
    let count = 0;
    for (const client of this.players.values()) if (wanted(client)) count++;
    return count;
  }

  private tell(): void {
    const { stage } = this;
    const progress: LiveProgress = {
      phase: this.phase,
      elapsed: stage.started ? now() - stage.zero : 0,
      connected: this.countOf((client) => client.online),
      transactions: stage.transactions.length,
      errors: stage.errors.total,
    };
    this.report({ kind: "progress", progress });
  }
}

/** Numbers of timers that are no client's. */
const START = -1;
const ARRIVALS = -2;
