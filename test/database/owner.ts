/**
 * A process that owns a private PostgreSQL and then meets the end that its test has in mind.
 * `hold` waits to be killed, `stall` does so while the server stands still, `throw` dies of an error of its own, `stop BIN` runs the package's
 * binaries found in BIN and ends in good order. Prints the server's directory once it answers.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { startCluster } from "../../workloads/database/cluster.ts";
import { runnableBinaries } from "../../workloads/database/embedded.ts";
import { resolveDatabase } from "../../workloads/database/index.ts";

const [, , ending, bin] = process.argv;

if (ending === "stop" && bin !== undefined) {
  const runnable = await runnableBinaries(bin, undefined);
  const cluster = await startCluster({ bin: runnable, account: undefined, settings: {} });
  console.log(`${cluster.host} ${runnable}`);
  await cluster.stop();
} else {
  const database = await resolveDatabase({ env: { PATH: process.env.PATH } });
  if (ending === "stall") await stalled(database);
  console.log(database.host);
  if (ending === "throw") throw new Error("thrown on purpose");
  setInterval(() => undefined, 1_000);
}

/** Makes it stand still for an hour. */
async function stalled({ server }: Awaited<ReturnType<typeof resolveDatabase>>): Promise<void> {
  const begin = Date.now();
  void server?.stall({ begin, end: begin + 3_600_000 }, new AbortController().signal);
  await sleep(500);
}
