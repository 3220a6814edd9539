/**
 * `validate` on a real database, our pooler and, where it is installed, Debian's PgBouncer. How close a
 * prediction comes is a matter for a quiet machine and `npm start`; here the parts must fit together.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MILLISECOND, SECOND } from "../../engine/core/index.ts";
import { liveReport } from "../../sim/report/live.ts";
import { validationReport, validationText } from "../../sim/report/validation.ts";
import { validationAnswer } from "../../sim/study/live/answer.ts";
import { FIGURES } from "../../sim/study/live/figures.ts";
import { playOnce } from "../../sim/study/live/live.ts";
import type { Cell } from "../../sim/study/live/stand.ts";
import { type Validation, validate } from "../../sim/study/live/validate.ts";
import { type Result, resultSchema } from "../../sim/study/results/index.ts";
import { type Database, resolveDatabase } from "../../workloads/database/index.ts";
import { runLive } from "../../workloads/live/index.ts";
import { loadWorkload, parseWorkload } from "../../workloads/schema/load.ts";
import { driversOf } from "../live/helpers.ts";
import { NO_PGBOUNCER, PGBOUNCER } from "../pgbouncer.ts";

const CELLS: readonly Cell[] = [
  { name: "session_12", pool_mode: "session", pool_size: 12 },
  { name: "transaction_4", pool_mode: "transaction", pool_size: 4 },
  { name: "statement_4", pool_mode: "statement", pool_size: 4 },
];

let database: Database;
beforeAll(async () => {
  database = await resolveDatabase({ env: {}, maxConnections: 200 });
});
afterAll(() => database?.stop());

function run(pgbouncer: string | undefined): Promise<Validation> {
  return validate({
    workload: loadWorkload("workloads/tour.yaml", { set: ["clients.visitors.count=16"] }),
    database,
    cells: CELLS,
    repeats: 1,
    warmup: SECOND / 2,
    duration: 2 * SECOND,
    seed: 1,
    pgbouncer,
    together: 3,
  });
}

function check(validation: Validation): void {
  expect(validation.cells).toHaveLength(CELLS.length);
  for (const { errors, samples, comparisons } of validation.cells) {
    expect(errors).toEqual({});
    expect(comparisons.map(({ figure }) => figure)).toEqual([...FIGURES]);
    expect(samples.live.wait.length).toBeGreaterThan(30);
    expect(samples.predicted.wait.length).toBeGreaterThan(30);
    for (const { figure, live, predicted } of comparisons) {
      // There is no pool in the application, and nothing fails.
      if (/^(app_wait|failed|lost|refused)/.test(figure)) continue;
      expect(live).toBeGreaterThanOrEqual(0);
      expect(predicted).toBeGreaterThanOrEqual(0);
    }
  }
  const parts = validation.calibration;
  expect(parts.transactions).toBeGreaterThan(30);
  expect(parts.overhead).toBeGreaterThan(0);
  expect(parts.held).toBeGreaterThan(0);
  expect(parts.connect).toBeGreaterThan(0);
  expect(parts.resolution).toBeGreaterThanOrEqual(1);
  const answer = { poolwise: "0", command: "validate", workload: "tour", seed: 1 };
  expect(
    resultSchema.safeParse({ ...answer, ...validationAnswer(validation) }).error,
  ).toBeUndefined();
}

describe("predicted beside live, all modes", () => {
  test("against our pooler", async () => check(await run(undefined)));

  const absent = NO_PGBOUNCER !== "";
  if (absent) console.log(`skipped: validate against PgBouncer, ${NO_PGBOUNCER}`);
  test.skipIf(absent)("against PgBouncer", async () => check(await run(PGBOUNCER)));
});

test("pools that differ are named, in a validation and in a live run", async () => {
  const text = `name: two
pgbouncer: { pool_mode: transaction, default_pool_size: 4 }
databases: { shop: {}, jobs: { pool_size: 2 } }
users: { clerk: { pool_mode: session } }
clients:
  - { name: web, database: shop, count: 6, think: 20 ms, transaction: { service: 5 ms } }
  - { name: desk, database: shop, user: clerk, count: 3, think: 20 ms, transaction: { service: 5 ms } }
  - { name: batch, database: jobs, count: 2, think: 20 ms, transaction: { service: 5 ms } }
`;
  const workload = parseWorkload(text, "two.yaml");
  const pools = [
    { database: "shop", user: "app", pool_mode: "transaction", pool_size: 4 },
    { database: "shop", user: "clerk", pool_mode: "session", pool_size: 4 },
    { database: "jobs", user: "app", pool_mode: "transaction", pool_size: 2 },
  ];
  const length = { warmup: SECOND / 4, duration: SECOND, seed: 1, database };
  const own: Cell = { name: "own", pool_mode: "transaction", pool_size: 4, own: true };
  const validation = await validate({ workload, cells: [own], repeats: 1, together: 1, ...length });
  const head = { poolwise: "0", command: "validate", workload: "two", seed: 1 };
  const result = resultSchema.parse({ ...head, ...validationAnswer(validation) });
  expect(result.validations?.[0]).toMatchObject({ pool_mode: "transaction", pool_size: 4, pools });
  expect(validationText(result, true)).toContain("transaction 4 + 4 + 2");
  const { run } = await playOnce({ workload, settings: {}, ...length });
  expect(run).toMatchObject({ pool_mode: "transaction", pool_size: 4, pools, errors: {} });
  const live = { ...head, command: "live", runs: [run] };
  expect(liveReport(live as Result).title).toBe(
    "Live: two, pools of 4 (shop/app, transaction mode), 4 (shop/clerk, session mode) and 2 (jobs, " +
      "transaction mode) server connections",
  );
});

/** `slow`: so many times more patient than on a machine that has nothing else to do. */
const calm = (slow: number): string[] => [
  `clients.requests.timeout=${150 * slow} ms`,
  `clients.requests.retry.backoff=${50 * slow} ms`,
];
const DEMANDING: readonly [
  file: string,
  size: number,
  set: (slow: number) => string[],
  figures: string[],
][] = [
  [
    "workloads/retry-storm.yaml",
    2,
    (slow) => ["clients.requests.count=24", "clients.requests.think=200 ms", ...calm(slow)],
    [],
  ],
  [
    "workloads/double-pooling.yaml",
    3,
    () => [
      ...["clients.threads.count=24", "clients.threads.think=100 ms"],
      ...["clients.threads.app_pool.instances=3", "clients.threads.app_pool.size=2"],
    ],
    ["app_wait_ms.mean", "app_wait_ms.p95", "app_wait_ms.p99"],
  ],
];
for (const [file, pool_size, set, figures] of DEMANDING)
  test(`${file}, small: played for real and predicted, waits told apart`, async () => {
    const cells: Cell[] = [{ name: "one", pool_mode: "transaction", pool_size }];
    const play = async (slow: number): Promise<Validation> => {
      const workload = { ...loadWorkload(file, { set: set(slow) }), schedule: [] };
      const length = { warmup: SECOND / 4, duration: slow * SECOND };
      return await validate({ workload, database, cells, repeats: 1, seed: 1, ...length });
    };
    let validation = await play(1);
    for (let slow = 3; slow < 30 && !isPlayed(validation); slow *= 3) validation = await play(slow);
    const [cell] = validation.cells;
    expect(Object.keys(cell?.errors ?? {}).filter((text) => text !== "client_timeout")).toEqual([]);
    expect(cell?.samples.live.wait.length).toBeGreaterThan(20);
    expect(cell?.samples.predicted.wait.length).toBeGreaterThan(20);
    const seen = (cell?.comparisons ?? []).filter(({ figure }) => figure.startsWith("app_wait"));
    const known = seen.filter(({ live, predicted }) => live > 0 && predicted > 0);
    expect(known.map(({ figure }) => figure)).toEqual(figures);
    expect(validation.calibration.login).toBeGreaterThan(0); // Of those that come back.
  });

/** Whether enough of its clients were served for their waits to be compared. */
const isPlayed = ({ cells: [cell] }: Validation): boolean =>
  Math.min(cell?.samples.live.wait.length ?? 0, cell?.samples.predicted.wait.length ?? 0) > 20;

test("what misses a tolerance is played again, with what runs beside it, and judged by all repeats", async () => {
  const [session, spoilt, beside] = CELLS as [Cell, Cell, Cell];
  /** In the first look, whose seed is 1, one configuration is 50 ms too slow, however often it is played. */
  const play: typeof runLive = async (options) => {
    const live = await runLive(options);
    const { response, length } = live.transactions;
    if (options.poolMode === "transaction" && options.seed === 1)
      for (let at = 0; at < length; at++)
        response[at] = (response[at] as number) + 50 * MILLISECOND;
    return live;
  };
  const told: string[] = [];
  const validation = await validate({
    workload: loadWorkload("workloads/tour.yaml", { set: ["clients.visitors.count=8"] }),
    ...{ database, cells: [spoilt, beside, session], repeats: 1, secondLook: 2, seed: 1, play },
    ...{ warmup: SECOND / 4, duration: SECOND, together: 2 },
    onProgress: ({ what }) => told.push(what),
  });
  const answer = validationAnswer(validation);
  const [first, second, third] = answer.validations ?? [];
  expect(first?.first_look?.repeats).toBe(1);
  expect(first?.first_look?.failed).toContain("response_ms.mean");
  expect(first?.first_look?.error["response_ms.mean"]).toBeLessThan(-0.3);
  expect([first?.repeats, second?.repeats]).toEqual([3, 3]);
  // It may have missed by itself: nothing here is quiet.
  expect(third?.repeats).toBe(third?.first_look === undefined ? 1 : 3);
  expect(told).toContain("second look, repeat 3 of 3: calibrating");
  const result = { poolwise: "0", command: "validate", workload: "tour", seed: 1, ...answer };
  expect(resultSchema.safeParse(result).error).toBeUndefined();
  const text = validationText(result, false);
  expect(text).toMatch(/Second look: transaction mode, pool of 4: .*response_ms.mean -/);
  expect(text).toContain(" after 1 repeat; the verdict is that of all 3.");
});

test("a driver that stood still has its calibration and its run measured again", async () => {
  const cell = CELLS[1] as Cell;
  /** Stops the driver in the first attempt of the calibration, and in the first of the live run, whose seed is 1. */
  const stopped = new Set<boolean>();
  const play: typeof runLive = (options) => {
    const isLive = options.seed === 1;
    let stop = !stopped.has(isLive);
    stopped.add(isLive);
    const onProgress = ({ phase }: { phase: string }): void => {
      if (!stop || phase !== "running") return;
      stop = false;
      void standStill();
    };
    return runLive({ ...options, onProgress });
  };
  const told: string[] = [];
  const validation = await validate({
    workload: loadWorkload("workloads/tour.yaml", { set: ["clients.visitors.count=8"] }),
    ...{ database, cells: [cell], repeats: 1, seed: 1, play },
    ...{ warmup: SECOND / 4, duration: 2 * SECOND },
    onProgress: ({ what }) => told.push(what),
  });
  // A busy machine may stand still once more by itself.
  const stood = validation.again.filter(({ longest }) => longest > 0.9 * STOP_MS * MILLISECOND);
  expect(new Set(stood.map(({ what }) => what))).toEqual(new Set(["calibration", "live"]));
  expect(told.join()).toContain("once more, for the machine stood still for ");
  const { measured_again } = validationAnswer(validation);
  expect(measured_again?.length).toBe(validation.again.length);
});

const STOP_MS = 800;

/** Stops our drivers for a while: what a stall of the machine is to them. */
async function standStill(): Promise<void> {
  const drivers = await driversOf(process.pid);
  for (const pid of drivers) process.kill(pid, "SIGSTOP");
  await new Promise((resolve) => setTimeout(resolve, STOP_MS));
  for (const pid of drivers) process.kill(pid, "SIGCONT");
}

test("real work: two sizes are measured, the others predicted", async () => {
  const cells = [2, 5].map((pool_size): Cell => {
    return { name: `transaction_${pool_size}`, pool_mode: "transaction", pool_size };
  });
  const length = { warmup: SECOND / 4, duration: SECOND / 2 };
  const workload = loadWorkload("workloads/cpu-bound.yaml");
  const told: string[] = [];
  const onProgress = ({ what }: { what: string }): void => void told.push(what);
  const playing = { workload, database, cells, repeats: 1, seed: 1, ...length, onProgress };
  const validation = await validate(playing);
  const { capacity } = validation;
  // Without what is measured again, because the machine stood still.
  const calibrating = told
    .filter((what) => !what.includes("once more"))
    .map((what) => what.endsWith("calibrating"));
  const last = calibrating.length - 3;
  expect([calibrating.indexOf(true), calibrating.lastIndexOf(true)]).toEqual([1, last]);
  expect(capacity?.measured.map(({ pool_size }) => pool_size)).toEqual([1, 20]);
  for (const { throughput_tps } of capacity?.measured ?? [])
    expect(throughput_tps).toBeGreaterThan(0);
  for (const value of [capacity?.row_ns, capacity?.statement_ms, capacity?.cap])
    expect(value).toBeGreaterThan(0);
  expect([2, 5]).toContain(capacity?.best?.predicted);
  expect([2, 5]).toContain(capacity?.best?.live);
  for (const { errors, comparisons } of validation.cells) {
    expect(errors).toEqual({});
    const judged = comparisons.filter(({ holds }) => holds !== undefined);
    expect(judged.map(({ figure }) => figure)).toEqual([
      ...["wait_ms.mean", "response_ms.mean", "response_ms.p95", "throughput_tps"],
    ]);
  }
  const head = { poolwise: "0", command: "validate", workload: "cpu-bound", seed: 1 };
  const result = { ...head, ...validationAnswer(validation) };
  expect(resultSchema.safeParse(result).error).toBeUndefined();
  const text = validationText(result, false);
  expect(text).toContain("throughput of a pool of 20");
  expect(text).toContain("Shortest response at p99");
  expect(validationReport(result).charts).toHaveLength(3);
});
