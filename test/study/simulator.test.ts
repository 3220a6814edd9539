/** Worker threads: the same answer, whatever their number; none is left. */
import { expect, test } from "vitest";
import { studies } from "../../sim/study/run.ts";
import { HERE, type Simulator } from "../../sim/study/simulator.ts";
import { openSimulator } from "../../sim/study/threads.ts";
import { closedWorkload, kindOf, timeLimit } from "./workload.ts";

const workloads = [2, 3].map((servers) => {
  const workload = closedWorkload(kindOf(400, 300, 2.5), servers);
  return { ...workload, run: { ...workload.run, duration: 3e9 } };
});

async function answers(simulator: Simulator) {
  try {
    const found = await studies(workloads, {
      seed: 5,
      precision: 0.1,
      simulator,
      timeLimit,
    });
    return found.map(({ run, samples, notes }) => ({ run: { ...run, wall_s: 0 }, samples, notes }));
  } finally {
    await simulator.close();
  }
}

test("a study is the same bit for bit in this thread, on one thread and on three", async () => {
  const here = await answers(openSimulator(0));
  expect(here[0]?.run.replications).toBeGreaterThanOrEqual(10);
  for (const threads of [1, 3]) {
    const simulator = openSimulator(threads, 0);
    expect(simulator.width).toBe(threads);
    expect(await answers(simulator)).toEqual(here);
  }
});

test("an error of a worker is the study's error", async () => {
  const simulator = openSimulator(2, 0);
  const [workload] = workloads as [(typeof workloads)[0]];
  const broken = { ...workload, clients: undefined as unknown as typeof workload.clients };
  await expect(simulator.run(broken, { seed: 1, duration: 1e9 })).rejects.toThrow(
    /not iterable|of undefined/,
  );
  await simulator.close();
});

test("a long replication leaves this thread free from the start, so that it hears Ctrl-C", async () => {
  const [workload] = workloads as [(typeof workloads)[0]];
  const long = { ...workload, run: { ...workload.run, duration: 500e9 } };
  const simulator = openSimulator(1);
  let turns = 0;
  let over = false;
  const turn = (): void => {
    turns++;
    if (!over) setImmediate(turn);
  };
  setImmediate(turn);
  await simulator.run(long, { seed: 1 }).finally(() => {
    over = true;
  });
  await simulator.close();
  // In this thread it would be two or three: one before the replication, and one after it.
  expect(turns).toBeGreaterThan(20);
});

test("no replication is begun ahead that nobody will ask for", async () => {
  // options, begun of two workloads, why
  for (const [options, want, why] of [
    [{ replications: 3 }, 6, "exactly so many are wanted"],
    [{ timeLimit: 0 }, 4, "the time is up: the least that there is an interval for"],
  ] as const) {
    let begun = 0;
    const wide: Simulator = {
      ...HERE,
      width: 8,
      run: (workload, simulation) => {
        begun++;
        return HERE.run(workload, simulation);
      },
    };
    const timed = workloads.map((each) => ({ ...each, run: { ...each.run, warmup: 1e9 } }));
    await studies(timed, { seed: 5, ...options, simulator: wide });
    expect(begun, why).toBe(want);
  }
});
