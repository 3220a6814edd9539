/** A change of settings on the same draws, and when it may pass. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { difference } from "../../sim/study/compare.ts";
import { diffConfigs, loadPair, verdictOf } from "../../sim/study/diff.ts";
import type { Study } from "../../sim/study/run.ts";
import { sampleRun } from "../report/fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "poolwise-diff-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const ini = (name: string, settings: string): string =>
  file(name, `[databases]\napp = host=db\n[pgbouncer]\npool_mode = transaction\n${settings}\n`);

const WORKLOAD = file(
  "web.yaml",
  `name: web
pgbouncer: { default_pool_size: 1000 }
clients:
  - name: web
    count: 20
    think: { exponential: 100 ms }
    transaction: { service: { exponential: 5 ms } }
server: { connect_time: 0 ms, memory_per_connection: 10 MB }
network: { client: 0 ms, server: 0 ms }
slo: { wait_p99: 10 ms }
run: { duration: 5 s, warmup: 1 s, precision: 20 % }
`,
);

const NONE = Array.from({ length: 10 }, () => 0);
const EMPTY: Study = {
  run: sampleRun("transaction", 4),
  samples: {
    ...{ wait_mean_ms: NONE, wait_p50_ms: NONE, wait_p95_ms: NONE, wait_p99_ms: NONE },
    ...{ response_mean_ms: NONE, response_p95_ms: NONE, response_p99_ms: NONE },
    ...{ wait_probability: NONE, throughput_tps: NONE, timeouts: NONE },
    ...{ server_connections: NONE, memory_mb: NONE },
  },
  notes: [],
  scarce: [],
  dashboard: undefined,
};

const three = ini("three.ini", "default_pool_size = 3");
const two = ini("two.ini", "default_pool_size = 2");
const ROUGH = { precision: 1 };

test("a note of both is said once, and one of a single file names it", async () => {
  const text = readFileSync(WORKLOAD, "utf8").replace("count: 20", "arrivals: { rate: 500/s }");
  const crowded = file("crowded.yaml", text);
  const notes = async (a: string, b: string): Promise<string[]> => {
    const found = await diffConfigs(loadPair([a, b], crowded), { replications: 2 });
    return found.notes.filter((note) => note.includes("arrivals bring"));
  };
  const same = ini("same.ini", "default_pool_size = 2\nserver_round_robin = 1");
  expect(await notes(two, same)).toEqual([expect.stringMatching(/^arrivals bring 125 % of what/)]);
  expect(await notes(two, three)).toEqual([
    expect.stringMatching(/two\.ini: arrivals bring 125 % of what/),
  ]);
});

test("one server less: waits longer, one connection and 10 MB less, each with its interval", async () => {
  const { runs, differences, changes } = await diffConfigs(loadPair([three, two], WORKLOAD), ROUGH);
  expect(runs.map((run) => run.pool_size)).toEqual([3, 2]);
  const [difference] = differences;
  expect(difference?.wait_mean_ms_ci95?.[0]).toBeGreaterThan(0);
  expect(difference?.wait_p99_ms_ci95?.[0]).toBeGreaterThan(0);
  expect(difference).toMatchObject({ timeouts: 0, timeouts_ci95: [0, 0] });
  expect(difference?.server_connections).toBeCloseTo(-1, 2);
  expect(difference).toMatchObject({ memory_mb: -10, memory_mb_ci95: [-10, -10] });
  expect(changes.map(({ name }) => name)).toEqual(["default_pool_size"]);
});

test("a file against itself: every paired difference is exactly none", async () => {
  const { differences, changes } = await diffConfigs(loadPair([two, two], WORKLOAD), ROUGH);
  expect(changes).toEqual([]);
  expect(differences[0]).toMatchObject({
    wait_mean_ms_ci95: [0, 0],
    wait_p99_ms_ci95: [0, 0],
    throughput_tps_ci95: [0, 0],
    server_connections_ci95: [0, 0],
  });
});

test("a difference that no histogram can tell from none is none, however narrow its interval", () => {
  const each = (value: number): number[] => Array.from({ length: 10 }, () => value);
  const studied = (p99: number, rate: number): Study => {
    const { samples, ...rest } = EMPTY;
    return { ...rest, samples: { ...samples, wait_p99_ms: each(p99), throughput_tps: each(rate) } };
  };
  // Middles of two buckets that lie side by side; sums of the same values in another order.
  const beside = difference("old", "new", studied(15, 100.1), studied(15.06, 100.10000000000001));
  expect(beside.wait_p99_ms_ci95?.[0]).toBe(0);
  expect(beside.throughput_tps_ci95?.[0]).toBe(0);
  const apart = difference("old", "new", studied(15, 100.1), studied(15.2, 100.2));
  expect(apart.wait_p99_ms_ci95?.[0]).toBeCloseTo(0.2);
  expect(apart.throughput_tps_ci95?.[0]).toBeCloseTo(0.1);
});

test("a difference of quantiles that have no interval has none", () => {
  const { wait_ms } = EMPTY.run;
  const scarce = { ...EMPTY, run: { ...EMPTY.run, wait_ms: { ...wait_ms, p99_ci95: null } } };
  expect(difference("old", "new", EMPTY, EMPTY).wait_p99_ms_ci95).toEqual([0, 0]);
  expect(difference("old", "new", EMPTY, scarce).wait_p99_ms_ci95).toBeNull();
  expect(difference("old", "new", EMPTY, scarce).wait_mean_ms_ci95).toEqual([0, 0]);
});

const good = sampleRun("transaction", 4);
const term = { name: "wait_p99", limit: 1, value: 1, unit: "ms", certain: true };
const met = { ...good, slo: { met: true, terms: [{ ...term, met: true }] } };
const missed = { ...good, slo: { met: false, terms: [{ ...term, met: false }] } };

const hungry = { ...good, clients_waiting: { mean: 80, max: 80, unserved: 76 } };

// old, new, verdict, why
const verdicts = [
  [met, met, "pass", "the objective is met"],
  [met, missed, "fail", "it is met no more"],
  [missed, missed, "fail", "it is not met, and was not before either"],
  [missed, met, "pass", "what the old settings did does not matter"],
  [good, good, "unsure", "there is no objective"],
  [met, { ...met, refused: 1 }, "fail", "a client is turned away, whatever the waits"],
  [{ ...good, refused: 1 }, { ...good, refused: 9 }, "unsure", "clients were turned away before"],
  [good, { ...good, refused: 1 }, "fail", "turning clients away needs no objective to be seen"],
  [good, { ...good, errors: { server_error: 1 } }, "fail", "the database turns a client away"],
  [good, hungry, "fail", "clients are never served"],
  [hungry, hungry, "unsure", "clients were never served before either"],
] as const;
for (const [old, fresh, want, why] of verdicts) {
  test(`${want}: ${why}`, () => expect(verdictOf(old, fresh)).toBe(want));
}

test("an option replaces the objective of the workload, for both", () => {
  const { old, fresh } = loadPair([three, two], WORKLOAD, { set: ["slo.wait_p99=30 ms"] });
  expect([old.slo.wait_p99, fresh.slo.wait_p99]).toEqual([30e6, 30e6]);
});

test("where a queue grows a difference has no interval, for none of it is a steady state's", async () => {
  const growing = file(
    "growing.yaml",
    `name: growing
clients:
  - { name: web, arrivals: { rate: 500/s }, transaction: { service: { exponential: 5 ms } } }
server: { connect_time: 0 ms }
network: { client: 0 ms, server: 0 ms }
run: { duration: 5 s, precision: 20 % }
`,
  );
  const [few, more] = [2, 4].map((size) =>
    ini(`room-${size}.ini`, `default_pool_size = ${size}\nmax_client_conn = 100000`),
  ) as [string, string];
  const { runs, differences } = await diffConfigs(loadPair([few, more], growing), ROUGH);
  expect(runs.map(({ unsteady }) => unsteady !== undefined)).toEqual([true, false]);
  expect(differences[0]).toMatchObject({
    ...{ wait_mean_ms_ci95: null, wait_p99_ms_ci95: null, throughput_tps_ci95: null },
    ...{ timeouts_ci95: null, server_connections_ci95: [expect.any(Number), expect.any(Number)] },
  });
});

test("what the scheduler does not obey is named as not simulated", async () => {
  const other = ini("other.ini", "default_pool_size = 3\nlisten_port = 7000");
  const { notes } = await diffConfigs(loadPair([three, other], WORKLOAD), ROUGH);
  expect(notes).toEqual(["not simulated, for nothing that is simulated obeys them: listen_port"]);
});

test("max_prepared_statements is simulated where clients prepare statements, and nowhere else", async () => {
  const fewer = ini("fewer.ini", "default_pool_size = 3\nmax_prepared_statements = 2");
  const text = readFileSync(WORKLOAD, "utf8");
  const preparing = file(
    "preparing.yaml",
    text.replace("count: 20", "count: 20\n    prepared: { statements: 9, parse: 1 ms }"),
  );
  const { differences, notes } = await diffConfigs(loadPair([three, fewer], preparing), ROUGH);
  expect(differences[0]?.wait_mean_ms_ci95?.[0]).toBeGreaterThan(0);
  expect(notes).toEqual([]);
  const simulated = (workload: string) =>
    loadPair([three, fewer], workload).changes.map(({ scheduler }) => scheduler);
  expect([simulated(preparing), simulated(WORKLOAD)]).toEqual([[true], [false]]);
});

test("a database that a file does not know is refused at its place in the workload", () => {
  const named = file(
    "named.yaml",
    `name: a\nclients:\n  - { name: a, database: shop, count: 1, think: 1 s, transaction: { service: 1 ms } }\n`,
  );
  expect(() => loadPair([three, two], named)).toThrow(
    /named\.yaml:3: .*database is "shop"; expected one of app/,
  );
});

test("a workload that names no database uses the only one, or the template", () => {
  const template = file("template.ini", "[databases]\n* = host=db\n[pgbouncer]\n");
  expect(loadPair([three, template], WORKLOAD).fresh.clients[0]?.database).toBe("app");
});
