/** Harder days of `size`: they are measured from where a run of the whole length would be. */
import { expect, test } from "vitest";
import { HERE, type Simulator } from "../../sim/study/simulator.ts";
import { Probes } from "../../sim/study/size/probes.ts";
import { harderDays } from "../../sim/study/size/sensitivity.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import { closedWorkload, kindOf } from "./workload.ts";

const SECOND = 1e9;

test("the warm-up of a harder day is looked for in a run of the whole length", async () => {
  const pilots: number[] = [];
  const windows: number[] = [];
  const simulator: Simulator = {
    ...HERE,
    run: (workload, options) => {
      const { duration = workload.run.duration } = options;
      (options.moments === 1000 ? pilots : windows).push(duration / SECOND);
      return HERE.run(workload, options);
    },
  };
  const plain = closedWorkload(kindOf(150, 300, 10), 9);
  const run = { ...plain.run, duration: 100 * SECOND };
  const workload: Workload = { ...plain, slo: { wait_p99: 20e6 }, run };
  const probes = new Probes(workload, { replications: 2, precision: 1, simulator });
  await probes.at(8);
  expect(Math.max(...pilots)).toBeLessThan(25);
  pilots.length = 0;
  const days = await harderDays(workload, 9, probes, 1);
  expect(days.map(({ change }) => change.split(" ")[0])).toEqual(["one", "load", "service"]);
  expect(Math.min(...pilots)).toBe(25);
  expect(Math.max(...windows), "what is measured stays short").toBeLessThan(25);
});
