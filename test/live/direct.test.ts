/**
 * Live runs against a PostgreSQL without a pooler. How long anything takes is the machine's affair;
 * asserted are counts, order relations and what must be equal to the last bit.
 */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sampler } from "../../sim/kernel/distributions.ts";
import { Stream } from "../../sim/kernel/streams.ts";
import { embeddedPackage } from "../../workloads/database/embedded.ts";
import { type Database, OutsideError, resolveDatabase } from "../../workloads/database/index.ts";
import {
  type LiveOptions,
  type LiveResult,
  runLive,
  wholeMilliseconds,
} from "../../workloads/live/index.ts";
import { firstLine } from "../database/helpers.ts";
import {
  constant,
  driversOf,
  exponential,
  kind,
  median,
  ms,
  numbersOf,
  sorted,
  stillAlive,
  workload,
} from "./helpers.ts";

const installed = (await embeddedPackage()) !== undefined;

describe.skipIf(!installed)("without a pooler (skipped: embedded package not installed)", () => {
  let database: Database;
  beforeAll(async () => {
    database = await resolveDatabase({ env: { PATH: process.env.PATH }, maxConnections: 60 });
  });
  afterAll(() => database.stop());

  function run(options: Partial<LiveOptions> & Pick<LiveOptions, "workload">): Promise<LiveResult> {
    const fixed = { target: database, direct: database, poolMode: "transaction" as const };
    return runLive({ ...fixed, seed: 1, duration: ms(500), warmup: ms(100), ...options });
  }

  describe("three statements of 3.2 ms with gaps of 2 ms", () => {
    const transaction = {
      statements: constant(3),
      service: constant(ms(3.2)),
      gap: constant(ms(2)),
    };
    let result: LiveResult;
    beforeAll(async () => {
      result = await run({ workload: workload(kind({ transaction })) });
    });

    test("every transaction is written down, each client's in order", () => {
      expect(result.transactions.length).toBeGreaterThan(10);
      for (let client = 0; client < 4; client++) {
        const numbers = numbersOf(result, client);
        expect(numbers).toEqual(numbers.map((_, index) => index));
      }
      expect(result.kinds).toEqual([{ name: "web", clients: 4 }]);
      expect(result).toMatchObject({ errors: [], unfinished: 0, seed: 1 });
    });

    test("the service time is rounded up to whole milliseconds, three times", () => {
      expect(new Set(result.transactions.service)).toEqual(new Set([ms(12)]));
      expect(result.notes.join()).toContain("whole milliseconds");
    });

    test("nothing happens in less time than it must take", () => {
      const { wait, waitLater, response, length } = result.transactions;
      const error = result.clock.round_trip_before + result.clock.round_trip_after;
      for (let row = 0; row < length; row++) {
        expect(wait[row]).toBeGreaterThan(-error);
        const rest = (response[row] ?? 0) - (wait[row] ?? 0) - (waitLater[row] ?? 0);
        expect(rest).toBeGreaterThan(ms(12 + 4) - 3 * error);
      }
    });

    test("without a queue the wait is small beside the service, but for what the machine adds", () => {
      const waits = sorted(result.transactions.wait);
      expect(waits[Math.floor(waits.length / 5)]).toBeLessThan(ms(12));
    });

    test("the first think time starts at the common start, not at login", () => {
      expect(Math.min(...result.transactions.sent)).toBeGreaterThanOrEqual(ms(10));
      expect(Math.max(...result.sessions.connected)).toBeLessThan(0);
    });

    test("the driver tells what it adds", () => {
      const { timer_lateness, processing, clock_resolution } = result.driver;
      expect(timer_lateness.count).toBeGreaterThanOrEqual(3 * result.transactions.length);
      expect(Math.min(...result.transactions.lateness)).toBeGreaterThanOrEqual(0);
      expect(processing.count).toBeGreaterThanOrEqual(3 * result.transactions.length);
      expect(clock_resolution).toBeGreaterThan(0);
      expect(clock_resolution).toBeLessThan(ms(1));
    });
  });

  test("think and service times are the simulator's own draws", async () => {
    const think = exponential(ms(20));
    const transaction = {
      statements: { kind: "uniform", min: 1, max: 4 } as const,
      service: exponential(ms(2)),
      gap: constant(0),
    };
    const result = await run({ workload: workload(kind({ think, transaction })), seed: 7 });
    const statements = sampler(transaction.statements, new Stream(7, "web", "statements"));
    const service = sampler(transaction.service, new Stream(7, "web", "service"));
    const thinks = sampler(think, new Stream(7, "web", "think"));
    const rows = result.transactions;
    expect(rows.length).toBeGreaterThan(10);
    for (let row = 0; row < rows.length; row++) {
      const [client = 0, number = 0] = [rows.client[row], rows.number[row]];
      const count = Math.max(1, statements.draw(client, number, 0));
      expect(rows.statements[row]).toBe(count);
      const times = Array.from({ length: count }, (_, at) => service.draw(client, number, at));
      const whole = times.map((time) => wholeMilliseconds(time));
      expect(rows.service[row]).toBe(whole.reduce((sum, time) => sum + time, 0));
      // The first one starts with everybody else's; nothing but lateness may come in between.
      const started = (rows.sent[row] ?? 0) - (rows.lateness[row] ?? 0);
      if (number === 0) expect(started).toBeGreaterThanOrEqual(thinks.draw(client, 0, 0));
    }
  });

  test("work: cpu is rows that the database counts, as many as make up the draws", async () => {
    const transaction = {
      statements: constant(1),
      service: exponential(ms(3)),
      gap: constant(0),
      work: "cpu",
    } as const;
    const rowTime = 100; // Whatever a row really takes: it is told, so that all is determined.
    const result = await run({ workload: workload(kind({ transaction })), seed: 7, rowTime });
    const draws = sampler(transaction.service, new Stream(7, "web", "service"));
    const rows = result.transactions;
    expect(rows.length).toBeGreaterThan(10);
    for (let row = 0; row < rows.length; row++) {
      const drawn = draws.draw(rows.client[row] ?? 0, rows.number[row] ?? 0, 0);
      expect(rows.service[row]).toBe(100 * Math.round(drawn / 100));
    }
    expect(result).toMatchObject({ errors: [], rowTime });
    expect(result.notes.join()).toContain("rows that the database counts");
    expect(result.notes.join()).not.toContain("pg_sleep");
  });

  test("more rows take longer, and how long is measured when it is not told", async () => {
    const transaction = (service: number) => ({
      ...{ statements: constant(1), service: constant(ms(service)), gap: constant(0) },
      work: "cpu" as const,
    });
    const short = await run({ workload: workload(kind({ transaction: transaction(1) })) });
    const { rowTime = 0 } = short;
    expect(rowTime).toBeGreaterThan(1);
    const workloadOf = workload(kind({ transaction: transaction(40) }));
    const long = await run({ workload: workloadOf, rowTime });
    const typical = (result: LiveResult) => median(sorted(result.transactions.response));
    expect(typical(long)).toBeGreaterThan(typical(short));
  });

  test("statement mode: every statement commits by itself, and none is missing", async () => {
    const transaction = { statements: constant(2), service: constant(ms(1)), gap: constant(0) };
    const result = await run({
      workload: workload(kind({ transaction })),
      poolMode: "statement",
    });
    expect(result.errors).toEqual([]);
    expect(new Set(result.transactions.statements)).toEqual(new Set([2]));
  });

  test("sessions of two transactions: a login for every two", async () => {
    const session = { transactions: constant(2), away: constant(ms(5)) };
    const result = await run({ workload: workload(kind({ count: 2, session })) });
    const { sessions, transactions } = result;
    const ofFirst = [...sessions.client].filter((client) => client === 0).length;
    const numbers = numbersOf(result, 0);
    expect(numbers).toEqual(numbers.map((_, index) => index));
    expect(ofFirst).toBeGreaterThanOrEqual(Math.ceil(numbers.length / 2));
    expect(sessions.length).toBeGreaterThan(4);
    expect(transactions.length).toBeLessThanOrEqual(2 * sessions.length);
    expect(Math.min(...sessions.login)).toBeGreaterThan(0);
  });

  test("arrivals: every session is a client of its own", async () => {
    const open = kind({
      count: undefined,
      arrivals: { gap: exponential(ms(10)) },
      session: { transactions: constant(2), away: constant(0) },
      think: constant(ms(1)),
    });
    const result = await run({ workload: workload(open) });
    const { clients } = result.kinds[0] ?? { clients: 0 };
    expect(clients).toBeGreaterThan(10);
    expect(new Set(result.sessions.client).size).toBe(result.sessions.length);
    expect(Math.max(...result.transactions.number)).toBe(1);
  });

  test("a kind's database and user are the target's, where it names others", async () => {
    const named = kind({ count: 1, database: "shop", user: "clerk" });
    const target = {
      ...database,
      databases: { [named.name]: "postgres" },
      users: { clerk: "postgres" },
    };
    const result = await run({ workload: workload(named), target });
    expect(result.transactions.length).toBeGreaterThan(0);
  });

  test("refused logins are counted, and the clients come back", async () => {
    const crowd = kind({ count: 70, think: constant(ms(50)) });
    const session = { transactions: "forever", away: constant(ms(50)) } as const;
    const result = await run({ workload: workload({ ...crowd, session }) });
    expect(result.errors).toHaveLength(1);
    expect(result.errors[0]).toMatchObject({ sqlstate: "53300" });
    const refused = [...result.sessions.outcome].filter((outcome) => outcome === 1).length;
    expect(refused).toBe(result.errors[0]?.count);
    expect(refused).toBeGreaterThan(70 - 65);
    expect(result.transactions.length).toBeGreaterThan(0);
  });

  test("aborting rejects with the reason, and the driver is gone", async () => {
    const controller = new AbortController();
    const running = run({
      workload: workload(kind()),
      duration: ms(60_000),
      signal: controller.signal,
      onProgress: ({ phase }) => {
        if (phase === "running") controller.abort(new Error("enough"));
      },
    });
    await expect(running).rejects.toThrow("enough");
    expect(await driversOf(process.pid)).toEqual([]);
    await expect(run({ workload: workload(kind()), signal: controller.signal })).rejects.toThrow(
      "enough",
    );
  });

  test("its parent killed: the driver is gone", async () => {
    const script = fileURLToPath(new URL("parent.ts", import.meta.url));
    const parent = spawn(process.execPath, ["--import", "tsx", script, database.host]);
    await firstLine(parent);
    const drivers = await driversOf(parent.pid ?? 0);
    expect(drivers).toHaveLength(1);
    parent.kill("SIGKILL");
    expect(await stillAlive(drivers)).toEqual([]);
  });

  test("progress goes on from connecting to draining", async () => {
    const phases = new Set<string>();
    const onProgress = ({ phase }: { phase: string }) => phases.add(phase);
    await run({ workload: workload(kind()), onProgress });
    expect([...phases]).toContain("running");
    expect([...phases].at(-1)).toBe("draining");
  });
});

describe.skipIf(!installed)("a database that is gone", () => {
  test("in mid-run: one line that says so", async () => {
    const database = await resolveDatabase({ env: { PATH: process.env.PATH } });
    const running = runLive({
      workload: workload(kind()),
      target: database,
      direct: database,
      poolMode: "transaction",
      seed: 1,
      duration: ms(60_000),
      warmup: 0,
      onProgress: ({ phase }) => {
        if (phase === "running") void database.stop();
      },
    });
    const error = await running.catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(OutsideError);
    expect(String(error)).toMatch(/^OutsideError: the live run lost [^\n]+$/);
    expect(await driversOf(process.pid)).toEqual([]);
  });

  test("from the start: the address is named", async () => {
    const target = { host: "127.0.0.1", port: 1, user: "me" };
    const options = { workload: workload(kind()), target, poolMode: "session" as const };
    const running = runLive({ ...options, seed: 1, duration: ms(100), warmup: 0 });
    await expect(running).rejects.toThrow("me@127.0.0.1:1/postgres");
    await expect(running).rejects.toThrow(OutsideError);
  });
});
