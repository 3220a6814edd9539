/**
 * The address of a pooler, and who is there. A successor is started beside it, on a Unix socket of its own,
 * which takes the address's place at the moment that is given: to start takes longer than a restart may last.
 */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type PoolerProcess, type PoolerProcessOptions, startPooler } from "./pooler-process.ts";

export class PoolerSeat {
  private readonly options: PoolerProcessOptions;
  private readonly all: PoolerProcess[] = [];
  private successor: Promise<PoolerProcess> | undefined;

  private constructor(options: PoolerProcessOptions) {
    this.options = options;
  }

  /** Starts the first one. Errors: OutsideError. */
  static async take(options: PoolerProcessOptions): Promise<PoolerSeat> {
    const seat = new PoolerSeat(options);
    seat.all.push(await startPooler(options));
    return seat;
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
    const [old, next] = [this.all.at(-1), await this.successor];
    if (old === undefined || next === undefined) return;
    this.successor = undefined;
    await old.kill();
    const socket = `.s.PGSQL.${this.options.port}`;
    await rename(join(this.own(this.all.length), socket), join(this.options.directory, socket));
    this.all.push(next);
  }

  /** Ends whoever is there. */
  async stop(): Promise<void> {
    const next = await this.successor?.catch(() => undefined);
    await Promise.all([...this.all, ...(next ? [next] : [])].map((process) => process.stop()));
  }

  private async startNext(): Promise<PoolerProcess> {
    const { directory, ini } = this.options;
    const own = this.own(this.all.length);
    await mkdir(own, { recursive: true });
    const text = await readFile(ini, "utf8");
    const moved = text.replace(`unix_socket_dir = ${directory}\n`, `unix_socket_dir = ${own}\n`);
    const ownIni = join(own, "pooler.ini");
    await writeFile(ownIni, moved, { mode: 0o644 });
    return startPooler({ ...this.options, ini: ownIni, directory: own, journal: undefined });
  }

  private own(number: number): string {
    return join(this.options.directory, `next${number}`);
  }
}
