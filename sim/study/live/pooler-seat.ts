/**
 * The address of a pooler, and who is there. A successor is started beside it, on a Unix socket of its own, to
 * which the address leads from the moment that is given: to start takes longer than a restart may last. Each
 * has a directory of its own, for who goes removes the socket by its name; the address is a link to one of them.
 */
import { mkdir, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type PoolerProcess, type PoolerProcessOptions, startPooler } from "./pooler-process.ts";

export interface SeatOptions extends Omit<PoolerProcessOptions, "ini"> {
  /** The lines of the pgbouncer.ini of each of them; 0 is the first one. */
  iniOf(number: number, placeOf: (number: number) => string): readonly string[];
}

export class PoolerSeat {
  private readonly options: SeatOptions;
  private readonly all: PoolerProcess[] = [];
  /** Files of the journals of all that there have been. */
  readonly journals: string[] = [];
  private successor: Promise<PoolerProcess> | undefined;

  private constructor(options: SeatOptions) {
    this.options = options;
  }

  /** Starts the first one. Errors: OutsideError. */
  static async take(options: SeatOptions): Promise<PoolerSeat> {
    const seat = new PoolerSeat(options);
    await symlink(".", seat.address);
    seat.all.push(await seat.startNext());
    return seat;
  }

  /** The directory in which whoever is there is found. */
  get address(): string {
    return join(this.options.directory, "s");
  }

  /** Of whoever is there; 0 is the first one. */
  get number(): number {
    return this.all.length - 1;
  }

  /** The directory of one's own, by number. */
  placeOf(number: number): string {
    const { directory } = this.options;
    return number === 0 ? directory : join(directory, nameOf(number));
  }

  get notes(): string[] {
    return this.all.flatMap((process) => [...process.notes]);
  }

  /** Starts the next one, of which nobody knows yet, unless it waits already. Errors: OutsideError. */
  async prepare(): Promise<void> {
    this.successor ??= this.startNext();
    await this.successor;
  }

  /** Tells the present one to go. */
  signal(name: NodeJS.Signals): void {
    this.all.at(-1)?.signal(name);
  }

  /** The one that was prepared is at the address from now on; what the old one still has is lost. */
  async succeed(): Promise<void> {
    await this.all.at(-1)?.kill();
    await this.relieve();
  }

  /** The same, but that the old one keeps its clients. Returns it. */
  async relieve(): Promise<PoolerProcess | undefined> {
    const [old, next] = [this.all.at(-1), await this.successor];
    if (next === undefined) return undefined;
    this.successor = undefined;
    const link = `${this.address}.next`;
    await symlink(nameOf(this.all.length), link);
    await rename(link, this.address);
    this.all.push(next);
    return old;
  }

  /** Ends whoever is there. */
  async stop(): Promise<void> {
    const next = await this.successor?.catch(() => undefined);
    await Promise.all([...this.all, ...(next ? [next] : [])].map((process) => process.stop()));
  }

  /** In a directory of its own, where its journal is not: that is beside the first one's. */
  private async startNext(): Promise<PoolerProcess> {
    const { iniOf, ...options } = this.options;
    const number = this.all.length;
    const placeOf = (of: number): string => this.placeOf(of);
    const directory = placeOf(number);
    await mkdir(directory, { recursive: true });
    const ini = join(directory, "pooler.ini");
    await writeFile(ini, `${iniOf(number, placeOf).join("\n")}\n`, { mode: 0o644 });
    const journal = options.journal && journalOf(options.journal, number);
    if (journal !== undefined) this.journals.push(journal);
    return startPooler({ ...options, ini, directory, journal });
  }
}

const nameOf = (number: number): string => `next${number}`;

/** `run.journal`, `run.journal.2` and so on. */
export const journalOf = (first: string, number: number): string =>
  number === 0 ? first : `${first}.${number + 1}`;
