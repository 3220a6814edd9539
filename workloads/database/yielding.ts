/**
 * A private server whose backends yield: whoever else on the machine wants a core gets it before them. Where
 * statements are real work, pooler and driver stand for other machines. Were they to take their turns among
 * dozens of busy backends, then waits would be measured that are theirs alone.
 */
import { readFile, writeFile } from "node:fs/promises";
import { constants, getPriority, setPriority } from "node:os";
import type { PrivateServer } from "./private-server.ts";

/** Nine backends together have about the share of one process like us. Source: sched(7), setpriority(2). */
const NICENESS = 10;
/** New backends are looked for so often. */
const LOOK_MS = 100;

/** Has the backends of `server` yield until `stop`. Who may not ask for that leaves them as they are. */
export class Yielding {
  private readonly server: PrivateServer;
  private readonly timer: NodeJS.Timeout;
  private postmaster = -1;
  /** Backends that yield, of those that there are. */
  private yielding: readonly number[] = [];

  constructor(server: PrivateServer) {
    this.server = server;
    // Whatever fails is gone, or not ours to ask: then the next look finds the same.
    this.timer = setInterval(() => void this.look().catch(() => undefined), LOOK_MS).unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private async look(): Promise<void> {
    const postmaster = await this.server.postmaster();
    if (postmaster !== this.postmaster) {
      const most = constants.priority.PRIORITY_LOW;
      setPriority(postmaster, Math.min(most, getPriority() + NICENESS)); // Its children inherit it.
      this.postmaster = postmaster;
    }
    const common = (await groupOf(postmaster)).name;
    const children = await readFile(`/proc/${postmaster}/task/${postmaster}/children`, "utf8");
    const pids = (children.match(/\d+/g) ?? []).map(Number);
    this.yielding = pids.filter((pid) => this.yielding.includes(pid));
    for (const pid of pids)
      if (!this.yielding.includes(pid) && (await yields(pid, common)))
        this.yielding = [...this.yielding, pid];
  }
}

/**
 * Linux shares cores among sessions first, where that is configured, and a backend is a session of its own:
 * its niceness counts by its session's. Source: sched(7), "The autogroup feature". False: it has not left the
 * session of all, `common`, or has to be asked once more, for the system changes but ten a second for whoever
 * is not root.
 */
async function yields(pid: number, common: string): Promise<boolean> {
  const { name, niceness } = await groupOf(pid);
  if (name === common) return false;
  if (niceness === NICENESS) return true;
  await writeFile(groupFile(pid), String(NICENESS));
  return false;
}

const groupFile = (pid: number): string => `/proc/${pid}/autogroup`;

/** Name and niceness of the process's session, such as "/autogroup-25 nice 0". Errors: there is none. */
async function groupOf(pid: number): Promise<{ name: string; niceness: number }> {
  const [name = "", niceness] = (await readFile(groupFile(pid), "utf8")).split(" nice ");
  return { name, niceness: Number(niceness) };
}
