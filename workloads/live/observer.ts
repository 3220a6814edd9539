/**
 * What a pooler says of itself while a run is on: SHOW POOLS ten times a second, SHOW STATS twice.
 */
import pg from "pg";
import type { Nanos } from "../../engine/core/units.ts";
import { type Address, showAddress } from "../database/dsn.ts";
import { OutsideError } from "../database/errors.ts";

/** A row of a SHOW command; numbers are numbers. */
export type ShowRow = Record<string, number | string>;

/** Rows of one SHOW command, of all consoles, and when they were asked for; ns since the common start. */
export interface ShowSample {
  at: Nanos;
  rows: ShowRow[];
}

/**
 * All that was seen. Totals are taken at the common start, after the warm-up, and at the end of each of
 * the window's `SECTIONS`.
 */
export interface Observations {
  pools: ShowSample[];
  stats: ShowSample[];
}

const PERIOD_MS = 100;

/** Equal parts of a window, each with totals of its own: what disturbs one of them is seen. */
export const SECTIONS = 5;

/** When the totals are to be taken; ns since the common start. */
export function totalsMoments(warmup: Nanos, duration: Nanos): Nanos[] {
  const ends = Array.from({ length: SECTIONS }, (_, i) => ((i + 1) * duration) / SECTIONS);
  return [0, warmup, ...ends.map((end) => warmup + end)];
}

export class Observer {
  readonly observations: Observations = { pools: [], stats: [] };
  /** The pooler is restarted: its consoles are sought again, and where there is none, there is nobody. */
  private readonly patient: boolean;
  private readonly consoles: readonly Console[];
  /** Unix time of the common start, in ms. */
  private zero = 0;
  private readonly timers: ReturnType<typeof setTimeout>[] = [];
  private asking = false;
  /** The question under way: a console answers one after the other. */
  private last: Promise<void> = Promise.resolve();

  /** `addresses`: a console of each of the pooler's processes; `patient`: which may go and come back. */
  constructor(addresses: readonly Address[], patient = false) {
    this.patient = patient;
    this.consoles = addresses.map(
      // The run itself notices when the pooler has gone.
      (address) => new Console(address, () => patient || this.stop()),
    );
  }

  /** Logs in to the consoles; where they come and go, to the first one. Errors: OutsideError. */
  async open(): Promise<void> {
    for (const console of this.patient ? this.consoles.slice(0, 1) : this.consoles)
      await console.connect().catch(async (error) => {
        await this.close();
        const reason = error instanceof Error ? error.message : String(error);
        throw new OutsideError(
          `no console at ${showAddress(console.address)}: ${reason}`,
          "",
          error,
        );
      });
  }

  /** Watches from `zero` on, Unix time in ms, and notes the totals at `moments`, ns after it. */
  watch(zero: number, moments: readonly Nanos[]): void {
    this.zero = zero;
    this.timers.push(setInterval(() => void this.sample(), PERIOD_MS));
    for (const moment of moments) {
      const wait = zero + moment / 1e6 - performance.timeOrigin - performance.now();
      this.timers.push(setTimeout(() => void this.show("stats"), wait));
    }
  }

  /** Leaves. */
  async close(): Promise<void> {
    this.stop();
    await Promise.all(this.consoles.map((console) => console.end()));
  }

  private stop(): void {
    for (const timer of this.timers) clearTimeout(timer); // Also ends the interval.
  }

  private async sample(): Promise<void> {
    if (this.asking) return; // A slow answer is not answered by more questions.
    this.asking = true;
    await this.show("pools");
    this.asking = false;
  }

  private show(what: "pools" | "stats"): Promise<void> {
    this.last = this.last.then(() => this.ask(what));
    return this.last;
  }

  private async ask(what: "pools" | "stats"): Promise<void> {
    const at = (performance.timeOrigin + performance.now() - this.zero) * 1e6;
    try {
      const answers = await Promise.all(this.consoles.map((console) => this.look(console, what)));
      const rows = answers.flatMap((answer) => answer.map(withNumbers));
      if (rows.length > 0 || what === "pools") this.observations[what].push({ at, rows });
    } catch {
      this.stop();
    }
  }

  /** Where nobody is, there is nothing to be seen; no harm where that is to be expected. */
  private async look(console: Console, what: "pools" | "stats"): Promise<Record<string, string>[]> {
    try {
      return await console.show(what);
    } catch (error) {
      if (this.patient) return [];
      throw error;
    }
  }
}

/** A console; after a loss it is sought again at the next question. */
class Console {
  readonly address: Address;
  private readonly onLoss: () => void;
  private client: pg.Client | undefined;

  constructor(address: Address, onLoss: () => void) {
    this.address = address;
    this.onLoss = onLoss;
  }

  async connect(): Promise<pg.Client> {
    const { sslmode, ...plain } = this.address;
    const ssl = sslmode === undefined ? false : { rejectUnauthorized: sslmode !== "require" };
    const client = new pg.Client({ ...plain, ssl });
    client.on("error", () => this.lose(client));
    await client.connect();
    this.client = client;
    return client;
  }

  async show(what: "pools" | "stats"): Promise<Record<string, string>[]> {
    const client = this.client ?? (await this.connect());
    try {
      return (await client.query<Record<string, string>>(`SHOW ${what}`)).rows;
    } catch (error) {
      this.lose(client);
      throw error;
    }
  }

  async end(): Promise<void> {
    await this.client?.end().catch(() => undefined);
  }

  private lose(client: pg.Client): void {
    if (this.client !== client) return;
    this.client = undefined;
    void client.end().catch(() => undefined);
    this.onLoss();
  }
}

function withNumbers(row: Record<string, string>): ShowRow {
  const entries = Object.entries(row).map(([name, value]) => [name, numberOr(value)] as const);
  return Object.fromEntries(entries);
}

function numberOr(value: unknown): number | string {
  const text = String(value ?? "");
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}
