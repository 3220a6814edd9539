/**
 * A process that starts a long live run against the server at `host`, and is then killed by its
 * test.
 */
import { runLive } from "../../workloads/live/index.ts";
import { kind, ms, workload } from "./helpers.ts";

const [, , host = ""] = process.argv;
const address = { host, port: 5432, user: "postgres", database: "postgres" };
await runLive({
  workload: workload(kind()),
  target: address,
  direct: address,
  poolMode: "transaction",
  seed: 1,
  duration: ms(60_000),
  warmup: 0,
  onProgress: ({ phase }) => console.log(phase),
});
