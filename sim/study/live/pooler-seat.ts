/**
 * The address of a pooler, and who is there. A successor is started beside it, on a Unix socket of its own, to
 * which the address leads from the moment that is given: to start takes longer than a restart may last. Each
 * has a directory of its own, for who goes removes the socket by its name; the address is a link to one of them.
 */
import { mkdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
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
    await symlink(".", seat.address);
    seat.all.push(await startPooler(options));
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

  private async startNext(): Promise<PoolerProcess> {
    const { directory, ini } = this.options;
    const own = this.placeOf(this.all.length);
    await mkdir(own, { recursive: true });
    const text = await readFile(ini, "utf8");
    const moved = text.replace(`unix_socket_dir = ${directory}\n`, `unix_socket_dir = ${own}\n`);
    const ownIni = join(own, "pooler.ini");
    await writeFile(ownIni, moved, { mode: 0o644 });
    return startPooler({ ...this.options, ini: ownIni, directory: own, journal: undefined });
  }
}

const nameOf = (number: number): string => `next${number}`;
