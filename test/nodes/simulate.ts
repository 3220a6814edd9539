/**
 * Simulates the shipped workloads, and one of every law, and prints a line of JSON for each: what two
 * versions of Node.js must agree on to the last byte. Started by `run.ts` under each of them.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { runProgram } from "../../sim/cli/program.ts";

const SHIPPED = join(import.meta.dirname, "../../workloads");

/** Two replications, so that intervals are drawn too; short ones, for what differs, differs soon. */
const OPTIONS = ["--seed", "7", "--replications", "2", "--duration", "12 s"];

const files = readdirSync(SHIPPED)
  .filter((name) => name.endsWith(".yaml"))
  .map((name) => join(SHIPPED, name));

for (const file of [...files, join(import.meta.dirname, "laws.yaml")])
  await runProgram(["simulate", file, ...OPTIONS, "--workers", "1", "--json", "--quiet"]);
