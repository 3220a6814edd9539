/** Hours of trouble: sets the stage, plays clients and troubles by the seed, and judges. */
import { setMaxListeners } from "node:events";
import { Stream } from "../../sim/kernel/streams.ts";
import { Client, Door, rest, type Scene } from "./clients.ts";
import { Ledger } from "./ledger.ts";
import { resident, type Sample, type Trend, trendOf } from "./memory.ts";
import { type PoolName, QUERY_WAIT_TIMEOUT, Stand } from "./stand.ts";
import { COURSE, restartDatabase, TROUBLES, type Trouble, type TroubleName } from "./troubles.ts";

/** Busy clients in transaction mode and in session mode; the rest of all connections is idle. */
const BUSY = { busy: 24, sticky: 10 } as const;
/** Mean time from one trouble to the next, unless given. */
const TROUBLE_EVERY_MS = 3_000;
const SAMPLE_EVERY_MS = 1_000;
/** Questions a second of all idle clients together. */
const IDLE_RATE = 200;
/** When the database is restarted: late, so that memory has been flat before. */
const RESTART_AT = 0.85;
/** How long the pooler may take to notice that everybody has gone. */
const EMPTY_WITHIN_MS = 60_000;

/** Lines that a pooler never writes; but a client that is to be killed may have gone by itself. */
const BAD = /\] (FATAL|ERROR) (?!client not found$)|InvariantError|\bat .*\.ts:\d+/;

export interface EnduranceOptions {
  minutes: number;
  /** Clients, busy ones included. */
  connections: number;
  seed: number;
  /** Mean time from one trouble to the next, in milliseconds. */
  every?: number;
  /** Ends it early. */
  stop: AbortSignal;
  /** The pooler's log, at the end. */
  onLog?: (text: string) => void;
  /** Once a second. */
  onProgress?: (progress: Progress) => void;
}

export interface Progress {
  /** Milliseconds since the start. */
  at: number;
  connected: number;
  answers: number;
  calledFor: number;
  complaints: number;
  bytes: number | undefined;
}

/** What is known in the end. */
export interface Outcome {
  seconds: number;
  answers: number;
  troubles: ReadonlyMap<string, number>;
  /** Errors that were called for, by trouble. */
  calledFor: ReadonlyMap<string, number>;
  /** Each in a sentence; empty: all is well. */
  faults: string[];
  /** Undefined: too short to say, or no /proc here. */
  memory: Trend | undefined;
}

/** Plays it. Errors: OutsideError when there is no database, too few open files, and the like. */
export async function endure(options: EnduranceOptions): Promise<Outcome> {
  const stand = await Stand.open(options.connections);
  try {
    return await new Endurance(stand, options).run();
  } finally {
    await stand.close();
  }
}

class Endurance {
  private readonly stand: Stand;
  private readonly options: EnduranceOptions;
  private readonly begin = performance.now();
  private readonly ending = new AbortController();
  private readonly ledger = new Ledger(() => this.now());
  private readonly troubles = new Map<string, number>();
  private readonly samples: Sample[] = [];
  private readonly faults: string[] = [];
  private readonly scene: Scene;
  /** The database has been restarted, or cannot be. */
  private restarted = false;

  constructor(stand: Stand, options: EnduranceOptions) {
    this.stand = stand;
    this.options = options;
    const over = AbortSignal.any([this.ending.signal, options.stop]);
    setMaxListeners(0, over);
    this.scene = {
      place: stand.place,
      ledger: this.ledger,
      over,
      draws: new Stream(options.seed, "endurance", "clients"),
      between: (1_000 * options.connections) / IDLE_RATE,
      onWrong: (error) => this.fault(`a wrong answer: ${error.message}`),
      connected: 0,
    };
    this.ledger.allow({
      trouble: "query_wait_timeout",
      errors: /^08P01 query_wait_timeout$/,
      after: 1000 * QUERY_WAIT_TIMEOUT,
    });
    void stand.pooler.ended.then((sentence) => {
      if (!over.aborted) this.fault(sentence);
    });
  }

  async run(): Promise<Outcome> {
    const door = new Door();
    const crowd = Math.max(0, this.options.connections - BUSY.busy - BUSY.sticky);
    const clients = Object.entries({ ...BUSY, crowd }).flatMap(([pool, count]) =>
      Array.from(
        { length: count },
        (_, number) => new Client(this.scene, door, pool as PoolName, number),
      ),
    );
    const work = [...clients.map((client) => client.play()), this.trouble(), this.watch()];
    await Promise.all(work).finally(() => this.ending.abort());
    // The terminal's Ctrl-C reaches the pooler too, and then there is nobody to ask.
    if (!this.options.stop.aborted) await this.empty();
    await this.read();
    return this.outcome();
  }

  private now(): number {
    return performance.now() - this.begin;
  }

  private fault(sentence: string): void {
    if (this.faults.length < 20)
      this.faults.push(`at ${(this.now() / 1000).toFixed(1)} s ${sentence}`);
  }

  /** One trouble after the other; the seed gives their order and the time between them. */
  private async trouble(): Promise<void> {
    const draws = new Stream(this.options.seed, "endurance", "troubles");
    let drawn = 0;
    const draw = (): number => draws.uniform(0, drawn++, 0);
    const scene: Trouble = { stand: this.stand, ledger: this.ledger, draw };
    const { minutes, every = TROUBLE_EVERY_MS } = this.options;
    const end = minutes * 60_000;
    while (!this.scene.over.aborted) {
      await rest(-Math.log(draw()) * every, this.scene.over);
      const name = COURSE[Math.floor(draw() * COURSE.length)] as TroubleName;
      if (this.scene.over.aborted) return;
      if (!this.restarted && this.now() > RESTART_AT * end) {
        if (await restartDatabase(scene)) this.count("restart");
        this.restarted = true;
      } else await this.one(name, scene);
    }
  }

  private async one(name: TroubleName, scene: Trouble): Promise<void> {
    try {
      await TROUBLES[name](scene);
      this.count(name);
    } catch (error) {
      if (!this.scene.over.aborted) this.fault(`${name} failed: ${(error as Error).message}`);
    }
  }

  private count(name: string): void {
    this.troubles.set(name, (this.troubles.get(name) ?? 0) + 1);
  }

  /** Samples the memory and tells of the progress until the time is up, and the database has been restarted. */
  private async watch(): Promise<void> {
    const end = this.options.minutes * 60_000;
    while (!this.scene.over.aborted && (this.now() < end || !this.restarted)) {
      const bytes = await resident(this.stand.pid);
      if (bytes !== undefined) this.samples.push({ at: this.now(), bytes });
      this.options.onProgress?.({
        at: this.now(),
        connected: this.scene.connected,
        answers: this.ledger.answers,
        calledFor: sum(this.ledger.calledFor.values()),
        complaints: this.ledger.complaints.length,
        bytes,
      });
      await rest(SAMPLE_EVERY_MS, this.scene.over);
    }
    this.ending.abort();
  }

  /** When everybody has gone, nothing of them is left. */
  private async empty(): Promise<void> {
    const until = this.now() + EMPTY_WITHIN_MS;
    let left = await this.leftovers();
    while (left !== "" && this.now() < until) {
      await rest(200, AbortSignal.timeout(200));
      left = await this.leftovers();
    }
    if (left !== "") this.fault(`all clients have gone, but SHOW POOLS still has ${left}`);
  }

  private async leftovers(): Promise<string> {
    const rows = await this.stand.ask("show pools");
    const busy = ["cl_active", "cl_waiting", "cl_active_cancel_req", "cl_waiting_cancel_req"];
    const columns = [...busy, "sv_active", "sv_active_cancel", "sv_being_canceled"];
    return rows
      .filter(({ database }) => database !== "pgbouncer")
      .flatMap((row) =>
        columns
          .filter((column) => Number(row[column]) > 0)
          .map((column) => `${row.database} ${column} ${row[column]}`),
      )
      .join(", ");
  }

  /** The log holds nothing that a pooler never says. */
  private async read(): Promise<void> {
    const log = await this.stand.log();
    this.options.onLog?.(log);
    const bad = log.split("\n").find((line) => BAD.test(line));
    if (bad !== undefined) this.fault(`the pooler has logged: ${bad}`);
  }

  private outcome(): Outcome {
    const { complaints, calledFor, answers } = this.ledger;
    const memory = trendOf(this.samples);
    for (const { at, database, error } of complaints.slice(0, 20))
      this.faults.push(
        `at ${(at / 1000).toFixed(1)} s a client of ${database} got what nothing called for: ${error}`,
      );
    if (complaints.length > 20) this.faults.push(`and ${complaints.length - 20} more of these`);
    if (memory?.flat === false) this.faults.push("memory grows");
    const seconds = this.now() / 1000;
    return { seconds, answers, troubles: this.troubles, calledFor, faults: this.faults, memory };
  }
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const each of numbers) total += each;
  return total;
}
