/**
 * A process that owns a private PostgreSQL and then meets the end that its test has in mind.
 * `hold` waits to be killed, `throw` dies of an error of its own, `stop BIN` runs the package's
 * binaries found in BIN and ends in good order. Prints the server's directory once it answers.
 */
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
  console.log(database.host);
  if (ending === "throw") throw new Error("thrown on purpose");
  setInterval(() => undefined, 1_000);
}
