/** A recorded answer of `poolwise validate`: what was predicted, and what a real pooler then did. */
import type { Result, Validated } from "../../sim/study/results/index.ts";
import { parseWorkload, type Workload } from "../../workloads/schema/load.ts";
import tour from "../../workloads/tour.yaml?raw";
import data from "../data/tour.json" with { type: "json" };

/** The recording: what `poolwise tour --json` printed on a quiet machine. */
export const recorded = data as unknown as Result;

/** Its configurations, each predicted and live. */
export const validations: readonly Validated[] = recorded.validations ?? [];

/** `transaction mode, 5 connections`: the name of a configuration. */
export const nameOf = ({ pool_mode, pool_size }: Validated): string =>
  `${pool_mode} mode, ${pool_size} connections`;

/** The workload that was recorded. */
export const recordedWorkload: Workload = parseWorkload(tour, "tour.yaml");

/** One figure of all configurations. */
export interface Held {
  name: string;
  predicted: number;
  live: number;
  /** Relative; how much the live run differs from one repeat to the next. */
  noise: number;
  holds: boolean;
}

/** A figure, such as `wait_ms.mean`, of every configuration that has it. */
export function held(figure: string): Held[] {
  return validations.map((each) => ({
    name: nameOf(each),
    predicted: each.predicted[figure] ?? 0,
    live: each.live[figure] ?? 0,
    noise: each.noise[figure] ?? 0,
    holds: !each.failed.includes(figure),
  }));
}
