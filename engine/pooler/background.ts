/** The process that `daemon.ts` starts: tells its parent when it listens, and goes on without it. */
import { type PoolerFlags, runPooler } from "./run.ts";

const { ini, flags } = JSON.parse(process.argv[2] ?? "") as { ini: string; flags: PoolerFlags };
// The pipe to the parent goes with it; what would go there must not end us.
process.stderr.on("error", () => undefined);
const status = await runPooler(ini, { ...flags, quiet: true }, () => void process.send?.("up"));
process.exit(status);
