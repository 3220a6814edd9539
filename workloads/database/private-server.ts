/**
 * What can be done to a private PostgreSQL while it is used: it stands still, or dies and comes back. If we
 * die meanwhile, its watchdog lets everything go on and ends it.
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

/** A directory inside the server's, where it listens after a restart until it is to be found. */
export const DOOR = "door";
/** A file there that has the watchdog start the server again when it has ended. */
export const AGAIN = "again";

/** So long before a stall its processes are listed: most of them then stop in the same instant. */
const LOOK_AHEAD_MS = 200;

export class PrivateServer {
  private readonly address: Address;

  /** `address`: its host is the server's own directory. */
  constructor(address: Address) {
    this.address = address;
  }

  /**
   * All its processes stand still, and then go on; at once when `signal` aborts. Errors: OutsideError, before
   * anything stands still.
   */
  async stall({ begin, end }: Span, signal: AbortSignal): Promise<void> {
    await until(begin - LOOK_AHEAD_MS, signal);
    const postmaster = await this.postmaster();
    const stopped = new Set([postmaster, ...(await childrenOf(postmaster))]);
    await until(begin, signal);
    if (signal.aborted) return;
    try {
      signalAll(stopped, "SIGSTOP");
      // Those that it started in between; it starts no more.
      for (const pid of await childrenOf(postmaster)) stopped.add(pid);
      signalAll(stopped, "SIGSTOP");
      await until(end, signal);
    } finally {
      signalAll(stopped, "SIGCONT");
    }
  }

  /**
   * Is not to be found any more, dies as in an immediate shutdown, and answers again at the end of `span`, or
   * when `signal` aborts; later if it takes longer to come back, and then it returns how much later, in ms.
   * Errors: OutsideError.
   */
  async restart({ begin, end }: Span, signal: AbortSignal): Promise<number> {
    const { host, port } = this.address;
    const socket = `.s.PGSQL.${port}`;
    const postmaster = await this.postmaster();
    await until(begin, signal);
    if (signal.aborted) return 0;
    await writeFile(join(host, AGAIN), "");
    // Who dies still takes connections for some milliseconds, and leaves them without an answer.
    await rm(join(host, socket), { force: true });
    process.kill(postmaster, "SIGQUIT");
    await ready({ ...this.address, host: join(host, DOOR) });
    const late = wall() - end;
    await until(end, signal);
    await rename(join(host, DOOR, socket), join(host, socket));
    return Math.max(0, late);
  }

  private async postmaster(): Promise<number> {
    const text = await readFile(join(this.address.host, "data", "postmaster.pid"), "utf8");
    return Number.parseInt(text, 10);
  }
}

/** Unix time in ms, to the fraction. */
export const wall = (): number => performance.timeOrigin + performance.now();

/** Resolves at `moment`, Unix time in ms, or when `signal` aborts. */
export async function until(moment: number, signal: AbortSignal): Promise<void> {
  await sleep(Math.max(0, moment - wall()), undefined, { signal }).catch(() => undefined);
}
