/**
 * What connected clients cost that do next to nothing: memory for each, and CPU for each transaction of a
 * few busy ones among them.
 */
import { connect, type Socket } from "node:net";
import { query, startupMessage } from "../../engine/wire/writer.ts";
import { type Bench, cpuSeconds, ownMemory, type PoolerTarget, pgbench } from "./targets.ts";

/** Logins under way at a time: a listen queue holds only so many. */
const AT_ONCE = 50;
const BUSY = 32;
const READY = "Z".charCodeAt(0);

/** Measures and prints a line for each count of idle clients and each pooler. */
export async function benchIdle(bench: Bench, counts: readonly number[]): Promise<void> {
  if (counts.length === 0) return;
  say("");
  say("idle clients  pooler      KiB/client  CPU us/tx of 32 busy ones");
  for (const count of counts)
    for (const [name, target] of [
      ["PgBouncer", bench.pgbouncer],
      ["Poolwise", bench.poolwise],
    ] as const)
      if (target !== undefined)
        say(`${String(count).padStart(12)}  ${await line(name, target, count)}`);
}

async function line(name: string, target: PoolerTarget, count: number): Promise<string> {
  const before = await ownMemory(target.pid);
  const clients: Socket[] = [];
  try {
    for (let made = 0; made < count; made += AT_ONCE) {
      const more = Array.from({ length: Math.min(AT_ONCE, count - made) }, () => idler(target));
      clients.push(...(await Promise.all(more)));
    }
    const grown = (await ownMemory(target.pid)) - before;
    const start = await cpuSeconds(target.pid);
    const args = ["-n", "-S", "-T", "3", "-c", String(BUSY), "-j", "2"];
    const { transactions } = await pgbench(target, "transaction", args, true);
    const cpu = (((await cpuSeconds(target.pid)) - start) * 1e6) / transactions;
    return `${name.padEnd(10)}  ${(grown / 1024 / count).toFixed(1).padStart(10)}  ${cpu.toFixed(1)}`;
  } finally {
    await Promise.all(clients.map(gone));
  }
}

/** A client that has logged in, has run one query, and stays. */
function idler({ port, user }: PoolerTarget): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port });
    let ready = 0;
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("the pooler let an idle client go")));
    socket.on("data", (chunk) => {
      // ReadyForQuery is six bytes long and comes last.
      if (chunk[chunk.length - 6] !== READY) return;
      ready++;
      if (ready === 1) socket.write(query("select 1"));
      else resolve(socket);
    });
    socket.write(
      startupMessage([
        ["user", user],
        ["database", "transaction"],
      ]),
    );
  });
}

function gone(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once("close", () => resolve());
    socket.destroy();
  });
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
