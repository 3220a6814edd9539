/** Simulations in the background, with a bar: a cell views them and has the answers as they come. */
import type { Run } from "../../sim/study/results/index.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import { element, type View, valued } from "./dom.ts";
import type { Message } from "./simulation.worker.ts";
import SimulationWorker from "./simulation.worker.ts?worker&inline";

/** Milliseconds of rest before a worker is asked: a slider that is being dragged says something every frame. */
const REST = 50;

/**
 * Simulates the workloads one after the other. `over` is the cell's `invalidation`: when a slider has
 * moved, nobody wants the rest.
 */
export function simulated(workloads: readonly Workload[], over: Promise<unknown>): View<Run[]> {
  const bar = element("progress", { max: `${workloads.length}`, value: "0" });
  bar.setAttribute("aria-label", "simulation");
  const words = element("span", { role: "status" }, "simulating in your browser ...");
  const box = element("div", { class: "background", "data-state": "running" }, bar, words);
  const { view, change } = valued<Run[]>(box, []);
  let worker: Worker | undefined;
  const finish = (text: string, state: string): void => {
    worker?.terminate();
    bar.value = workloads.length;
    words.textContent = text;
    box.dataset.state = state;
  };
  const hear = ({ data }: MessageEvent<Message>): void => {
    if (data.kind === "progress") bar.value = data.done;
    else if (data.kind === "error") finish(`stopped: ${data.message}`, "failed");
    else {
      const runs = [...view.value, data.run];
      if (runs.length === workloads.length) finish(summary(runs), "done");
      change(runs);
    }
  };
  const begin = setTimeout(() => {
    worker = new SimulationWorker();
    worker.onmessage = hear;
    worker.postMessage(workloads);
  }, REST);
  over.then(() => {
    clearTimeout(begin);
    worker?.terminate();
  });
  return view;
}

function summary(runs: readonly Run[]): string {
  const sum = (value: (run: Run) => number): number =>
    runs.reduce((all, run) => all + value(run), 0);
  const seconds = Math.round(sum((run) => run.simulated_s)).toLocaleString("en-US");
  const transactions = sum((run) => run.transactions).toLocaleString("en-US");
  return `simulated ${seconds} s with ${transactions} transactions in your browser`;
}
