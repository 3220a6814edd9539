/** Studies: their intervals hold the exact answers, they stop when they should, and they repeat. */
import { describe, expect, test } from "vitest";
import { replicationSeed } from "../../sim/kernel/streams.ts";
import { closedPool } from "../../sim/study/analytic/index.ts";
import { resultSchema, runSchema } from "../../sim/study/results/index.ts";
import { Interrupted, studies, study, TimeUp } from "../../sim/study/run.ts";
import type { Simulator } from "../../sim/study/simulator.ts";
import { openSimulator } from "../../sim/study/threads.ts";
import { warmUpTime } from "../../sim/study/warm-up.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import { closedWorkload, kindOf, timeLimit } from "./workload.ts";

const MILLISECOND = 1e6;
const SECOND = 1e9;
const small = closedWorkload(kindOf(100, 1000, 10), 2);
const brief: Workload = { ...small, run: { ...small.run, duration: 5 * SECOND } };

describe("for an objective a study takes as many replications as it needs", () => {
  const exact = closedPool({ clients: 100, think: 1000, service: 10, servers: 2 }).quantile(0.99);
  const replications = async (factor: number, goal: "objective" | "figures") => {
    const workload = { ...small, slo: { wait_p99: Math.round(factor * exact * MILLISECOND) } };
    const { run } = await study(workload, { seed: 1, precision: 0.5, goal, timeLimit });
    return [run.replications, run.slo?.met];
  };
  // limit over the exact p99, goal, replications, met, why
  for (const [factor, goal, want, met, why] of [
    [5, "objective", 4, true, "plainly met at the first look"],
    [0.2, "objective", 4, false, "plainly missed"],
    [1.15, "objective", 10, true, "met, but not plainly"],
    [5, "figures", 10, true, "figures are never believed after four"],
  ] as const)
    test(`${goal}, limit ${factor} times p99: ${why}`, async () => {
      expect(await replications(factor, goal)).toEqual([want, met]);
    });
});

describe("a study of the closed pool M/M/c//N", () => {
  // clients, think ms, service ms, servers, seed
  for (const [clients, think, service, servers, seed] of [
    [100, 1000, 10, 2, 3],
    [400, 300, 40, 50, 1],
    [40, 60, 5, 4, 1],
  ] as const) {
    test(`${clients} clients on ${servers} servers: every interval holds the exact answer`, async () => {
      const workload = closedWorkload(kindOf(clients, think, service), servers);
      const { run } = await study(workload, { seed, precision: 0.1, timeLimit });
      const law = closedPool({ clients, think, service, servers });
      within(run.wait_ms.mean_ci95, law.mean);
      within(run.wait_ms.p95_ci95, law.quantile(0.95));
      within(run.wait_ms.p99_ci95, law.quantile(0.99));
      within(run.wait_probability_ci95, law.probability);
      within(run.throughput_tps_ci95, law.throughput * 1000);
      expect(run.precise).toBe(true);
      const [low, high] = run.wait_ms.mean_ci95 ?? [0, 0];
      expect((high - low) / 2).toBeLessThanOrEqual(0.1 * run.wait_ms.mean);
    });
  }

  test("the same seed gives the same figures, another seed others", async () => {
    const figures = async (seed: number) => {
      const { run, samples } = await study(brief, { seed, precision: 0.3, timeLimit });
      return { ...run, wall_s: 0, samples };
    };
    const [first, again, other] = [await figures(7), await figures(7), await figures(8)];
    expect(again).toEqual(first);
    expect(other.wait_ms.mean).not.toBe(first.wait_ms.mean);
  });

  test("a run obeys the published schema", async () => {
    const { run } = await study(brief, { settings: { default_pool_size: 2 }, timeLimit });
    expect(() => runSchema.parse(run)).not.toThrow();
    const head = { poolwise: "0", command: "simulate", workload: "closed", seed: 1 };
    const text = JSON.stringify({ ...head, runs: [run] });
    expect(() => resultSchema.parse(JSON.parse(text))).not.toThrow();
  });
});

describe("when a study stops", () => {
  test("after two replications when there is no time", async () => {
    const { run } = await study(small, { precision: 0.0001, timeLimit: 0 });
    expect(run).toMatchObject({ replications: 2, precise: false });
    expect(run.wait_ms.mean_ci95).not.toBeNull();
  });

  test("after the replication in which it is interrupted; one alone has no interval", async () => {
    const controller = new AbortController();
    const seen: number[] = [];
    const { run } = await study(brief, {
      precision: 0.0001,
      signal: controller.signal,
      onProgress: ({ replications, share }) => {
        seen.push(share);
        if (replications === 1) controller.abort();
      },
    });
    expect(run.replications).toBe(1);
    expect(run.wait_ms.mean_ci95).toBeNull();
    expect(seen.every((share) => share >= 0 && share <= 1)).toBe(true);
  });

  describe("the time is up while replications are under way", () => {
    const endless = { ...brief, run: { ...brief.run, warmup: SECOND, duration: 1e15 } };
    for (const [where, open] of [
      ["in this thread", () => openSimulator(0)],
      ["on worker threads", () => openSimulator(2, 0)],
    ] as const) {
      test(`${where}: before two are done there is no answer`, async () => {
        const simulator = open();
        const options = { deadline: Date.now() + 2000, simulator };
        await expect(study(endless, options)).rejects.toThrow(TimeUp);
        const auto = { ...endless, run: { ...endless.run, warmup: "auto" as const } };
        await expect(study(auto, options), "and during the pilots").rejects.toThrow(TimeUp);
        await simulator.close();
      });

      test(`${where}: what is done is the answer, the same of all configurations`, async () => {
        const simulator = open();
        // Threads that have to be started yet could use the time up.
        const first = { seed: 1, warmup: 0, duration: SECOND };
        await Promise.all([1, 2].map(() => simulator.run(endless, first)));
        let begun = 0;
        const slower: Simulator = {
          ...simulator,
          width: simulator.width,
          run: (workload, options) =>
            simulator.run(workload, begun++ < 7 ? { ...options, duration: SECOND } : options),
        };
        const found = await studies([endless, endless], { timeLimit: 2000, simulator: slower });
        const made = found.map(({ run }) => run.replications);
        expect(made[0]).toBe(made[1]);
        expect([2, 3]).toContain(made[0]);
        await simulator.close();
      });
    }

    for (const [where, threads] of [
      ["in this thread, where none is begun any more", 0],
      ["on worker threads, where the one under way is given up", 2],
    ] as const) {
      test(`interrupted ${where}: what is done is the answer`, async () => {
        const controller = new AbortController();
        const simulator = openSimulator(threads, 0);
        let begun = 0;
        const slower: Simulator = {
          ...simulator,
          width: simulator.width,
          run: (workload, options) => {
            const duration = begun++ < 1 ? SECOND : 1e15;
            if (duration > SECOND && threads === 0) controller.abort();
            return simulator.run(workload, { ...options, duration });
          },
        };
        const { run } = await study(endless, {
          timeLimit,
          signal: controller.signal,
          simulator: slower,
          onProgress: () => setTimeout(() => controller.abort(), 100),
        });
        expect(run.replications).toBe(1);
        await simulator.close();
      });
    }

    test("interrupted on worker threads before one is done: there is no answer", async () => {
      const simulator = openSimulator(2, 0);
      for (const warmup of [SECOND, "auto"] as const) {
        const controller = new AbortController();
        setTimeout(() => controller.abort(), 500);
        const workload = { ...endless, run: { ...endless.run, warmup } };
        const { signal } = controller;
        await expect(study(workload, { signal, simulator, timeLimit })).rejects.toThrow(
          Interrupted,
        );
      }
      await simulator.close();
    });

    test("exactly so many replications are made whatever time they take", async () => {
      const { run } = await study(brief, { replications: 3, timeLimit: 0 });
      expect(run.replications).toBe(3);
    });
  });

  test("configurations in lockstep have equally many replications and one warm-up", async () => {
    const bigger = { ...brief, settings: { ...brief.settings, default_pool_size: 3 } };
    const [two, three] = await studies([brief, bigger], { precision: 0.2, timeLimit });
    expect(two?.samples.wait_mean_ms.length).toBe(three?.samples.wait_mean_ms.length);
    expect(two?.run.warmup_s).toBe(three?.run.warmup_s);
    expect(two?.run.wait_ms.mean).toBeGreaterThan(three?.run.wait_ms.mean ?? 0);
  });

  test("the first replication has the master seed, the others differ from it and each other", () => {
    const seeds = Array.from({ length: 200 }, (_, i) => replicationSeed(1, i));
    expect(seeds[0]).toBe(1);
    expect(new Set(seeds).size).toBe(200);
    expect(seeds.every((seed) => Number.isInteger(seed) && seed >= 0)).toBe(true);
  });
});

describe("warm-up", () => {
  test("is the workload's own when it has one", async () => {
    const own = { ...brief, run: { ...brief.run, warmup: 3 * SECOND } };
    expect(await warmUpTime(own, { seed: 1 })).toEqual({ warmup: 3 * SECOND });
  });

  test("lets every client's cycle pass a few times", async () => {
    expect((await warmUpTime(small, { seed: 1 })).warmup).toBeGreaterThanOrEqual(5 * 1.01 * SECOND);
  });

  test("a pool that fills up for as long as one looks is not steady, and that is said", async () => {
    const kind = kindOf(1, 1000, 1000);
    const session = { transactions: "forever" as const, away: kind.session.away };
    const endless = { ...kind, session, count: undefined };
    const arrivals = { gap: { kind: "exponential" as const, mean: SECOND / 10 } };
    const flooded = closedWorkload({ ...endless, arrivals }, 2);
    const { warmup, unsteady } = await warmUpTime(flooded, { seed: 1 });
    expect(unsteady).toContain("no steady state");
    expect(warmup).toBe(flooded.run.duration / 2);
  });
});

test("a run that never settles is said to be one, and has no interval", async () => {
  const kind = { ...kindOf(1, 0, 100), count: undefined };
  const arrivals = { gap: { kind: "exponential" as const, mean: SECOND / 30 } };
  const session = { ...kind.session, transactions: { kind: "constant" as const, value: 1 } };
  const flooded = closedWorkload({ ...kind, session, arrivals }, 2);
  const settings = { ...flooded.settings, query_wait_timeout: 0 };
  const { run, notes } = await study({ ...flooded, settings }, { timeLimit });
  expect(run.replications).toBe(10); // More of them would not settle it.
  expect(run.unsteady).toContain("arrivals bring 150 % of what the pool can serve");
  expect(notes).toContain(run.unsteady);
  expect(run.wait_ms.mean_ci95).toBeNull();
  expect(run.precise).toBe(false);
});

test("a quantile with fewer than 100 transactions beyond it has no interval, and that is said", async () => {
  const few = { ...small, run: { ...small.run, duration: 15 * SECOND } };
  const { run, notes } = await study(few, { timeLimit: 0 });
  expect(run.transactions).toBeLessThan(10_000);
  expect(run.wait_ms.p99_ci95).toBeNull();
  expect(run.precise).toBe(false);
  expect(notes.join()).toContain("no interval for p99");
});

function within(interval: readonly [number, number] | null | undefined, truth: number): void {
  expect(interval).not.toBeNull();
  const [low, high] = interval ?? [Number.NaN, Number.NaN];
  expect(low).toBeLessThanOrEqual(truth);
  expect(high).toBeGreaterThanOrEqual(truth);
}
