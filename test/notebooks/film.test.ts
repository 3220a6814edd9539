/** The films are the simulator's own runs: what they show adds up to what the simulator measures. */
import { describe, expect, test } from "vitest";
import { POOL_MODES } from "../../engine/core/index.ts";
import { firstTurnedAway, Scene, stays } from "../../notebooks/lib/film.ts";
import { type Load, offered, workloadOf } from "../../notebooks/lib/loads.ts";
import { step } from "../../notebooks/lib/narration.ts";
import { configured, sizesAround, smallest } from "../../notebooks/lib/studying.ts";
import { simulate } from "../../sim/model/index.ts";
import { film } from "../../sim/study/film.ts";
import type { CurvePoint } from "../../sim/study/results/index.ts";

const SECOND = 1e9;
const load: Load = {
  name: "crowd",
  kinds: [
    {
      name: "crowd",
      count: 40,
      think_ms: 100,
      service_ms: 10,
      statements: 2,
      gap_ms: 5,
      session: 20,
    },
  ],
  pool_size: 5,
  seconds: 20,
};

describe.each(POOL_MODES)("a film in %s mode", (mode) => {
  const workload = configured(workloadOf(load), 5, mode);
  const made = film(workload, 10 * SECOND);

  test("has the very waits that the simulator measures", () => {
    const { trace, clients_waiting } = simulate(workload, {
      duration: 10 * SECOND,
      warmup: 0,
      trace: true,
    });
    const ended = stays(made).filter((stay) => stay.outcome === "served");
    const sum = new Map<number, number>();
    for (const { client, from, to } of ended) sum.set(client, (sum.get(client) ?? 0) + to - from);
    const measured = new Map<number, number>();
    trace?.client.forEach((client, i) => {
      const wait = trace.wait[i] as number;
      const sent = trace.sent[i] as number;
      const over = sent + (trace.response[i] as number) > 10 * SECOND;
      if (wait > 0 && !over) measured.set(client + 1, (measured.get(client + 1) ?? 0) + wait);
    });
    const late = new Set(
      made.changes.filter((change) => change.at > 9 * SECOND).map((change) => change.client),
    );
    // Those whose last transaction the end of the film cuts in two are left out.
    for (const client of late) {
      const open = trace?.client.some(
        (each, i) =>
          each + 1 === client &&
          (trace.sent[i] as number) + (trace.response[i] as number) > 10 * SECOND,
      );
      if (open) for (const map of [sum, measured]) map.delete(client);
    }
    expect(Object.fromEntries(sum)).toEqual(Object.fromEntries(measured));
    expect(sum.size).toBeGreaterThan(5);
    expect(clients_waiting.max).toBeGreaterThan(0);
  });

  test("gives a server to one client at a time, and to nobody who waits or pauses in peace", () => {
    const scene = new Scene(made);
    const wrong: string[] = [];
    for (let time = scene.next; time !== undefined; time = scene.next) {
      step(scene);
      const owners = [...scene.servers].filter((server) => server > 0);
      if (new Set(owners).size < owners.length || owners.length > 5)
        wrong.push(`servers at ${time}`);
      if (scene.queue.length !== scene.counts().waiting) wrong.push(`queue at ${time}`);
      scene.states.forEach((state, client) => {
        const holds = (scene.servers[client] as number) > 0;
        if (holds !== (state === "working" || state === "holding"))
          wrong.push(`client ${client} at ${time}`);
      });
    }
    expect(wrong).toEqual([]);
    expect(scene.statements).toBeGreaterThan(500);
  });
});

test("in statement mode nobody holds a server without using it; in session mode somebody does", () => {
  const holds = (mode: "session" | "statement"): boolean =>
    film(configured(workloadOf(load), 5, mode), 2 * SECOND).changes.some(
      (each) => each.state === "holding",
    );
  expect(holds("statement")).toBe(false);
  expect(holds("session")).toBe(true);
});

test("the eleventh client is turned away in session mode until query_wait_timeout, in the other not", () => {
  const kinds = [{ name: "staying", count: 11, think_ms: 1000, service_ms: 50 }];
  const eleven = workloadOf({ name: "eleven", kinds, pool_size: 10, seconds: 150 });
  const late = firstTurnedAway(film(configured(eleven, 10, "session"), 150 * SECOND));
  expect(late?.outcome).toBe("dropped");
  const waited = ((late?.to ?? 0) - (late?.from ?? 0)) / SECOND;
  expect(waited).toBeGreaterThanOrEqual(120);
  expect(waited).toBeLessThanOrEqual(120.34);
  expect(
    firstTurnedAway(film(configured(eleven, 10, "transaction"), 150 * SECOND)),
  ).toBeUndefined();
});

const point = (pool_size: number, high: number | null, timeouts = 0): CurvePoint => ({
  pool_size,
  wait_mean_ms: 1,
  wait_mean_ms_ci95: null,
  wait_p99_ms: 10,
  wait_p99_ms_ci95: high === null ? null : [5, high],
  throughput_tps: 1,
  throughput_tps_ci95: null,
  response_p99_ms: 1,
  utilization: 0.5,
  timeouts,
});

test.each([
  ["the first whose interval is below", [point(1, 30), point(2, 19), point(3, 9)], 2],
  ["not one below which a bigger pool fails", [point(1, 9), point(2, 30), point(3, 9)], 3],
  ["not one without an interval", [point(1, null), point(2, 19)], 2],
  ["not one with timeouts", [point(1, 9, 1), point(2, 9)], 2],
  ["none, when none is certain", [point(1, 30), point(2, 21)], undefined],
] as const)("the smallest pool that meets 20 ms is %s", (_, points, want) => {
  expect(smallest(points, 20)).toBe(want);
});

test("work offered is that of the cycle, and the sizes to try lie around it", () => {
  const kind = { name: "k", count: 100, think_ms: 899.3, service_ms: 100 };
  const cycling = workloadOf({ name: "cycle", kinds: [kind], pool_size: 1, seconds: 1 });
  expect(offered(cycling)).toBeCloseTo(10.02, 6);
  expect(offered(configured(cycling, 1, "session"))).toBeCloseTo(100, 6);
  const sizes = sizesAround(100);
  expect(sizes[0]).toBe(90);
  expect(sizes.length).toBeLessThanOrEqual(19);
  expect(sizes.at(-1)).toBeGreaterThanOrEqual(128);
  expect(sizesAround(0.1)[0]).toBe(1);
});
