/** A private server that is made to stand still, to die and come back, or to give way to another. Nothing says how fast. */
import { readdirSync } from "node:fs";
import { dirname } from "node:path";
import pg from "pg";
import { describe, expect, test } from "vitest";
import { ownPrefix } from "../../workloads/database/account.ts";
import { embeddedPackage } from "../../workloads/database/embedded.ts";
import { resolveDatabase, withClient } from "../../workloads/database/index.ts";
import { childrenOf } from "../../workloads/database/processes.ts";
import { privateDatabase } from "./helpers.ts";

const installed = (await embeddedPackage()) !== undefined;
const HOUR = 3_600_000;

describe.skipIf(!installed)("for real (skipped: embedded package not installed)", () => {
  const { database, server } = privateDatabase();
  const ask = (sql: string): Promise<string> =>
    withClient(database(), async (client) => {
      const { rows } = await client.query<{ answer: string }>(sql);
      return String(rows[0]?.answer);
    });
  const started = (): Promise<string> => ask("select pg_postmaster_start_time()::text as answer");

  test("while it stands still it says nothing, and then it goes on where it was", async () => {
    const before = await started();
    const begin = performance.timeOrigin + performance.now() + 250;
    let over = false;
    const stall = server()
      .stall({ begin, end: begin + 1_000 }, new AbortController().signal)
      .finally(() => {
        over = true;
      });
    const times: number[] = [];
    await withClient(database(), async (client) => {
      while (!over) {
        const { rows } = await client.query("select extract(epoch from clock_timestamp()) as at");
        times.push(Number(rows[0].at) * 1000);
      }
    });
    await stall;
    const silences = times.slice(1).map((at, i) => at - (times[i] ?? 0));
    expect(Math.max(...silences)).toBeGreaterThan(500); // It may begin late.
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
      const client = new pg.Client(database());
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

  test("a failover ends every connection, and who calls meanwhile is heard by another server, again and again", async () => {
    await ask("create table if not exists kept as select 7 as answer");
    const seen = new Set([await started()]);
    for (let times = 0; times < 2; times++) {
      await server().prepareFailover();
      const client = new pg.Client(database());
      client.on("error", () => undefined);
      await client.connect();
      const begin = performance.timeOrigin + performance.now() + 300;
      const end = begin + 400;
      const over = server().failOver({ begin, end }, new AbortController().signal);
      await until(begin + 100);
      const silent = client.query("select 1").catch(() => at());
      const heard = ask("select answer from kept").then((answer) => [answer, at()] as const);
      await over;
      expect(await silent).toBeGreaterThanOrEqual(end);
      const [answer, when] = await heard;
      expect(answer).toBe("7");
      expect(when).toBeGreaterThanOrEqual(end);
      seen.add(await started());
    }
    expect(seen.size).toBe(3);
    const begin = Date.now();
    await server().restart({ begin, end: begin + 1 }, new AbortController().signal);
    await server().stall({ begin, end: begin + 1 }, new AbortController().signal);
    expect(await ask("select answer from kept")).toBe("7");
  });

  const at = (): number => performance.timeOrigin + performance.now();
  const until = (moment: number): Promise<void> =>
    new Promise((resolve) => setTimeout(resolve, moment - at()));

  test("a failover that is given up is over at once", async () => {
    const before = await started();
    const abort = new AbortController();
    await server().prepareFailover();
    const begin = Date.now();
    const over = server().failOver({ begin, end: begin + HOUR }, abort.signal);
    await until(begin + 500);
    abort.abort();
    await over;
    expect(await started()).not.toBe(before);
  });

  for (const fault of ["restart", "failOver"] as const)
    test(`${fault}: who has been broken can be stopped, and nothing is left`, async () => {
      const before = directories();
      const own = await resolveDatabase({ env: { PATH: process.env.PATH } });
      const begin = Date.now();
      await own.server?.[fault]({ begin, end: begin }, new AbortController().signal);
      await own.server?.prepareFailover(); // Nobody ever hears of this one.
      await own.stop();
      expect(directories()).toEqual(before);
    });

  /** Of all private servers of this process. */
  const directories = (): string[] =>
    readdirSync(dirname(database().host)).filter((name) => name.startsWith(ownPrefix(process.pid)));
});

test("children of a process are its own", async () => {
  expect(await childrenOf(process.ppid)).toContain(process.pid);
});
