/**
 * `npm run bench`: what the simulator and the pooler cost, each beside a peer or a plain baseline that is
 * measured in the same run. `npm run bench -- simulator` or `-- pooler` runs one of them.
 */
import { inlineMore } from "../../sim/study/inlining.ts";
import { benchPooler } from "./pooler.ts";
import { benchSimulator } from "./simulator.ts";

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !["simulator", "pooler"].includes(name));
if (unknown.length > 0) {
  process.stderr.write(`bench: no "${unknown[0]}"; there are simulator and pooler\n`);
  process.exitCode = 2;
} else {
  if (wanted.length === 0 || wanted.includes("simulator")) {
    inlineMore(); // As the commands that simulate do.
    benchSimulator();
  }
  if (wanted.length === 0 || wanted.includes("pooler")) await benchPooler();
}
