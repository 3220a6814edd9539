/** A simulation in this thread lets others have their turn, and is the same for it. */
import { expect, test } from "vitest";
import { Abandoned, simulate, simulateInTurns } from "../../sim/model/index.ts";
import { HERE, simulateHearing } from "../../sim/study/simulator.ts";
import { loadWorkload } from "../../workloads/schema/load.ts";
import { closedWorkload, kindOf } from "./workload.ts";

/** Minutes of work. */
const LONG = { seed: 1, warmup: 0, duration: 20_000e9 };
const long = closedWorkload(kindOf(400, 30, 2.5), 20);

test("a signal that comes in the middle of a replication ends it", async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 1);
  const made = HERE.run(long, { ...LONG, signal: controller.signal });
  await expect(made).rejects.toBeInstanceOf(Abandoned);
});

test("and a prediction, with its own reason", async () => {
  const controller = new AbortController();
  const reason = new Error("no more");
  setTimeout(() => controller.abort(reason), 1);
  await expect(simulateHearing(controller.signal, long, LONG)).rejects.toBe(reason);
});

for (const name of ["tour", "retry-storm", "double-pooling", "cpu-bound", "login-storm"])
  test(`${name}: the same result when it rests before every tick`, () => {
    const workload = { ...loadWorkload(`workloads/${name}.yaml`), faults: undefined };
    const options = { seed: 3, warmup: 1e9, duration: 4e9, moments: 10, trace: true };
    let due = false;
    const simulation = simulateInTurns(workload, options, () => {
      due = !due;
      return due;
    });
    let turns = 0;
    let turn = simulation.next();
    for (; !turn.done; turn = simulation.next()) turns++;
    expect(turn.value).toEqual(simulate(workload, options));
    expect(turns).toBeGreaterThan(5);
  });
