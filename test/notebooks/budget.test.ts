/**
 * A slider answers at once: what a page simulates by itself, films, stays below a count of steps; all else
 * is for a worker, which shows how far it is. Counts are the same everywhere, times are not.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { PoolMode } from "../../engine/core/index.ts";
import { type Load, workloadOf } from "../../notebooks/lib/loads.ts";
import { configured } from "../../notebooks/lib/studying.ts";
import { FOLDER, NOTEBOOKS } from "../../notebooks/vite.config.ts";
import { film } from "../../sim/study/film.ts";

/**
 * Steps (events, and looks of the camera at a client) of one move of a slider: 200 ms at 1,000 a millisecond.
 * Measured: 1,500 to 3,000 in a millisecond of CPU time. By the clock: `npm run bench -- sliders`.
 */
const BUDGET = 200 * 1_000;

/** The film pages' own loads; clients, pause and service are where their sliders cost most. */
const twenty = (session?: number): Load => ({
  name: "twenty-connections",
  kinds: [
    {
      ...{ name: "clients", count: 2000, think_ms: 10_000, service_ms: 25 },
      ...{ statements: 2, gap_ms: 20 },
      ...(session && { session }),
    },
  ],
  pool_size: 20,
  settings: { query_wait_timeout: 0 },
  seconds: 30,
});
const slow: Load = {
  name: "slow-worker",
  kinds: [
    { name: "api", count: 150, think_ms: 1000, service_ms: 40 },
    { name: "workers", count: 8, think_ms: 5000, service_ms: 60_000 },
  ],
  pool_size: 10,
  settings: { query_wait_timeout: 0 },
  seconds: 120,
};
const eleventh: Load = {
  name: "eleventh-client",
  kinds: [{ name: "staying", count: 16, think_ms: 200, service_ms: 5 }],
  pool_size: 10,
  seconds: 150,
};
const ALL: readonly PoolMode[] = ["session", "transaction", "statement"];

/** Pages that film: load, pool size, modes, seconds. */
const FILMS: Readonly<Record<string, [Load, number, readonly PoolMode[], number][]>> = {
  "twenty-connections.html": [
    [twenty(), 20, ALL, 5],
    [twenty(), 50, ALL, 5],
    [twenty(1), 20, ALL, 5],
    [twenty(1), 50, ALL, 5],
  ],
  "slow-worker.html": [[slow, 10, ["transaction"], 20]],
  "eleventh-client.html": [[eleventh, 10, ["session", "transaction"], 150]],
};

describe("films", () => {
  for (const [page, moves] of Object.entries(FILMS))
    for (const [i, [load, size, modes, seconds]] of moves.entries())
      test(`${page}, ${i + 1}: all of them together within the budget`, () => {
        const costs = modes.map(
          (mode) => film(configured(workloadOf(load), size, mode), seconds * 1e9).cost,
        );
        expect(Math.min(...costs)).toBeGreaterThan(1000);
        expect(costs.reduce((sum, cost) => sum + cost, 0)).toBeLessThan(BUDGET);
      });
});

/** What runs a simulation wherever it is called. */
const SIMULATES =
  /import \{[^}]*\b(?:simulate|drive|study|studies|studied|sweep|compareModes|sizePool|film)\b[^}]*\}[^;]*;/g;
const importsOf = (file: string): string[] => readFileSync(file, "utf8").match(SIMULATES) ?? [];

describe("nothing else is simulated where the page lives", () => {
  test("cells film, or ask a worker", () => {
    const filming = NOTEBOOKS.filter((name) => importsOf(join(FOLDER, name)).length > 0);
    expect(filming.sort()).toEqual(Object.keys(FILMS).sort());
    for (const name of filming)
      for (const line of importsOf(join(FOLDER, name)))
        expect(line).toContain('"../sim/study/film.ts"');
  });

  test("nor do the parts of the pages, and of explore, but for the workers and what they are made of", () => {
    const parts = ["lib", "explore"].flatMap((folder) =>
      readdirSync(join(FOLDER, folder))
        .filter((name) => name.endsWith(".ts"))
        .map((name) => join(folder, name)),
    );
    const simulating = parts.filter((name) => importsOf(join(FOLDER, name)).length > 0);
    expect(simulating.sort()).toEqual([
      ...["explore/explore.worker.ts", "lib/simulation.worker.ts", "lib/studying.ts"],
    ]);
  });

  test("workers say how far they are", () => {
    for (const worker of ["lib/simulation.worker.ts", "explore/explore.worker.ts"])
      expect(readFileSync(join(FOLDER, worker), "utf8")).toMatch(/say\(\{ kind: "progress"/);
  });
});
