/** `size` where busy statements share the database's cores, so that a bigger pool can hurt. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sizeText } from "../../sim/report/size.ts";
import { offeredLoad, workOnCores } from "../../sim/study/offered.ts";
import { type CurvePoint, type Result, resultSchema } from "../../sim/study/results/index.ts";
import { Interrupted } from "../../sim/study/run.ts";
import { biggerThan, movedWaiting } from "../../sim/study/size/bigger.ts";
import { type RegionJudge, searchRegion } from "../../sim/study/size/region.ts";
import { sizePool } from "../../sim/study/size/size.ts";
import { withCores } from "../../sim/study/size/variants.ts";
import type { ServerModel, Workload } from "../../workloads/schema/workload.ts";
import { closedWorkload, kindOf, timeLimit } from "./workload.ts";

const MILLISECOND = 1e6;
const SECOND = 1e9;

/** Nearest to the objective at `best`, further by a steady slope on both sides; met up to 1. */
class Valley implements RegionJudge {
  readonly asked = new Set<number>();
  spent = 0;
  private readonly best: number;
  private readonly depth: number;
  private readonly slope: number;

  constructor(best: number, depth: number, slope: number) {
    this.best = best;
    this.depth = depth;
    this.slope = slope;
  }
  at(size: number) {
    this.asked.add(size);
    return Promise.resolve();
  }
  distance(size: number) {
    return this.depth + this.slope * Math.abs(Math.log(size / this.best));
  }
  judge(size: number) {
    return this.distance(size) <= 1 ? ("met" as const) : ("missed" as const);
  }
}

describe("the search for the sizes that meet the objective", () => {
  test("finds both edges of the region, wherever the best size lies, in few looks", async () => {
    const cases = fc.record({
      largest: fc.integer({ min: 1, max: 5_000 }),
      start: fc.integer({ min: 1, max: 64 }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      depth: fc.double({ min: 0.2, max: 0.9, noNaN: true }),
      slope: fc.double({ min: 0.5, max: 4, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ largest, start, share, depth, slope }) => {
        const best = Math.max(1, Math.round(share * largest));
        const valley = new Valley(best, depth, slope);
        const sizes = Array.from({ length: largest }, (_, i) => i + 1);
        const does = sizes.filter((size) => valley.judge(size) === "met");
        const want = { from: does[0], to: does.at(-1), notes: [] };
        expect(await searchRegion(valley, start, largest)).toEqual(want);
        expect(valley.asked.size).toBeLessThanOrEqual(4 * Math.log2(largest + 1) + 4);
      }),
    );
  });

  // start, largest, best, depth: the distance at best
  for (const [start, largest, best, depth, why] of [
    [4, 100, 10, 1.01, "nothing does"],
    [4, 100, 1, 3, "nothing does, the smallest is nearest"],
    [4, 100, 100, 3, "nothing does, the largest is nearest"],
    [7, 1, 1, 2, "one size is all there is"],
  ] as const)
    test(`${why}: said by no size, with the nearest among those looked at`, async () => {
      const valley = new Valley(best, depth, 1);
      const found = await searchRegion(valley, start, largest);
      expect(found).toEqual({ from: undefined, to: undefined, notes: [] });
      expect(valley.asked).toContain(best);
    });

  test("a region of one size between two rungs is found", async () => {
    const valley = new Valley(11, 0.99, 0.2);
    const found = await searchRegion(valley, 2, 200);
    expect(found).toMatchObject({ from: 11, to: 11 });
  });

  test("without time it says between which sizes the edges lie", async () => {
    const valley = new Valley(40, 0.5, 1);
    const at = valley.at.bind(valley);
    valley.at = (size) => {
      if (size === 64) valley.spent = 2;
      return at(size);
    };
    const { from, to, notes } = await searchRegion(valley, 32, 500);
    expect([from, to]).toEqual([32, 64]);
    expect(notes).toHaveLength(2);
    expect(notes.join()).toContain("more, up to 501, were not looked at");
  });

  test("a look that is given up ends it: what it knows by then is the answer", async () => {
    const valley = new Valley(40, 0.5, 1);
    const at = valley.at.bind(valley);
    valley.at = (size) => {
      if (size < 32) return at(size);
      valley.spent = Number.POSITIVE_INFINITY;
      return Promise.reject(new Interrupted());
    };
    const { from, to, cut } = await searchRegion(valley, 16, 500);
    expect([from, to, cut]).toEqual([undefined, undefined, true]);
    await expect(searchRegion(valley, 32, 500), "nothing is known").rejects.toThrow(Interrupted);
  });

  // best, looks before the time is up, what was looked at by then
  for (const [best, looks, asked, why] of [
    [400, 2, [8, 16], "while it climbs"],
    [11, 4, [8, 16, 4, 32], "while it narrows down"],
  ] as const)
    test(`without time, ${why}, it does not say that nothing does`, async () => {
      const valley = new Valley(best, best === 11 ? 1.01 : 0.5, 1);
      const at = valley.at.bind(valley);
      valley.at = (size) => {
        if (valley.asked.size + 1 >= looks) valley.spent = 0.5;
        return at(size);
      };
      const found = await searchRegion(valley, 8, 500);
      expect(found).toEqual({ from: undefined, to: undefined, cut: true, notes: [] });
      expect([...valley.asked]).toEqual(asked);
    });
});

describe("which bigger pool is held against the answer", () => {
  for (const [size, best, own, largest, want, why] of [
    [2, 3, 20, 97, 20, "the workload's own, which is bigger"],
    [2, 3, 3, 97, 24, "several times the best, when its own is not"],
    [2, 3, 200, 97, 24, "not one that the database does not admit"],
    [8, 3, 5, 40, 40, "no more than the largest"],
  ] as const)
    test(`${want}: ${why}`, () => expect(biggerThan(size, best, own, largest)).toBe(want));
});

describe("an objective for waits alone that moves the waiting into the database", () => {
  const point = (pool_size: number, p99: number, error: number): CurvePoint => ({
    ...{ pool_size, wait_mean_ms: 0, wait_mean_ms_ci95: null, wait_p99_ms: 0 },
    ...{ wait_p99_ms_ci95: null, throughput_tps: 100, throughput_tps_ci95: null, utilization: 1 },
    ...{ response_p99_ms: p99, response_p99_ms_ci95: [p99 - error, p99 + error], timeouts: 0 },
  });
  test("is told, with the size and the response that would be better", () =>
    expect(movedWaiting([point(4, 240, 5), point(64, 700, 20)], 64)).toEqual([
      "with 64 connections the waiting moves into the database: response p99 is 700 ms, with 4 it " +
        "would be 240 ms; an objective for response_p99 counts both",
    ]));
  test("not when the difference may be chance", () =>
    expect(movedWaiting([point(4, 240, 50), point(64, 300, 20)], 64)).toEqual([]));
  test("not when the better size is a larger one", () =>
    expect(movedWaiting([point(4, 700, 5), point(64, 240, 5)], 4)).toEqual([]));
});

/** 24 clients, 40 ms and 10 ms of work: five cores' worth on `cores`. */
function bound(server: Partial<ServerModel>, slo: Workload["slo"]): Workload {
  const plain = closedWorkload(kindOf(24, 40, 10), 16);
  return {
    ...plain,
    slo,
    server: { ...plain.server, max_connections: 100, ...server },
    run: { ...plain.run, duration: 30 * SECOND },
  };
}

const OPTIONS = { precision: 0.1, timeLimit };
const head = { poolwise: "0", command: "size", workload: "closed", seed: 1 };

describe("a CPU-bound database of 2 cores", () => {
  // FIFO in front of two cores: 24 clients wait for 120 ms on average less 40 ms of thinking.
  test("the answer: sizes that do, knee, best, and by how much a bigger pool would hurt", async () => {
    const found = await sizePool(bound({ cores: 2 }, { response_p99: 180 * MILLISECOND }), {
      ...OPTIONS,
    });
    expect(found.verdict).toBe("pass");
    expect(found.recommended?.pool_size).toBe(2);
    expect(found.region?.from).toBe(2);
    expect(found.region?.to).toBeLessThan(16);
    expect(found.knee?.pool_size).toBeLessThanOrEqual(4);
    expect([2, 3, 4]).toContain(found.best?.pool_size);
    const { bigger } = found;
    expect(bigger).toMatchObject({ pool_size: 16, than: 2, hurts: true });
    const [few = 0, many = 0] = bigger?.response_p99_ms ?? [];
    expect(many).toBeGreaterThan(1.3 * few);
    const [low = 0, high = 0] = bigger?.response_p99_change_ms_ci95 ?? [];
    expect(low).toBeLessThanOrEqual(many - few);
    expect(high).toBeGreaterThanOrEqual(many - few);
    // The whole pool's work is done by two cores, whatever the pool: only the waiting moves.
    const point = (size: number) => found.curve?.find((each) => each.pool_size === size);
    expect(point(16)?.stretch).toBeGreaterThan(6);
    expect(point(16)?.slo_met).toBe(false);
    const result = { ...head, ...found };
    expect(resultSchema.safeParse(result).error).toBeUndefined();
    const text = sizeText(result, false);
    expect(text).toMatch(/From 2 to \d+ connections meet the objective\./);
    expect(text).toMatch(/A pool of 16 would hurt beside 2: response p99 from [\d.]+ ms to/);
    expect(text).toContain("response, p99");
  });

  test("no size will do: the cores are the limit, and what would", async () => {
    const found = await sizePool(bound({ cores: 2 }, { response_p99: 60 * MILLISECOND }), {
      ...OPTIONS,
    });
    expect(found.verdict).toBe("fail");
    expect(found.recommended).toBeUndefined();
    expect(found.runs[0]?.pool_size).toBeLessThan(5);
    const reasons = found.reasons?.join("\n") ?? "";
    expect(reasons).toContain("no pool of up to 24 connections meets the objective");
    expect(reasons).toMatch(/the cores are the limit: .* 4\.8 cores' worth .* at most 2/);
    expect(reasons).toMatch(/statements that take \d+ % of their time would meet it, with \d+/);
    expect(reasons).toMatch(/[3-8] cores instead of 2 would meet it, with \d+ connections/);
    expect(found.bigger?.hurts).toBe(true);
    expect(resultSchema.safeParse({ ...head, ...found }).error).toBeUndefined();
  });
});

describe("a search that the time cuts short", () => {
  test("claims nothing of sizes that it did not look at, and is unsure", async () => {
    const slo = { response_p99: 60 * MILLISECOND };
    const found = await sizePool(bound({ cores: 2 }, slo), { ...OPTIONS, timeLimit: 1 });
    expect(found.verdict).toBe("unsure");
    const looked = found.curve?.map(({ pool_size }) => pool_size) ?? [];
    expect(looked).not.toContain(24);
    const text = sizeText({ ...head, ...found }, false);
    expect(text).toContain("no pool size in transaction mode was found that surely meets");
    expect(text).toContain(`looked at, with ${looked.join(", ")} of up to 24 connections, none`);
    expect(text).toContain("give it more with --time-limit");
  });

  test("what comes nearest, and what is best, is so of all the sizes that are shown", async () => {
    const slow = bound({ cores: 2 }, { wait_p99: 1 * MILLISECOND });
    const settings = { ...slow.settings, default_pool_size: 20 };
    const { runs, best, curve = [] } = await sizePool({ ...slow, settings }, { timeLimit: 1 });
    const least = (of: (point: CurvePoint) => number) =>
      curve.reduce((a, b) => (of(b) < of(a) ? b : a)).pool_size;
    expect(curve.map(({ pool_size }) => pool_size)).toContain(20);
    expect(runs[0]?.pool_size).toBe(least((point) => point.wait_p99_ms));
    expect(best?.pool_size).toBe(least((point) => point.response_p99_ms));
  });
});

describe("a bigger pool in words", () => {
  // Change of the response at p99 and of the throughput, 95 %.
  for (const [response, rate, want] of [
    [[5, 9], [-2, 2], "would hurt"],
    [[-9, -5], [-2, 2], "would help"],
    [[-9, 5], [1, 2], "would help"],
    [[-9, 5], [-2, 2], "would not help"],
    [null, null, "would not help"],
  ] as const)
    test(`${want}: response ${response?.join(" to ")} ms, throughput ${rate?.join(" to ")}/s`, () => {
      const bigger: Result["bigger"] = {
        ...{ pool_size: 20, than: 16, response_p99_ms: [214, 189], throughput_tps: [975, 1069] },
        response_p99_change_ms: 0,
        response_p99_change_ms_ci95: response && [...response],
        throughput_change_tps: 0,
        throughput_change_tps_ci95: rate && [...rate],
        hurts: (response?.[0] ?? 0) > 0,
      };
      const result: Result = { ...head, runs: [], bigger };
      expect(sizeText(result, true)).toContain(`A pool of 20 ${want} beside 16`);
    });
});

test("more cores are more of what was measured, too", () => {
  const workload = bound({ cores: 2, speed: { cap: 1.9, knee: 4 } }, {});
  expect(withCores(workload, 1.5).server).toMatchObject({
    cores: 3,
    speed: { cap: expect.closeTo(2.85, 9), knee: 4 },
  });
});

describe("work that is brought, and what can be had", () => {
  const kind = kindOf(0, 0, 10);
  const open: Workload = {
    ...closedWorkload(
      {
        ...kind,
        count: undefined,
        arrivals: { gap: { kind: "exponential", mean: 2 * MILLISECOND } },
        session: { ...kind.session, transactions: { kind: "constant", value: 1 } },
      },
      10,
    ),
  };
  const CONSTANT_2 = { kind: "constant", value: 2 } as const;
  const peak = [{ at: 10 * SECOND, for: SECOND, clients: "clients", factor: 3 }];
  const late = [{ at: 90 * SECOND, for: SECOND, clients: "clients", factor: 3 }];
  const on = (server: Partial<ServerModel>, more: Partial<Workload> = {}): Workload => ({
    ...open,
    server: { ...open.server, ...server },
    ...more,
  });
  for (const [name, workload, load] of [
    ["five busy connections of ten", on({}), 0.5],
    ["five cores' worth on eight cores: the pool is the scarcer", on({ cores: 8 }), 0.625],
    ["on four cores", on({ cores: 4 }), 1.25],
    ["of which half needs a core", on({ cores: 4, cpu_share: 0.5 }), 0.625],
    ["a measured cap counts as cores", on({ speed: { cap: 4, knee: 30 } }), 1.25],
    ["the peak of a schedule counts", on({}, { schedule: peak }), 1.5],
    ["on cores as well", on({ cores: 8 }, { schedule: peak }), 1.875],
    ["a peak after the window does not", on({}, { schedule: late }), 0.5],
  ] as const)
    test(`${name}: ${load}`, () => expect(offeredLoad(workload)).toBeCloseTo(load, 3));

  test("a pool of 0 is as many as the database admits", () => {
    const unlimited = on({ max_connections: 20 });
    const settings = { ...unlimited.settings, default_pool_size: 0 };
    expect(offeredLoad({ ...unlimited, settings })).toBeCloseTo(0.25, 6);
  });

  test("the size of the pool is the user's, and its mode too", () => {
    const [{ user } = kind] = open.clients;
    const own = { name: user, pool_size: 20 };
    const twice = { ...open, settings: { ...open.settings, users: [own] } };
    expect(offeredLoad(twice)).toBeCloseTo(0.25, 6);
    const two = { ...kind, ...open.clients[0], think: kind.transaction.service };
    const clients = [{ ...two, session: { ...two.session, transactions: CONSTANT_2 } }];
    const session = { ...open.settings, users: [{ name: user, pool_mode: "session" as const }] };
    expect(offeredLoad({ ...open, clients })).toBeCloseTo(1, 6);
    expect(offeredLoad({ ...open, clients, settings: session })).toBeCloseTo(1.5, 6);
  });

  test("clients of a fixed number bring work, but never more than is served", () => {
    const workload = bound({ cores: 2 }, {});
    expect(offeredLoad(workload)).toBe(0);
    expect(workOnCores(workload)).toEqual({ offered: expect.closeTo(4.8, 6), capacity: 2 });
    expect(workOnCores(closedWorkload(kindOf(24, 40, 10), 16))).toBeUndefined();
  });

  test("contention: the most that any number of connections gets done", () => {
    const usl = { sigma: 0.1, kappa: 0.05 };
    const work = workOnCores(bound({ usl }, {}));
    // The peak is at sqrt((1 - sigma) / kappa) = 4.24 connections.
    expect(work?.capacity).toBeCloseTo(4 / (1 + 0.3 + 0.6), 6);
  });
});
