/** Faults that are played for real: which are refused, what is compared of them, and that calibrations know none. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MILLISECOND, SECOND } from "../../engine/core/index.ts";
import { simulate } from "../../sim/model/index.ts";
import { validationText } from "../../sim/report/validation.ts";
import { validationAnswer } from "../../sim/study/live/answer.ts";
import { checkFaults, checkPredictableFaults } from "../../sim/study/live/faults.ts";
import {
  REFUSED,
  simulatedLosses,
  simulatedSamples,
  stallsOf,
} from "../../sim/study/live/figures.ts";
import { playOnce } from "../../sim/study/live/live.ts";
import type { Cell } from "../../sim/study/live/stand.ts";
import { validate } from "../../sim/study/live/validate.ts";
import { resultSchema } from "../../sim/study/results/index.ts";
import { closedKind, constant, textbook } from "../../sim/study/theory/textbook.ts";
import { type Database, resolveDatabase } from "../../workloads/database/index.ts";
import { runLive } from "../../workloads/live/index.ts";
import { parseWorkload } from "../../workloads/schema/load.ts";
import type { Fault, Workload } from "../../workloads/schema/workload.ts";

const workloadWith = (fault: string, more = ""): Workload =>
  parseWorkload(
    `name: broken
pgbouncer: { pool_mode: transaction, default_pool_size: 2, server_login_retry: 1 }
clients:
  - { name: web, count: 8, session: { away: 50 ms }, think: 20 ms, transaction: { service: 5 ms } }
schedule: [{ at: 400 ms, for: 300 ms, ${fault} }]
${more}`,
    "broken.yaml",
  );

describe("what cannot be played is refused by name", () => {
  const two = "pooler: { processes: 2 }";
  const cases: readonly [fault: string, beside: object, more: string, why: RegExp | undefined][] = [
    ["fault: stall", {}, "", undefined],
    ["fault: restart", {}, "", undefined],
    ["fault: pooler_restart", {}, "", undefined],
    ["fault: restart", {}, two, undefined],
    ["fault: failover", {}, "", undefined],
    ["fault: pooler_takeover", {}, "", undefined],
    ["fault: pooler_takeover", {}, "pooler: { peering: 1 ms }", undefined],
    ["fault: stall", { foreign: "--dsn" }, "", /\(stall\) cannot be played with --dsn: /],
    ["fault: stall", { foreign: "--pooler-dsn" }, "", /cannot be played with --pooler-dsn: /],
    [
      "fault: stall",
      { duration: 699 * MILLISECOND },
      "",
      /is not over .* an end by 0.699 s; set a/,
    ],
    ["fault: stall", { duration: 700 * MILLISECOND }, "", undefined],
    ["fault: failover", { duration: 400 * MILLISECOND }, "", undefined],
    ["fault: pooler_restart", {}, two, /several processes.*pooler.processes = 1 beside it/],
    ["fault: pooler_takeover", {}, two, /they share a port/],
  ];
  for (const [fault, beside, more, why] of cases)
    test(`${fault} ${JSON.stringify(beside)} ${more}: ${why === undefined ? "played" : "refused"}`, () => {
      const check = () => checkFaults(workloadWith(fault, more), { duration: SECOND, ...beside });
      if (why === undefined) expect(check).not.toThrow();
      else expect(check).toThrow(why);
    });

  test("what is played and not predicted: beside work: cpu", () => {
    const { clients, ...rest } = workloadWith("fault: stall");
    const busy = clients.map((kind) => {
      return { ...kind, transaction: { ...kind.transaction, work: "cpu" as const } };
    });
    const check = (workload: Workload) => () => checkPredictableFaults(workload, SECOND);
    expect(check({ ...rest, clients: busy })).toThrow(
      /\(stall\) cannot be predicted with work: cpu/,
    );
    expect(check({ ...rest, clients })).not.toThrow();
    expect(check({ ...rest, clients: busy, faults: undefined })).not.toThrow();
  });
});

test("who is refused by the pooler is told from who loses its server", () => {
  const refused = ["no more connections allowed (max_client_conn)", "pooler is shutting down"];
  for (const text of [...refused, "shutting_down"]) expect(text).toMatch(REFUSED);
  for (const text of ["server shutting down", "server conn crashed?", "client_timeout"])
    expect(text).not.toMatch(REFUSED);
});

test("a database that is not private is refused before anything is measured", async () => {
  const database = { host: "127.0.0.1", port: 1, user: "me", database: "mine" };
  const workload = workloadWith("fault: stall");
  const length = { warmup: 0, duration: SECOND, seed: 1 };
  const why = /\(stall\) cannot be played with a database that is not private/;
  await expect(playOnce({ workload, database, settings: {}, ...length })).rejects.toThrow(why);
  const cells: Cell[] = [{ name: "one", pool_mode: "transaction", pool_size: 2 }];
  const plan = { workload, cells, repeats: 1, ...length };
  await expect(validate({ ...plan, database })).rejects.toThrow(why);
  const running = validate({ ...plan, running: database });
  await expect(running).rejects.toThrow("cannot be played with a pooler that runs already");
});

describe("what a simulated run has of them", () => {
  // Each client: 10 ms of thinking, 100 of service.
  const kind = closedKind(3, constant(10), constant(100));
  const broken = (...faults: Fault[]) => ({ ...textbook([kind], 2), faults });

  test("the wait of who is given a server that stands still lasts until it goes on", () => {
    const one = { ...broken(), clients: [{ ...kind, count: 1 }] };
    const stall = { at: 3085 * MILLISECOND, for: 50 * MILLISECOND, fault: "stall" as const };
    const workload = { ...one, faults: [stall] };
    const { trace } = simulate(workload, { duration: 4 * SECOND, warmup: 0, trace: true });
    const waits = (stalls = stallsOf(workload, 0)): number[] =>
      [...simulatedSamples(trace ?? expect.fail(), stalls).wait].filter((wait) => wait > 0);
    // It sends every 110 ms, from 10 on: at 3090 it is given a server that goes on at 3135.
    expect(waits([])).toEqual([]);
    expect(waits()).toEqual([45]);
  });

  test("failed transactions, lost connections and failed logins are told apart", () => {
    const gone: Fault = { at: SECOND, for: 100 * MILLISECOND, fault: "pooler_restart" };
    const away = { ...kind, session: { ...kind.session, away: constant(30) } };
    const workload = { ...broken(gone), clients: [away] };
    const result = simulate(workload, { duration: 2 * SECOND });
    const { failed, lost, refused } = simulatedLosses(result);
    expect(lost).toBe(3);
    expect(failed).toBeGreaterThan(0);
    expect(failed).toBeLessThanOrEqual(3);
    // After 30, 60 and 90 ms, each of them.
    expect(refused).toBe(9);
  });
});

describe("a validation with faults", () => {
  let database: Database;
  beforeAll(async () => {
    database = await resolveDatabase({ env: {}, maxConnections: 60 });
  });
  afterAll(() => database?.stop());

  test("calibrations know none, configurations are played one at a time, and losses are compared", async () => {
    const cells: Cell[] = [2, 3].map((pool_size) => {
      return { name: `pool${pool_size}`, pool_mode: "transaction", pool_size };
    });
    const workload = workloadWith("fault: restart");
    const length = { warmup: SECOND / 4, duration: 1.5 * SECOND };
    let [now, most] = [0, 0];
    const broken: (Fault["fault"] | undefined)[] = [];
    const validation = await validate({
      ...{ workload, database, cells, repeats: 1, seed: 1, ...length },
      play: async (options) => {
        most = Math.max(most, ++now);
        broken.push(options.workload.faults?.[0]?.fault);
        return await runLive(options).finally(() => now--);
      },
    });
    expect(most).toBe(1);
    expect(broken.filter((fault) => fault === undefined).length).toBeGreaterThan(0);
    expect(broken.filter((fault) => fault === "restart")).toHaveLength(2);
    const head = { poolwise: "0", command: "validate", workload: "broken", seed: 1 };
    const result = resultSchema.parse({ ...head, ...validationAnswer(validation) });
    for (const { predicted, live } of result.validations ?? []) {
      expect(live.failed).toBeGreaterThan(0);
      expect(live.lost).toBeGreaterThan(0);
      expect(predicted.failed).toBeGreaterThan(0);
      expect(predicted.lost).toBeGreaterThan(0);
    }
    expect(validationText(result, false)).toContain("lost connections");
  });
});
