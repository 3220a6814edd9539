/** A private server that is made to stand still, or to die and come back. Nothing says how fast. */
import { existsSync } from "node:fs";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { embeddedPackage } from "../../workloads/database/embedded.ts";
import { type Database, resolveDatabase, withClient } from "../../workloads/database/index.ts";
import { childrenOf } from "../../workloads/database/processes.ts";

const installed = (await embeddedPackage()) !== undefined;
const HOUR = 3_600_000;

describe.skipIf(!installed)("for real (skipped: embedded package not installed)", () => {
  let database: Database;
  beforeAll(async () => {
    database = await resolveDatabase({ env: { PATH: process.env.PATH } });
  });
  afterAll(() => database.stop());

  const server = () => database.server ?? expect.fail("it is not private");
  const ask = (sql: string): Promise<string> =>
    withClient(database, async (client) => {
      const { rows } = await client.query<{ answer: string }>(sql);
      return String(rows[0]?.answer);
    });
  const started = (): Promise<string> => ask("select pg_postmaster_start_time()::text as answer");

  test("while it stands still it says nothing, and then it goes on where it was", async () => {
    const before = await started();
    const begin = performance.timeOrigin + performance.now() + 250;
    let over = false;
    const stall = server()
      .stall({ begin, end: begin + 400 }, new AbortController().signal)
      .finally(() => {
        over = true;
      });
    const times: number[] = [];
    await withClient(database, async (client) => {
      while (!over) {
        const { rows } = await client.query("select extract(epoch from clock_timestamp()) as at");
        times.push(Number(rows[0].at) * 1000);
      }
    });
    await stall;
    const silences = times.slice(1).map((at, i) => at - (times[i] ?? 0));
    expect(Math.max(...silences)).toBeGreaterThan(350);
    expect(await started()).toBe(before);
  });

  test("a stall that is given up is over at once", async () => {
    const abort = new AbortController();
    const begin = Date.now();
    const stall = server().stall({ begin, end: begin + HOUR }, abort.signal);
    await new Promise((resolve) => setTimeout(resolve, 300));
    abort.abort();
    await stall;
    expect(await ask("select 1 as answer")).toBe("1");
  });

  test("a restart ends every connection, and another server is found at the same address, again and again", async () => {
    const seen = new Set([await started()]);
    for (let times = 0; times < 2; times++) {
      const client = new pg.Client(database);
      const lost = new Promise<void>((resolve) => client.on("end", resolve));
      client.on("error", () => undefined);
      await client.connect();
      const begin = Date.now();
      await server().restart({ begin, end: begin + 300 }, new AbortController().signal);
      await lost;
      seen.add(await started());
    }
    expect(seen.size).toBe(3);
  });

  test("a restart that is over early waits for its end; one that takes longer says so", async () => {
    const begin = performance.timeOrigin + performance.now();
    await server().restart({ begin, end: begin + 1_500 }, new AbortController().signal);
    expect(performance.timeOrigin + performance.now()).toBeGreaterThanOrEqual(begin + 1_499);
    const now = Date.now();
    const late = await server().restart({ begin: now, end: now + 1 }, new AbortController().signal);
    expect(late).toBeGreaterThan(0);
  });

  test("who has restarted can be stopped, and nothing is left", async () => {
    const own = await resolveDatabase({ env: { PATH: process.env.PATH } });
    const begin = Date.now();
    await own.server?.restart({ begin, end: begin }, new AbortController().signal);
    await own.stop();
    expect(existsSync(own.host)).toBe(false);
  });
});

test("children of a process are its own", async () => {
  expect(await childrenOf(process.ppid)).toContain(process.pid);
});
