/** `compare --clients`: the search by itself, then the whole against the exact answer of pools. */
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { closedPool, openPool } from "../../sim/study/analytic/index.ts";
import { compareModesAndClients } from "../../sim/study/compare.ts";
import { resultSchema } from "../../sim/study/results/index.ts";
import { HERE, type Simulator } from "../../sim/study/simulator.ts";
import { mostClients } from "../../sim/study/size/clients.ts";
import { filling } from "../../sim/study/size/inside.ts";
import { LOAD } from "../../sim/study/size/load.ts";
import { type Judge, narrow } from "../../sim/study/size/search.ts";
import { exponential, openKind, textbook } from "../../sim/study/theory/textbook.ts";
import { staying } from "../../workloads/schema/kinds.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import { closedWorkload, kindOf, timeLimit } from "./workload.ts";

const MILLISECOND = 1e6;
const SECOND = 1e9;

/** A judge for whom numbers up to `most` do, and which counts how often it is asked. */
function upTo(most: number): Judge & { asked: number } {
  return {
    asked: 0,
    spent: 0,
    async at(size) {
      this.asked++;
      return { run: { utilization: 1, pool_size: size } };
    },
    judge: (size) => (size <= most ? "met" : "missed"),
  };
}

test("the search finds the largest number that does, wherever it begins, in few looks", async () => {
  const cases = fc.record({
    most: fc.integer({ min: 0, max: 100_000 }),
    guess: fc.integer({ min: 1, max: 100_000 }),
    step: fc.integer({ min: 1, max: 1000 }),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ most, guess, step }) => {
      const judge = upTo(most);
      const bounds = await narrow(judge, { good: 0, bad: 100_001 }, guess, step);
      expect(bounds).toEqual({ good: most, bad: most + 1 });
      expect(judge.asked).toBeLessThanOrEqual(2 * Math.log2(100_001) + 2);
    }),
  );
});

const objective = (workload: Workload, wait_p99: number): Workload => ({
  ...workload,
  slo: { wait_p99: wait_p99 * MILLISECOND },
  run: { ...workload.run, duration: 20 * SECOND },
});

describe("closed pools M/M/c//N: the exact number, less what confidence takes", () => {
  // servers, think ms, service ms, limit of the p99 wait ms
  for (const [servers, think, service, limit] of [
    [3, 60, 10, 20],
    [10, 200, 10, 8],
  ] as const)
    test(`${servers} connections, ${think} and ${service} ms, at most ${limit} ms`, async () => {
      const tail = (clients: number): number =>
        closedPool({ clients, think, service, servers }).quantile(0.99);
      let exact = servers;
      while (tail(exact + 1) <= limit) exact++;
      const workload = objective(closedWorkload(kindOf(20, think, service), servers), limit);
      const { most, notes } = await mostClients(workload, { precision: 0.12, timeLimit });
      expect(most.clients).toBeGreaterThanOrEqual(Math.floor(0.85 * exact));
      expect(most.clients).toBeLessThanOrEqual(exact);
      expect(most.load).toBe((most.clients as number) / 20);
      expect(most.wait_p99_ms_ci95?.[1]).toBeLessThanOrEqual(limit);
      expect(most.beyond).toMatchObject({
        clients: (most.clients as number) + 1,
        term: "wait_p99",
      });
      expect(notes).toEqual([]);
    });
});

test("open pools M/M/c: the rate as a multiple of the workload's", async () => {
  const kind = openKind(exponential(10), exponential(10));
  const limit = 30;
  let exact = 100;
  while (openPool({ rate: (exact + 1) / 1000, service: 10, servers: 3 }).quantile(0.99) <= limit)
    exact++;
  const { most } = await mostClients(objective(textbook([kind], 3), limit), {
    precision: 0.12,
    timeLimit,
  });
  expect(most.clients).toBeNull();
  expect(most.load).toBeGreaterThan((0.85 * exact) / 100);
  expect(most.load).toBeLessThanOrEqual((exact + 1) / 100);
});

describe("modes", () => {
  const workload = objective(closedWorkload(kindOf(20, 90, 10), 4), 20);

  test("session mode carries a client a connection; single statements make the others equal", async () => {
    const compared = await compareModesAndClients(workload, { precision: 0.1, timeLimit });
    const [session, transaction, statement] = compared.most_clients ?? [];
    expect(session).toMatchObject({ pool_mode: "session", clients: 4 });
    expect(session?.beyond).toMatchObject({ clients: 5, term: "unserved", sure: true });
    expect(transaction?.clients).toBeGreaterThan(20);
    expect(statement).toEqual({ ...transaction, pool_mode: "statement" });
    expect(compared.notes.join()).toContain("statement mode: as transaction mode");
    const head = { poolwise: "0", command: "compare", workload: "closed", seed: 1 };
    expect(resultSchema.safeParse({ ...head, ...compared }).error).toBeUndefined();
  });

  test("an objective that a single client misses: nobody is carried", async () => {
    const slow = { ...workload, slo: { response_p99: MILLISECOND } };
    const { most } = await mostClients(slow, { precision: 0.2, timeLimit });
    expect(most).toMatchObject({ clients: 0, load: 0, beyond: { clients: 1, sure: true } });
    expect(most.wait_p99_ms).toBeUndefined();
  });

  test("runs too short to tell of one client: nobody is carried, and a note says why", async () => {
    const { run } = workload;
    const short = { ...workload, run: { ...run, duration: MILLISECOND, warmup: 0 } };
    const { most, notes } = await mostClients(short, { precision: 0.2, timeLimit: 3_000 });
    expect(most).toMatchObject({ clients: 0, beyond: { clients: 1, sure: false } });
    expect(notes).toEqual([
      "1 client may be carried, too little was simulated to be sure of wait_p99; " +
        "give it more with --duration or --time-limit",
    ]);
  });

  test("without an objective there is no answer", async () => {
    await expect(compareModesAndClients({ ...workload, slo: {} })).rejects.toThrow("no objective");
  });
});

describe("limits on clients", () => {
  const workload = objective(closedWorkload(kindOf(20, 90, 10), 4), 20);
  const limited = (settings: Partial<Workload["settings"]>): Workload => ({
    ...workload,
    settings: { ...workload.settings, ...settings },
  });

  test("max_client_conn is raised with the clients, and a note says so", async () => {
    const free = await mostClients(workload, { precision: 0.2, timeLimit });
    const { most, notes } = await mostClients(limited({ max_client_conn: 22 }), {
      precision: 0.2,
      timeLimit,
    });
    expect(most).toEqual(free.most);
    expect(notes).toEqual([
      `max_client_conn was raised with the clients, to ${most.clients}: 22 may turn some of them away`,
    ]);
  });

  test("any other limit stays, and a refusal ends it", async () => {
    const { most } = await mostClients(limited({ max_user_client_connections: 17 }), {
      precision: 0.2,
      timeLimit,
    });
    expect(most).toMatchObject({
      clients: 17,
      beyond: { clients: 18, term: "refused", sure: true },
    });
  });

  test("kinds keep their shares, and room that the file leaves to others stays", () => {
    const kinds = [kindOf(30, 90, 10), { ...kindOf(10, 90, 10), name: "few" }];
    const both = { ...limited({ max_client_conn: 60 }), clients: kinds };
    const larger = LOAD.at(both, 80);
    expect(larger.clients.map((kind) => kind.count)).toEqual([60, 20]);
    expect(larger.settings.max_client_conn).toBe(80);
    expect(LOAD.at(both, 20).settings.max_client_conn).toBe(60);
    const guests = { ...openKind(exponential(10), exponential(10)), name: "guests" };
    const mixed = LOAD.at({ ...both, clients: [...kinds, guests] }, 80);
    expect(mixed.settings.max_client_conn).toBe(100);
    expect(mixed.clients[2]?.arrivals?.gap).toEqual(exponential(5));
  });

  test("pools in the application hold as many connections as they are wide", () => {
    const app_pool = { instances: 4, size: 3, timeout: 30 * SECOND };
    expect(staying([{ ...kindOf(50, 90, 10), app_pool }, kindOf(5, 90, 10)])).toBe(17);
  });
});

describe("pools of the application narrower than the pooler's", () => {
  const app_pool = { instances: 4, size: 2, timeout: 30 * SECOND };
  const narrow = (servers: number, slo: Workload["slo"]): Workload => ({
    ...objective(closedWorkload({ ...kindOf(30, 90, 10), app_pool }, servers), 20),
    slo,
  });

  test("any number of clients meets an objective for the wait in the pooler", async () => {
    const { most, notes } = await mostClients(narrow(8, { wait_p99: MILLISECOND }), {
      precision: 0.2,
      timeLimit,
    });
    expect(most).toMatchObject({ any_number: { app_connections: 8 }, beyond: null });
    expect(notes.join()).not.toContain("the time was up");
    expect(notes.join()).toContain("wait_p99 counts the wait in the pooler alone");
  });

  // servers, objective, why
  for (const [servers, slo, why] of [
    [3, { wait_p99: 10 * MILLISECOND }, "the pooler's pool is the narrower one"],
    [8, { response_p99: 100 * MILLISECOND }, "the response has both waits"],
  ] as const)
    test(`so many and no more: ${why}`, async () => {
      const { most } = await mostClients(narrow(servers, slo), { precision: 0.2, timeLimit });
      expect(most.any_number).toBeUndefined();
      expect(most.beyond?.clients).toBe((most.clients ?? 0) + 1);
    });

  test("at its lowest a schedule's load still fills them, where it is never 0", async () => {
    const workload = narrow(8, { wait_p99: MILLISECOND });
    const entry = { at: 2 * SECOND, for: 5 * SECOND, clients: "clients" };
    const calm = (factor: number) => ({ ...workload, schedule: [{ ...entry, factor }] });
    // 30 clients ask for 0.375 of what 8 connections let through, and at a tenth of the load for 0.041.
    expect([0.1, 1, 5].map((factor) => filling(calm(factor))?.size)).toEqual([2912, 320, 320]);
    expect(filling(calm(0))?.size).toBe(Number.POSITIVE_INFINITY);
    const { most, notes } = await mostClients(calm(0.1), { precision: 0.2, timeLimit });
    expect(most).toMatchObject({ any_number: { app_connections: 8 }, beyond: null });
    expect(notes.join()).not.toContain("the time was up");
    const points = [0.5, 2].map((factor, i) => ({ at: i * SECOND, factor }));
    const curves = [{ clients: "clients", points, every: 2 * SECOND }];
    expect(filling({ ...workload, curves })?.size).toBe(608);
  });

  test("not where clients give up, or where something fails", () => {
    const workload = narrow(8, { wait_p99: MILLISECOND });
    const { clients } = workload;
    expect(filling(workload)).toEqual({ size: 320, app_connections: 8 });
    const hasty = clients.map((kind) => ({ ...kind, timeout: SECOND }));
    expect(filling({ ...workload, clients: hasty })).toBeUndefined();
    const without = clients.map((kind) => ({ ...kind, app_pool: undefined }));
    expect(filling({ ...workload, clients: [...clients, ...without] })).toBeUndefined();
    expect(filling({ ...workload, slo: { timeouts: 0.01 } })).toBeUndefined();
    const faults = [{ at: 0, for: SECOND, fault: "stall" as const }];
    expect(filling({ ...workload, faults })).toBeUndefined();
  });
});

describe("a search that is given up", () => {
  const workload = objective(closedWorkload(kindOf(20, 90, 10), 4), 20);
  const endless = { ...workload, run: { ...workload.run, warmup: SECOND } };

  /** Gives up everything after `most` replications. */
  const upTo = (most: number): Simulator => {
    let begun = 0;
    return {
      ...HERE,
      run: (each, options) =>
        HERE.run(each, begun++ < most ? options : { ...options, until: Date.now() }),
    };
  };

  // replications: 6 compare the modes, 2 of a size are enough
  for (const [replications, modes, why] of [
    [6, [], "before anything is known of it"],
    [8, ["session"], "after the first look"],
  ] as const)
    test(`${why}: the comparison stays, and a note names the modes without an answer`, async () => {
      const options = { replications: 2, simulator: upTo(replications) };
      const { runs, most_clients, notes } = await compareModesAndClients(endless, options);
      expect(runs.map((run) => run.replications)).toEqual([2, 2, 2]);
      expect(most_clients?.map(({ pool_mode }) => pool_mode)).toEqual(modes);
      const who = modes.length === 0 ? "session and transaction mode" : "transaction mode";
      expect(notes.filter((note) => note.includes("before anything was known"))).toEqual([
        expect.stringContaining(`${who}: the time was up before anything was known`),
      ]);
    });
});

test("when the time is up after one look it says what it knows", async () => {
  const workload = objective(closedWorkload(kindOf(20, 90, 10), 4), 20);
  const run: Simulator["run"] = async (...given) => {
    await sleep(300);
    return HERE.run(...given);
  };
  const { most, notes } = await mostClients(workload, {
    timeLimit: 500,
    simulator: { ...HERE, run },
  });
  expect(notes.join()).toContain("the time was up before the search was");
  expect(most.clients).toBeGreaterThanOrEqual(0);
});
