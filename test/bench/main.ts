/**
 * `npm run bench`: what the simulator and the pooler cost, and how soon a slider is answered, each beside a peer or a
 * plain baseline that is measured in the same run. `npm run bench -- simulator`, `-- pooler` or `-- sliders` runs one
 * of them.
 */
import { spawnSync } from "node:child_process";
import { inlineMore } from "../../sim/study/inlining.ts";
import { benchPooler } from "./pooler.ts";
import { benchSimulator } from "./simulator.ts";

const PARTS = ["simulator", "pooler", "sliders"];

/** The pages are built from their sources, so that this part runs from its own too. */
function benchSliders(): void {
  const args = ["--import", "tsx", "test/bench/sliders/run.ts"];
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
  if (status !== 0) process.exitCode = 3;
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !PARTS.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`bench: no "${unknown[0]}"; there are ${PARTS.join(", ")}\n`);
  process.exitCode = 2;
} else {
  if (wanted.length === 0 || wanted.includes("simulator")) {
    inlineMore(); // As the commands that simulate do.
    benchSimulator();
  }
  if (wanted.length === 0 || wanted.includes("pooler")) await benchPooler();
  if (wanted.length === 0 || wanted.includes("sliders")) benchSliders();
}
