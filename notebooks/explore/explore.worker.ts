/** Simulates beside the page: a question about workloads in, its answer out, and how far it is. */
import "../lib/immediate.ts";
import { compareModes } from "../../sim/study/compare.ts";
import type { Point } from "../../sim/study/points.ts";
import type { Result } from "../../sim/study/results/index.ts";
import { type StudyOptions, study } from "../../sim/study/run.ts";
import { sweep } from "../../sim/study/sweep.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import type { Question } from "./state.ts";

/** What to simulate. */
export interface Job {
  question: Question;
  /** One; for a sweep one for each of `points`. */
  workloads: readonly Workload[];
  points: readonly Point[];
  replications: number;
}

/** The part of a result that the page shows. */
export type Answer = Pick<Result, "runs" | "differences" | "notes">;

/** What the worker says; a draft is an answer of few replications, so that something is seen soon. */
export type Said =
  | { kind: "progress"; share: number }
  | { kind: "draft" | "answer"; answer: Answer }
  | { kind: "error"; message: string };

/** Replications of a draft: with fewer there is no interval. */
const DRAFT = 2;
/** Milliseconds that somebody who moves a slider does not notice. */
const AT_ONCE = 1000;

const say = (said: Said): void => postMessage(said);

addEventListener("message", async ({ data }: MessageEvent<Job>) => {
  try {
    if (data.question === "simulate") await draft(data);
    const onProgress = ({ share }: { share: number }): void => say({ kind: "progress", share });
    say({ kind: "answer", answer: await answer(data, { ...data, onProgress }) });
  } catch (error) {
    say({ kind: "error", message: error instanceof Error ? error.message : String(error) });
  }
});

async function draft(job: Job): Promise<void> {
  const begin = performance.now();
  const rough = await answer(job, { replications: DRAFT });
  const whole = ((performance.now() - begin) * job.replications) / DRAFT;
  if (whole > AT_ONCE) say({ kind: "draft", answer: rough });
}

/** As the command of that name does. */
async function answer(
  { question, workloads, points }: Job,
  { replications, onProgress }: StudyOptions,
): Promise<Answer> {
  const options = { replications, onProgress };
  const [first] = workloads as [Workload];
  switch (question) {
    case "simulate": {
      const { run, notes } = await study(first, options);
      return { runs: [run], notes };
    }
    case "compare":
      return compareModes(first, options);
    case "sweep": {
      const rest = [...workloads];
      return sweep(points, () => rest.shift() as Workload, options);
    }
  }
}
