/** Clients that wait to be let in, for the first server of their pool. */
import { describe, expect, test } from "vitest";
import { STAT } from "../../engine/core/index.ts";
import { simulate } from "../../sim/model/index.ts";
import { runFindings } from "../../sim/report/findings.ts";
import { Tally } from "../../sim/study/tally.ts";
import { closedKind, constant, MS, SECOND, textbook } from "../../sim/study/theory/textbook.ts";
import type { Workload } from "../../workloads/schema/workload.ts";

/** A cold pool for four clients, 20 ms to open a connection, and a database that is down at first. */
function down(seconds: number, settings: Partial<Workload["settings"]> = {}): Workload {
  const kind = closedKind(4, constant(10), constant(100));
  const cold = textbook([kind], 4, { min_pool_size: 0, ...settings });
  const server = { ...cold.server, connect_time: constant(20) };
  return { ...cold, server, faults: [{ at: 0, for: seconds * SECOND, fault: "restart" }] };
}

describe("no server can log in", () => {
  test("all wait until server_login_retry is over, and are clients waiting", () => {
    const result = simulate(down(10), { duration: 20 * SECOND });
    // Refused at 0; tried again at the first tick from 15 s on, of which there are three a second.
    const until = 46 * 333.333 + 20;
    const { logins, max } = result.clients_waiting;
    expect(logins * 20_000).toBeCloseTo(4 * until, 6);
    expect(max).toBe(4);
    // PgBouncer counts it as waiting; it is no transaction's.
    expect(result.stats[STAT.wait_time]).toBeGreaterThanOrEqual(4 * until * MS - 1);
    expect(result.all.response.count).toBeGreaterThan(100);
  });

  test("they leave it when they are sent away", () => {
    const workload = down(100, { client_login_timeout: 5 * SECOND });
    const result = simulate(workload, { duration: 20 * SECOND, moments: 200 });
    expect(result.all.errors.login_server_down).toBeGreaterThanOrEqual(12);
    expect(result.clients_waiting.logins).toBe(result.clients_waiting.mean);
    for (const row of result.timeline) expect(row.clients_waiting).toBeLessThanOrEqual(4);
    expect(result.clients_waiting.mean).toBeGreaterThan(3.9);
  });

  test("results call them unserved", () => {
    const workload = down(100);
    const tally = new Tally(workload);
    for (const seed of [1, 2]) tally.add(simulate(workload, { seed, duration: 20 * SECOND }));
    const run = tally.run(0.05, 0, {});
    expect(run.clients_waiting).toEqual({ mean: 4, max: 4, unserved: 4, logins: 4 });
    expect(runFindings(run).join(" ")).toContain("4 clients wait at any moment");
  });
});

test("behind a pool of the application its connections wait", () => {
  const workload = down(100);
  const app_pool = { instances: 2, size: 3, timeout: 2 * SECOND };
  const clients = workload.clients.map((kind) => ({ ...kind, app_pool }));
  const result = simulate({ ...workload, clients }, { duration: 10 * SECOND });
  expect(result.clients_waiting).toEqual({ mean: 6, max: 6, logins: 6 });
});

test("once a server is known nobody waits to be let in, and results have no such figure", () => {
  const workload = textbook([closedKind(9, constant(10), constant(100))], 2);
  const tally = new Tally(workload);
  tally.add(simulate(workload, { warmup: SECOND, duration: SECOND }));
  expect(tally.run(0.05, 0, {}).clients_waiting).not.toHaveProperty("logins");
});
