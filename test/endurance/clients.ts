/** Clients: busy ones, and many that are idle nearly all the time. All come back when they are cut off. */
import { setTimeout as sleep } from "node:timers/promises";
import { query } from "../../engine/wire/writer.ts";
import type { Stream } from "../../sim/kernel/streams.ts";
import type { Ledger } from "./ledger.ts";
import { type Asking, ask, MIX, type Question, WrongAnswer } from "./questions.ts";
import { type PoolName, USER } from "./stand.ts";
import { Lost, type Place, Talker } from "./talker.ts";

/** Logins under way at a time: a listen queue holds only so many. */
const AT_ONCE = 100;

/** Share of the connections of busy clients that end in the middle of a transaction. */
const VANISHING = 0.1;

/** What all clients share. */
export interface Scene {
  place: Place;
  ledger: Ledger;
  /** Aborted when it is over. */
  over: AbortSignal;
  draws: Stream;
  /** Mean time between two questions of an idle client, in milliseconds. */
  between: number;
  /** Called at a wrong answer. */
  onWrong(error: Error): void;
  /** Connected right now. */
  connected: number;
}

export class Client {
  private readonly scene: Scene;
  private readonly door: Door;
  private readonly pool: PoolName;
  private readonly number: number;
  private drawn = 0;
  private asked = 0;
  /** When it asked last, for a connection or an answer. */
  private asking = 0;

  constructor(scene: Scene, door: Door, pool: PoolName, number: number) {
    this.scene = scene;
    this.door = door;
    this.pool = pool;
    this.number = number;
  }

  /** Plays until it is over. */
  async play(): Promise<void> {
    const { over, ledger } = this.scene;
    while (!over.aborted) {
      const opened = ledger.now();
      this.asking = opened;
      try {
        await (this.pool === "crowd" ? this.idle() : this.work());
      } catch (error) {
        if (error instanceof WrongAnswer) this.scene.onWrong(error);
        else if (!(error instanceof Lost)) throw error;
        else if (!over.aborted) ledger.error(this.pool, error.message, opened, this.asking);
      }
      await this.rest(20 + 200 * this.draw());
    }
  }

  /** One connection of a client that hardly ever asks; that it has been cut off shows at once. */
  private async idle(): Promise<void> {
    let lost: Lost | undefined;
    const cut = new AbortController();
    const talker = await this.enter((error) => {
      lost = error;
      cut.abort();
    });
    const either = AbortSignal.any([cut.signal, this.scene.over]);
    try {
      while (!this.scene.over.aborted) {
        await rest(-Math.log(this.draw()) * this.scene.between, either);
        if (lost !== undefined) throw lost;
        if (!this.scene.over.aborted) await this.ask(talker, ask.simple);
      }
    } finally {
      this.leave(talker);
    }
  }

  /** One connection of a busy client, which in the end says goodbye, or vanishes in a transaction. */
  private async work(): Promise<void> {
    const talker = await this.enter(() => undefined);
    const questions = 1 + Math.floor(this.draw() * 60);
    try {
      for (let left = questions; left > 0 && !this.scene.over.aborted; left--) {
        await this.ask(talker, MIX[Math.floor(this.draw() * MIX.length)] as Question);
        await this.rest(20 * this.draw());
      }
      if (this.draw() < VANISHING) await talker.exchange(query("begin; select 1"));
      else talker.leave();
    } finally {
      this.leave(talker);
    }
  }

  private async enter(onLost: (lost: Lost) => void): Promise<Talker> {
    const { place } = this.scene;
    const talker = await this.door.through(() => Talker.login(place, this.pool, USER, onLost));
    this.scene.connected++;
    return talker;
  }

  private leave(talker: Talker): void {
    this.scene.connected--;
    if (!talker.socket.writableEnded) talker.vanish();
  }

  private async ask(talker: Talker, question: Question): Promise<void> {
    this.asking = this.scene.ledger.now();
    const asking: Asking = {
      word: `${this.pool}${this.number}-${this.asked++}`,
      draw: () => this.draw(),
      rest: (milliseconds) => this.rest(milliseconds),
    };
    await question(talker, asking);
    this.scene.ledger.answers++;
  }

  private draw(): number {
    return this.scene.draws.uniform(this.number, this.drawn++, PART[this.pool]);
  }

  private rest(milliseconds: number): Promise<void> {
    return rest(milliseconds, this.scene.over);
  }
}

const PART: Readonly<Record<PoolName, number>> = { busy: 0, crowd: 1, sticky: 2 };

/** Waits, but not longer than until `signal`. */
export async function rest(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
}

/** Lets so many in at a time. */
export class Door {
  private free = AT_ONCE;
  private readonly waiting: (() => void)[] = [];

  async through<T>(work: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.free++;
      else next();
    }
  }
}
