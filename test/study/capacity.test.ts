/** The capacity of a database's cores: fitted to runs whose truth is known, and what surrounds the fit. */
import { describe, expect, test } from "vitest";
import { IDEAL, simulate, type Trace } from "../../sim/model/index.ts";
import type { Calibration } from "../../sim/study/live/calibrate.ts";
import {
  between,
  capacityCells,
  checkCapacity,
} from "../../sim/study/live/calibrating-capacity.ts";
import {
  type Capacity,
  fewBusy,
  fitCapacity,
  type Measured,
  onCapacity,
} from "../../sim/study/live/capacity.ts";
import { bestSize } from "../../sim/study/live/capacity-found.ts";
import { FIGURES, type Figure, type Figures } from "../../sim/study/live/figures.ts";
import { withPool } from "../../sim/study/live/pools.ts";
import { servedSimulated, steepness } from "../../sim/study/live/steepness.ts";
import { comparePairs } from "../../sim/study/live/verdict.ts";
import type { ClientKind, Workload } from "../../workloads/schema/workload.ts";
import { closedWorkload, kindOf } from "./workload.ts";

const SECOND = 1e9;
const MILLISECOND = 1e6;

/** 40 clients who think for 20 ms and ask for 5 ms of a core. */
const workload = closedWorkload(kindOf(40, 20, 5), 10);
const playing = {
  warmup: SECOND / 2,
  duration: 4 * SECOND,
  machine: {
    ...IDEAL,
    client: { kind: "constant", value: 0.3 * MILLISECOND } as const,
    lateness: { kind: "exponential", mean: MILLISECOND } as const,
  },
};

/** What a database of this capacity would have been measured to do. */
function measure(played: Workload, truth: Capacity, seed: number): Measured {
  const { throughput, trace } = run(played, truth, seed);
  const served = servedSimulated(trace as Trace, played, seed);
  return { workload: played, seed, throughput, steepness: steepness(served) };
}

function run(played: Workload, capacity: Capacity, seed: number) {
  const { all, trace } = simulate(onCapacity(played, capacity), { seed, ...playing, trace: true });
  const response_p95 = all.response.quantile(0.95);
  return { throughput: all.throughput, response_p95, trace };
}

/** `faults`: what disturbs the measurement at many connections. */
function fitted(
  truth: Capacity,
  most: number,
  cores: number,
  faults?: Workload["faults"],
): Promise<Capacity> {
  const full = withPool(workload, "transaction", most);
  const runs = {
    alone: measure(withPool(workload, "transaction", 1), truth, 1),
    full: { ...measure({ ...full, faults }, truth, 2), workload: full },
    few: measure(fewBusy(full, cores), truth, 3),
  };
  return fitCapacity(runs, most, playing);
}

describe("a capacity is found again from three runs at two pool sizes", () => {
  for (const [name, work, cap, knee, quantum, cores] of [
    ["two cores, of which pooler and driver take a little", 1.04, 1.9, 10, undefined, 2],
    ["a soft bend", 1.1, 1.8, 4, 4 * MILLISECOND, 2],
    ["a sharp corner", 0.97, 2, 30, 8 * MILLISECOND, 2],
    ["four cores", 1.02, 3.7, 6, 2 * MILLISECOND, 4],
  ] as const)
    test(name, async () => {
      const truth = { work, cap, knee, quantum, reached: true };
      const found = await fitted(truth, 10 * cores, cores);
      // A run of 4 s has 800 transactions at one connection: one of them is worth 0.13 %.
      expect(found.work / work).toBeCloseTo(1, 2);
      expect(found.cap / cap).toBeCloseTo(1, 2);
      expect(found.reached).toBe(true);
      // What counts is what is predicted from it, between one connection and many.
      for (const pool of [2, 6, 40]) {
        const played = withPool(workload, "transaction", pool);
        const seeds = [4, 5, 6, 7];
        const sum = (capacity: Capacity, figure: "throughput" | "response_p95"): number =>
          seeds.reduce((total, seed) => total + run(played, capacity, seed)[figure], 0);
        expect(sum(found, "throughput") / sum(truth, "throughput")).toBeCloseTo(1, 1.7);
        expect(sum(found, "response_p95") / sum(truth, "response_p95")).toBeCloseTo(1, 1.3);
      }
    });

  test("turns are seen though the machine stands still now and then", async () => {
    const truth = { work: 1, cap: 2, knee: 30, quantum: 4 * MILLISECOND, reached: true };
    const stalls = [1, 2, 3].map((second) => ({
      fault: "stall" as const,
      at: second * SECOND,
      for: 0.1 * SECOND,
    }));
    const { quantum = 0 } = await fitted(truth, 20, 2, stalls);
    expect(quantum / truth.quantum).toBeGreaterThan(0.6);
    expect(quantum / truth.quantum).toBeLessThan(1.6);
  });

  test("a load that does not reach the cap says so", async () => {
    const idle = closedWorkload(kindOf(6, 100, 5), 10); // A quarter of a core's worth.
    const truth = { work: 1, cap: 30, knee: 8, quantum: undefined, reached: true };
    const full = withPool(idle, "transaction", 20);
    const runs = {
      alone: measure(withPool(idle, "transaction", 1), truth, 1),
      full: measure(full, truth, 2),
      few: measure(fewBusy(full, 2), truth, 3),
    };
    expect((await fitCapacity(runs, 20, playing)).reached).toBe(false);
  });
});

describe("between two calibrations", () => {
  const measured = (capacity: Partial<Capacity>, throughputs: number[]): Calibration => {
    const start = { work: 1, cap: 2, knee: 8, quantum: 4 * MILLISECOND, reached: true };
    return { capacity: { ...start, ...capacity, measured: throughputs } } as Calibration;
  };
  const before = measured({}, [100, 200]);
  for (const [name, after, want] of [
    ["the same again: the same", measured({}, [100, 200]), [1, 2, 8, 4, true, 100, 200]],
    [
      "all figures halfway on a scale of ratios",
      measured({ work: 4, cap: 8, knee: 32, quantum: MILLISECOND }, [400, 50]),
      [2, 4, 16, 2, true, 200, 100],
    ],
    [
      "no quantum where one of them has seen none",
      measured({ quantum: undefined }, [100, 200]),
      [1, 2, 8, undefined, true, 100, 200],
    ],
    [
      "a guess where one of them is one",
      measured({ reached: false }, [100, 200]),
      [1, 2, 8, 4, false, 100, 200],
    ],
  ] as const) {
    test(name, () => {
      const found = between(before, after).capacity as NonNullable<Calibration["capacity"]>;
      const { work, cap, knee, quantum, reached, measured: throughputs } = found;
      const quantum_ms = quantum && quantum / MILLISECOND;
      expect([work, cap, knee, quantum_ms, reached, ...throughputs]).toEqual(want);
    });
  }
});

describe("as many clients as cores, who never think", () => {
  const kind = (name: string, count: number): ClientKind => ({ ...kindOf(count, 20, 5), name });
  for (const [counts, cores, want] of [
    [[40], 2, [2]],
    [[30, 10], 4, [3, 1]],
    [[39, 1], 2, [2]],
    [[1, 1, 1], 2, [1, 1]],
    [[10, 10], 1, [1]],
  ] as const)
    test(`${counts.join(" + ")} clients, ${cores} cores: ${want.join(" + ")}`, () => {
      const kinds = counts.map((count, i) => kind(`kind${i}`, count));
      const { clients } = fewBusy({ ...workload, clients: kinds }, cores);
      expect(clients.map(({ count }) => count)).toEqual([...want]);
      expect(clients.every(({ think }) => think.kind === "constant" && think.value === 0)).toBe(
        true,
      );
    });
});

test("the larger size of a calibration has connections to spare and is not predicted", () => {
  const on = (cores: number): Workload => ({ ...workload, server: { ...workload.server, cores } });
  expect(capacityCells(on(2), [2, 4, 8], []).full.pool_size).toBe(20);
  expect(capacityCells(on(2), [20, 21], []).full.pool_size).toBe(22);
  expect(capacityCells(on(8), [20], [])).toMatchObject({ cores: 8, alone: { pool_size: 1 } });
});

describe("a workload whose capacity cannot be measured is refused", () => {
  const cpu: ClientKind = {
    ...kindOf(4, 20, 5),
    transaction: { ...kindOf(4, 20, 5).transaction, work: "cpu" },
  };
  const open = { ...cpu, count: undefined, arrivals: { gap: cpu.think } };
  for (const [name, clients, message] of [
    ["some of it sleeps", [cpu, { ...kindOf(4, 20, 5), name: "other" }], "cpu for all kinds"],
    ["two pools", [cpu, { ...cpu, database: "other" }], "one database and user"],
    ["arrivals", [open], "a count of clients"],
  ] as const)
    test(name, () =>
      expect(() => checkCapacity({ ...workload, clients: [...clients] })).toThrow(message),
    );
  test("one kind of real work is not", () =>
    expect(() => checkCapacity({ ...workload, clients: [cpu] })).not.toThrow());
});

/** Every figure 100, but one. */
function figures(figure: Figure, value: number): Figures {
  const all = Object.fromEntries(FIGURES.map((name) => [name, 100])) as Figures;
  return { ...all, [figure]: value };
}

describe("tolerance where pooler and driver share the cores with the statements", () => {
  for (const [figure, predicted, holds, why] of [
    ["throughput_tps", 103, true, "3 %, nothing absolute"],
    ["throughput_tps", 103.1, false, "just beyond"],
    ["response_ms.mean", 110.5, true, "10 % and half a millisecond"],
    ["response_ms.mean", 110.6, false, "just beyond"],
    ["response_ms.p95", 89.5, true, "below as well as above"],
    ["response_ms.p95", 89.4, false, "just beyond, below"],
    ["wait_ms.mean", 110.6, false, "the pooler's own mean"],
    ["wait_ms.p95", 300, undefined, "nobody sees it"],
    ["response_ms.p99", 300, undefined, "the best size is what its verdict is about"],
  ] as const)
    test(`${figure} ${predicted} against 100: ${holds ?? "no verdict"} (${why})`, () => {
      const live = [figures(figure, 100), figures(figure, 100)];
      const compared = comparePairs(
        live.map(() => figures(figure, predicted)),
        live,
      );
      expect(compared.find((each) => each.figure === figure)?.holds).toBe(holds);
    });
});

describe("a machine whose speed drifts, and a prediction for each repeat", () => {
  const of = (values: readonly number[]): Figures[] =>
    values.map((value) => figures("throughput_tps", value));
  const throughput = (predicted: readonly number[], live: readonly number[]) =>
    comparePairs(of(predicted), of(live)).find(({ figure }) => figure === "throughput_tps");
  test("what both sides do together is neither error nor noise", () => {
    const drifting = throughput([408, 510, 306], [400, 500, 300]);
    expect(drifting).toMatchObject({ predicted: 408, live: 400, holds: true });
    expect(drifting?.error).toBeCloseTo(0.02);
    expect(drifting?.noise).toBeCloseTo(0);
  });
  test("medians alike hide no prediction that is wrong each time", () =>
    expect(throughput([440, 550, 330, 300], [400, 500, 300, 440])?.error).toBeCloseTo(0.1));
  test("the noise is what pairs are apart: 2 x 0.2 / sqrt(3) = 23.1 % here", () => {
    expect(throughput([80 * 1.23, 100 * 1.23, 120 * 1.23], [100, 100, 100])?.holds).toBe(true);
    expect(throughput([80 * 1.24, 100 * 1.24, 120 * 1.24], [100, 100, 100])?.holds).toBe(false);
  });
  test("where nothing was seen live there is no ratio, and half a millisecond is no matter", () => {
    const waits = [0.4, 0.4].map((value) => figures("wait_ms.mean", value));
    const compared = comparePairs(
      waits,
      [0, 0].map((value) => figures("wait_ms.mean", value)),
    );
    expect(compared.find(({ figure }) => figure === "wait_ms.mean")?.holds).toBe(true);
  });
});

describe("the best size for the p99 of the response, predicted and live", () => {
  const cell = (pool_size: number, predicted: number, live: readonly number[]) => ({
    cell: { name: `t${pool_size}`, pool_mode: "transaction" as const, pool_size },
    predicted: [figures("response_ms.p99", predicted)],
    live: live.map((value) => figures("response_ms.p99", value)),
  });
  const three = [cell(2, 130, [150]), cell(12, 190, [180]), cell(4, 120, [140])];
  test("by the medians of the repeats, in order of size", () =>
    expect(bestSize([...three, cell(3, 125, [90, 139, 300])])).toEqual({
      ...{ predicted: 4, live: 3, steps: 1, holds: true },
    }));
  test("two steps apart do not hold", () =>
    expect(bestSize([...three, cell(8, 150, [160]), cell(40, 400, [100])])).toEqual({
      ...{ predicted: 4, live: 40, steps: 3, holds: false },
    }));
  test("of a single size nothing is said", () =>
    expect(bestSize([cell(2, 1, [1])])).toBeUndefined());
});
