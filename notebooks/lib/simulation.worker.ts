/** Simulates beside the page, so that it stays alive: workloads in, one answer after the other out. */
import "./immediate.ts";
import type { Run } from "../../sim/study/results/index.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import { REPLICATIONS, studied } from "./studying.ts";

/** What the worker says: how far it is, an answer, or what was wrong. */
export type Message =
  | { kind: "progress"; done: number }
  | { kind: "run"; run: Run }
  | { kind: "error"; message: string };

const say = (message: Message): void => postMessage(message);

addEventListener("message", async ({ data }: MessageEvent<readonly Workload[]>) => {
  try {
    for (const [index, workload] of data.entries()) {
      const run = await studied(workload, (done) =>
        say({ kind: "progress", done: index + done / REPLICATIONS }),
      );
      say({ kind: "run", run });
    }
  } catch (error) {
    say({ kind: "error", message: error instanceof Error ? error.message : String(error) });
  }
});
