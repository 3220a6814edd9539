/**
 * What can be done to a private PostgreSQL while it is used: it stands still, dies and comes back, or is gone
 * and another one is there. If we die meanwhile, their watchdogs let everything go on and end it.
 */
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ready } from "./answering.ts";
import type { Address } from "./dsn.ts";
import { childrenOf, signalAll } from "./processes.ts";

/** From when until when; Unix time in ms. */
export interface Span {
  begin: number;
  end: number;
}

/** A server that was made of the data of another. */
export interface Heir {
  /** Its own directory. */
  readonly host: string;
  stop(): Promise<void>;
}

/**
 * A directory inside the server's, where it listens until it is to be found: then its socket is moved to the
 * address. So a server that ends removes no socket but its own.
 */
export const DOOR = "door";
/** A file there that has the watchdog start the server again when it has ended. */
export const AGAIN = "again";
/** A file there that has the watchdog keep the directory, but for the data, when the server has ended. */
export const GONE = "gone";

/** So long before a stall its processes are listed: most of them then stop in the same instant. */
const LOOK_AHEAD_MS = 200;

export class PrivateServer {
  private readonly address: Address;
  /** Makes another server, with the data of the one in this directory. */
  private readonly copy: (home: string) => Promise<Heir>;
  /** Waits for its turn. */
  private next: Promise<Heir> | undefined;
  /** Has taken the place of the first one; undefined: that one is still there. */
  private present: Heir | undefined;

  /** `address`: its host is the server's own directory. */
  constructor(address: Address, copy: (home: string) => Promise<Heir>) {
    this.address = address;
    this.copy = copy;
  }

  /** Resolves when it answers and is at the address. Errors: OutsideError. */
  async appear(): Promise<void> {
    await this.ready();
    await this.show(this.home);
  }

  /**
   * All its processes stand still, and then go on; at once when `signal` aborts. Errors: OutsideError, before
   * anything stands still.
   */
  async stall({ begin, end }: Span, signal: AbortSignal): Promise<void> {
    await until(begin - LOOK_AHEAD_MS, signal);
    const processes = await Processes.of(this.home);
    await until(begin, signal);
    if (signal.aborted) return;
    try {
      await processes.stop();
      await until(end, signal);
    } finally {
      processes.signal("SIGCONT");
    }
  }

  /**
   * Is not to be found any more, dies as in an immediate shutdown, and answers again at the end of `span`, or
   * when `signal` aborts; later if it takes longer to come back, and then it returns how much later, in ms.
   * Errors: OutsideError.
   */
  async restart({ begin, end }: Span, signal: AbortSignal): Promise<number> {
    const { home } = this;
    const postmaster = await postmasterOf(home);
    await until(begin, signal);
    if (signal.aborted) return 0;
    await writeFile(join(home, AGAIN), "");
    // Who dies still takes connections for some milliseconds, and leaves them without an answer.
    await rm(this.socketIn(this.address.host), { force: true });
    process.kill(postmaster, "SIGQUIT");
    await this.ready();
    const late = wall() - end;
    await until(end, signal);
    await this.show(home);
    return Math.max(0, late);
  }

  /** Id of the first of its processes. Errors: of the file system, while it is not there. */
  postmaster(): Promise<number> {
    return postmasterOf(this.home);
  }

  /** Starts the one that is to take its place, unless it waits already. Errors: OutsideError. */
  async prepareFailover(): Promise<void> {
    this.next ??= this.copy(this.home);
    await this.next;
  }

  /**
   * All its processes stand still, and at the end of `span`, or when `signal` aborts, they are gone, and every
   * connection with them: another server, made of a copy of the data, has their place. Who connects meanwhile
   * is heard by that one, then: until it goes on, its queue of connections is where the address leads.
   * Errors: OutsideError, before anything stands still.
   */
  async failOver({ begin, end }: Span, signal: AbortSignal): Promise<void> {
    await this.prepareFailover();
    const heir = (await this.next) as Heir;
    await until(begin - LOOK_AHEAD_MS, signal);
    const [old, successor] = [await Processes.of(this.home), await postmasterOf(heir.host)];
    await until(begin, signal);
    if (signal.aborted) return;
    try {
      process.kill(successor, "SIGSTOP");
      await rename(this.socketIn(heir.host), this.socketIn(this.address.host));
      await old.stop();
      await until(end, signal);
    } finally {
      await writeFile(join(this.home, GONE), "");
      old.kill();
      process.kill(successor, "SIGCONT");
    }
    this.next = undefined;
    const before = this.present;
    this.present = heir;
    await before?.stop();
  }

  /** Ends those that came after the first one. */
  async stopHeirs(): Promise<void> {
    const next = await this.next?.catch(() => undefined);
    await Promise.all([next?.stop(), this.present?.stop()]);
  }

  /** The directory of whoever is at the address. */
  private get home(): string {
    return this.present?.host ?? this.address.host;
  }

  private socketIn(directory: string): string {
    return join(directory, `.s.PGSQL.${this.address.port}`);
  }

  /** It answers at its door. */
  private ready(): Promise<void> {
    return ready({ ...this.address, host: join(this.home, DOOR) });
  }

  /** The server in the directory `home` is at the address from now on. */
  private async show(home: string): Promise<void> {
    await rename(this.socketIn(join(home, DOOR)), this.socketIn(this.address.host));
  }
}

async function postmasterOf(home: string): Promise<number> {
  const text = await readFile(join(home, "data", "postmaster.pid"), "utf8");
  return Number.parseInt(text, 10);
}

/** All processes of a server. */
class Processes {
  private readonly postmaster: number;
  private readonly children: Set<number>;

  private constructor(postmaster: number, children: readonly number[]) {
    this.postmaster = postmaster;
    this.children = new Set(children);
  }

  /** Of the server in this directory, as many as there are. Errors: OutsideError. */
  static async of(home: string): Promise<Processes> {
    const postmaster = await postmasterOf(home);
    return new Processes(postmaster, await childrenOf(postmaster));
  }

  /** They stand still. */
  async stop(): Promise<void> {
    this.signal("SIGSTOP");
    // Those that it started since they were listed; it starts no more.
    for (const pid of await childrenOf(this.postmaster)) this.children.add(pid);
    signalAll(this.children, "SIGSTOP");
  }

  signal(name: NodeJS.Signals): void {
    signalAll([this.postmaster, ...this.children], name);
  }

  /** They end, without a word: only the first of them may tidy up. */
  kill(): void {
    signalAll(this.children, "SIGKILL");
    signalAll([this.postmaster], "SIGQUIT");
    signalAll([this.postmaster], "SIGCONT");
  }
}

/** Unix time in ms, to the fraction. */
export const wall = (): number => performance.timeOrigin + performance.now();

/** Resolves at `moment`, Unix time in ms, or when `signal` aborts. */
export async function until(moment: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.max(0, moment - wall()), undefined, { signal }).catch(() => undefined);
}
