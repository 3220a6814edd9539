/** Several processes of the pooler on one port: who was dealt to which is known, and predicted with. */
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SECOND } from "../../engine/core/index.ts";
import { canSharePort } from "../../engine/pooler/sockets/shared-port.ts";
import { simulate } from "../../sim/model/index.ts";
import { calibratedPooler } from "../../sim/study/live/compared.ts";
import { checkComparable, checkProcesses, dealOf } from "../../sim/study/live/several.ts";
import { type Cell, openStand, type Stand } from "../../sim/study/live/stand.ts";
import { validate } from "../../sim/study/live/validate.ts";
import { closedKind, exponential, textbook } from "../../sim/study/theory/textbook.ts";
import { type Database, resolveDatabase } from "../../workloads/database/index.ts";
import { type LiveResult, runLive } from "../../workloads/live/index.ts";
import type { ClientKind, Workload } from "../../workloads/schema/workload.ts";
import { withPooler } from "../model/poolers.ts";

const [PROCESSES, CLIENTS] = [3, 24];
const on = (processes: number, ...kinds: ClientKind[]): Workload =>
  withPooler(textbook(kinds, 2), { processes });
const kind = closedKind(CLIENTS, exponential(30), exponential(6));

describe.skipIf(!canSharePort())("played (skipped where a port cannot be shared)", () => {
  const workload = on(PROCESSES, kind);
  const cell: Cell = { name: "one", pool_mode: "transaction", pool_size: 2 };
  const length = { warmup: 0, duration: SECOND / 2 };
  let database: Database;
  let stand: Stand;
  let live: LiveResult;
  beforeAll(async () => {
    database = await resolveDatabase({ env: {}, maxConnections: 150 });
    stand = await openStand({ workload, database, cells: [cell] });
    const { admin, direct } = stand;
    const place = { target: stand.target(cell), admin, direct };
    live = await runLive({ workload, ...place, poolMode: "transaction", seed: 1, ...length });
  });
  afterAll(async () => {
    await stand?.close();
    await database?.stop();
  });

  /** A row of each process. */
  async function shown(what: string): Promise<Record<string, string>[]> {
    const rows = (stand.admin ?? []).map(async (address) => {
      const client = new pg.Client(address);
      await client.connect();
      const answer = await client.query(`SHOW ${what}`);
      await client.end();
      return answer.rows.find((row) => stand.entries(cell).has(row.database)) ?? {};
    });
    return Promise.all(rows);
  }

  test("every client is where its process has counted it, and does its work there", async () => {
    expect(live).toMatchObject({ errors: [], unfinished: 0 });
    const deal = dealOf(live);
    const clients = Array.from({ length: CLIENTS }, (_, client) => client);
    const at = (process: number) =>
      clients.filter((client) => deal?.("clients", client, 0) === process);
    const stats = await shown("STATS");
    const logins = stats.map((row) => Number(row.total_client_login_count ?? 0));
    expect(clients.every((client) => deal?.("clients", client, 0) !== undefined)).toBe(true);
    expect(logins.reduce((sum, count) => sum + count, 0)).toBe(CLIENTS);
    expect(stats.map((_, process) => at(process).length)).toEqual(logins);
    const rows = [...live.transactions.client];
    stats.forEach((row, process) => {
      const own = rows.filter((client) => at(process).includes(client)).length;
      // What was under way at the end, one for each client at most, is counted there only.
      expect(Number(row.total_xact_count ?? 0)).toBeGreaterThanOrEqual(own);
      expect(Number(row.total_xact_count ?? 0)).toBeLessThanOrEqual(own + at(process).length);
    });
  });

  test("the consoles of all processes are looked at together", () => {
    const entries = (live.observed?.pools ?? []).map(({ rows }) =>
      rows.filter((row) => stand.entries(cell).has(String(row.database))),
    );
    const clients = entries.map((rows) =>
      rows.reduce((sum, row) => sum + Number(row.cl_active) + Number(row.cl_waiting), 0),
    );
    expect(Math.max(...clients)).toBe(CLIENTS);
    const used = new Set(live.sessions.process).size;
    expect(entries.map((rows) => rows.length)).toContain(used);
    expect(stand.connections(cell)).toBe(2 * PROCESSES);
  });

  test("and predicted", async () => {
    const validation = await validate({
      ...{ workload: on(2, kind), database, cells: [cell], repeats: 1, seed: 1 },
      ...{ warmup: SECOND / 4, duration: SECOND },
    });
    const [found] = validation.cells;
    expect(found?.errors).toEqual({});
    expect(found?.samples.live.wait.length).toBeGreaterThan(30);
    expect(found?.samples.predicted.wait.length).toBeGreaterThan(30);
    expect(validation.notes.join()).toContain("deals the clients out");
  });
});

describe("simulated for a deal that is known", () => {
  const options = { seed: 3, duration: 5 * SECOND, trace: true };
  const waits = (workload: Workload, deal?: () => number) =>
    simulate(workload, { ...options, deal }).trace?.wait;

  test("all at one process: the others might as well not be there", () => {
    expect(waits(on(2, kind), () => 0)).toEqual(waits(on(1, kind)));
    expect(waits(on(2, kind))).not.toEqual(waits(on(1, kind)));
  });

  test("what was never seen is left to chance", () => {
    const unknown = { ...options, deal: () => undefined };
    expect(simulate(on(2, kind), unknown).trace?.wait).toEqual(waits(on(2, kind)));
  });

  test("sessions count in the order of a client's logins; a refused one is not known", () => {
    const sessions = {
      ...{ length: 5, kind: Int32Array.of(0, 1, 0, 0, 0), client: Int32Array.of(7, 7, 7, 7, 8) },
      process: Int32Array.of(2, 1, -1, 0, 1),
    };
    const kinds = [{ name: "a" }, { name: "b" }];
    const deal = dealOf({ kinds, sessions } as unknown as LiveResult);
    const asked = [0, 1, 2, 3].map((session) => deal?.("a", 7, session));
    expect(asked).toEqual([2, undefined, 0, undefined]);
    expect([deal?.("b", 7, 0), deal?.("a", 8, 0), deal?.("b", 8, 0)]).toEqual([1, 1, undefined]);
  });
});

test("a prediction has them on one machine, and what a message costs in what was calibrated", () => {
  const pooler = { cpu_per_message: 9_000, processes: 2, peering: SECOND };
  const known = withPooler(textbook([kind], 2), pooler).pooler ?? expect.fail();
  expect(calibratedPooler(known)).toMatchObject({ cpu_per_message: 0, processes: 2, peering: 0 });
  expect(calibratedPooler({ ...known, peering: undefined }).peering).toBeUndefined();
});

describe("what cannot be played or compared is refused", () => {
  const demanding = { ...kind, timeout: SECOND };
  const pooled = { ...kind, app_pool: { instances: 1, size: 2, timeout: SECOND } };
  const burning = { ...kind, transaction: { ...kind.transaction, work: "cpu" as const } };
  for (const [what, refuse, reason] of [
    ["a pooler that runs", () => checkProcesses(on(2, kind), { running: "me@here" }), "not ours"],
    ["PgBouncer", () => checkProcesses(on(2, kind), { pgbouncer: "pgbouncer" }), "not ours"],
    ["a timeout", () => checkComparable(on(2, demanding)), "timeout or retry"],
    ["a pool of the application", () => checkComparable(on(2, pooled)), "app_pool"],
    ["work: cpu", () => checkComparable(on(2, burning)), "work: cpu"],
  ] as const)
    test(what, () => {
      expect(refuse).toThrow('pooler.processes is "2"');
      expect(refuse).toThrow(reason);
    });

  test("nothing of it with one process", () => {
    const beside = { running: "me@here", pgbouncer: "pgbouncer" };
    expect(() => checkProcesses(on(1, kind), beside)).not.toThrow();
    expect(() => checkComparable(on(1, demanding, pooled, burning))).not.toThrow();
  });
});
