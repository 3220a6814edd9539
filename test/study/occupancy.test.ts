/** Who has which server connection: the very time that the simulator measures, cut where a picture is full. */
import { describe, expect, test } from "vitest";
import { POOL_MODES } from "../../engine/core/index.ts";
import { simulate } from "../../sim/model/index.ts";
import { compareModes } from "../../sim/study/compare.ts";
import type { Film } from "../../sim/study/film.ts";
import { occupancyIn, occupancyOf } from "../../sim/study/occupancy.ts";
import { loadWorkload } from "../../workloads/schema/load.ts";

const SECOND = 1e9;

describe("its time is that of the simulator", () => {
  // workload, changes, simulated seconds
  const cases = [
    ["tour", ["pool_mode=session"], 5],
    ["tour", ["pool_mode=transaction"], 5],
    ["tour", ["pool_mode=statement"], 5],
    ["idle-in-transaction", [], 5],
    ["eleventh-client", ["pool_mode=session"], 20],
    ["retry-storm", [], 4],
    // Clients that come from outside, and pools inside the application.
    [
      "tour",
      ["clients.visitors={ name: v, arrivals: { rate: 200/s }, transaction: { service: 20 ms } }"],
      5,
    ],
    ["double-pooling", [], 0.5],
  ] as const;
  for (const [name, set, seconds] of cases)
    test(`${name} ${set.join(" ").slice(0, 40)}`, () => {
      const workload = loadWorkload(`workloads/${name}.yaml`, { set: [...set] });
      const length = seconds * SECOND;
      const { to_ms, spans, servers } = occupancyOf(workload, length);
      const run = simulate(workload, { warmup: 0, duration: length });
      expect(to_ms).toBe(seconds * 1000);
      expect(servers).toBeGreaterThan(1);
      const busy = spans.reduce((sum, span) => sum + span.to_ms - span.from_ms, 0) / to_ms;
      expect(busy).toBeCloseTo(run.servers_active, 9);
      const ends = new Map<number, number>();
      for (const { server, from_ms, to_ms: end } of spans) {
        expect(from_ms).toBeGreaterThanOrEqual(ends.get(server) ?? 0);
        expect(end).toBeGreaterThan(from_ms);
        ends.set(server, end);
      }
    });
});

const change = (at: number, client: number, server: number, state: "working" | "holding") => ({
  ...{ at: at * 1e6, client, server, state },
});
const made: Film = {
  ...{ pool_mode: "transaction", clients: 2, servers: 2, length: 10e6, cost: 0 },
  // Client 2 takes connection 1 in the very moment in which client 1 gives it back, and keeps it.
  changes: [
    change(1, 1, 1, "working"),
    change(2, 1, 1, "holding"),
    change(4, 2, 1, "working"),
    { at: 4e6, client: 1, server: 0, state: "thinking" },
    change(7, 1, 2, "working"),
  ],
};

test("a stretch for each client and for each state; what is open lasts to the end", () => {
  const span = (server: number, client: number, used: boolean, from_ms: number, to_ms: number) => ({
    ...{ server, client, used, from_ms, to_ms },
  });
  const spans = [span(1, 1, true, 1, 2), span(1, 1, false, 2, 4), span(1, 2, true, 4, 10)];
  const last = span(2, 1, true, 7, 10);
  expect(occupancyIn(made)).toEqual({ to_ms: 10, servers: 2, spans: [...spans, last] });
  const cut = spans.map((each) => ({ ...each, to_ms: Math.min(7, each.to_ms) }));
  expect(occupancyIn(made, 3)).toEqual({ to_ms: 7, servers: 2, spans: cut });
});

test("a comparison tells it for each mode, on the same draws, and only when it is asked", async () => {
  const workload = loadWorkload("workloads/eleventh-client.yaml", { set: ["run.duration=5 s"] });
  const asked = await compareModes(workload, { replications: 2, occupancy: 3 * SECOND });
  expect(asked.runs.map(({ occupancy }) => occupancy?.to_ms)).toEqual([3000, 3000, 3000]);
  const first = POOL_MODES.map((_, i) => asked.runs[i]?.occupancy?.spans[0]);
  for (const span of first) expect(span).toMatchObject({ server: 1, client: first[0]?.client });
  const held = asked.runs.map(({ occupancy }) => occupancy?.spans.some((span) => !span.used));
  expect(held).toEqual([true, false, false]);
  const { runs } = await compareModes(workload, { replications: 2 });
  for (const run of runs) expect(run).not.toHaveProperty("occupancy");
});

test("of several processes it says in one line why not", () => {
  const set = ["pooler.processes=2"];
  const workload = loadWorkload("workloads/tour.yaml", { set });
  expect(() => occupancyOf(workload, SECOND)).toThrow(
    /pooler\.processes is "2"; expected one process.*leave out --occupancy/,
  );
  const schedule = "schedule=[{ at: 1 s, for: 1 s, fault: pooler_takeover }]";
  const taken = loadWorkload("workloads/tour.yaml", { set: [schedule] });
  expect(() => occupancyOf(taken, SECOND)).toThrow(/schedule is "fault: pooler_takeover"/);
});
