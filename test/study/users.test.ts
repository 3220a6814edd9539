/** What a workload says of its users and its databases holds in a live run as it does in a simulation. */
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MILLISECOND, SECOND } from "../../engine/core/index.ts";
import { simulate } from "../../sim/model/index.ts";
import { playOnce } from "../../sim/study/live/live.ts";
import { type Cell, openStand, type Stand } from "../../sim/study/live/stand.ts";
import { isCrowded } from "../../sim/study/live/stand-ini.ts";
import { checkUsers, namesOf } from "../../sim/study/live/stand-names.ts";
import { embeddedPackage } from "../../workloads/database/embedded.ts";
import { type Database, resolveDatabase } from "../../workloads/database/index.ts";
import { parseWorkload } from "../../workloads/schema/load.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import { NO_PGBOUNCER, PGBOUNCER, PGBOUNCER_VERSION } from "../pgbouncer.ts";

const installed = (await embeddedPackage()) !== undefined;

const CLIENTS = `
clients:
  - { name: web, user: web, count: 4, think: 20 ms, transaction: { service: 5 ms } }
  - { name: slow, user: reports, count: 2, think: 20 ms, transaction: { service: 3 s } }
  - { name: crowd, user: crowd, count: 5, think: 20 ms, session: { away: 1 min }, transaction: { service: 5 ms } }
`;
const TEXT = `name: users
pgbouncer: { pool_mode: transaction, default_pool_size: 6, max_user_connections: 5 }
databases: { app: { max_db_connections: 9, max_db_client_connections: 50 } }
users:
  web: { max_user_connections: 2, client_idle_timeout: 30 }
  reports: { query_timeout: 1, idle_transaction_timeout: 7, pool_size: 3 }
  crowd: { max_user_client_connections: 3 }
${CLIENTS}`;

const read = (text: string): Workload => parseWorkload(text, "users.yaml");
const OWN: Cell = { name: "own", pool_mode: "transaction", pool_size: 6, own: true };
const OTHER: Cell = { name: "other", pool_mode: "session", pool_size: 8 };
const ROOMY: Cell = { name: "roomy", pool_mode: "transaction", pool_size: 11, plain: true };
const NOWHERE = { host: "127.0.0.1", port: 1, user: "owner", database: "nowhere" };

/** Rows of a SHOW command, by their name. */
async function shown(stand: Stand, what: string): Promise<Record<string, Record<string, unknown>>> {
  const [address] = stand.admin ?? [];
  const client = new pg.Client(address);
  await client.connect();
  const { rows } = await client.query(`SHOW ${what}`);
  await client.end();
  return Object.fromEntries(rows.map((row) => [row.name ?? row.key, row]));
}

describe.skipIf(!installed)("for real (skipped: embedded package not installed)", () => {
  let database: Database;
  beforeAll(async () => {
    database = await resolveDatabase({ env: { PATH: process.env.PATH } });
  });
  afterAll(() => database?.stop());

  test("each configuration has users and databases with all that is theirs, a calibration none", async () => {
    const workload = read(TEXT);
    const stand = await openStand({ workload, database, cells: [ROOMY, OWN, OTHER] });
    try {
      const [users, databases] = [await shown(stand, "USERS"), await shown(stand, "DATABASES")];
      const limits = (most: number, clients = 0) => ({
        max_user_connections: most,
        max_user_client_connections: clients,
      });
      for (const cell of ["own", "other"]) {
        expect(users[`${cell}_web`]).toMatchObject(limits(2));
        expect(users[`${cell}_reports`]).toMatchObject(limits(5));
        expect(users[`${cell}_crowd`]).toMatchObject(limits(5, 3));
        expect(databases[`${cell}_app`]).toMatchObject({
          max_connections: 9,
          max_client_connections: 50,
        });
      }
      expect(users.own_reports?.pool_size).toMatch(/^ *3$/);
      expect(users.plain_web).toMatchObject(limits(0));
      expect(databases.roomy_app).toMatchObject({ max_connections: 0, max_client_connections: 0 });
      expect(stand.entries(OWN)).toEqual(new Set(["own_app"]));
      expect(stand.connections(OWN), "2 of web, 3 of reports, 5 of crowd: 9").toBe(9);
    } finally {
      await stand.close();
    }
  });

  test.skipIf(NO_PGBOUNCER !== "")(
    "PgBouncer is told the same, unless it is too old for that (skipped: not there)",
    async () => {
      const workload = read(TEXT);
      const made = openStand({ workload, database, cells: [OWN], pgbouncer: PGBOUNCER });
      if (PGBOUNCER_VERSION < 1_024) {
        await expect(made).rejects.toThrow(
          /PgBouncer 1\.2\d or later, for \w+ in \[(users|databases)\]/,
        );
        return;
      }
      const stand = await made;
      const users = await shown(stand, "USERS").finally(() => stand.close());
      expect(users.own_crowd).toMatchObject({ max_user_client_connections: 3 });
      expect(users.own_web).toMatchObject({ max_user_connections: 2 });
    },
  );

  test("a run has the errors, and the connections, that the simulation has", async () => {
    const workload = read(TEXT);
    const length = { warmup: 0, duration: 3 * SECOND, seed: 1 };
    const { run } = await playOnce({ workload, database, settings: {}, ...length });
    const { kinds, all } = simulate(workload, length);
    expect(Object.keys(run.clients.slow?.errors ?? {})).toEqual(["query timeout"]);
    expect(Object.keys(kinds.slow?.errors ?? {})).toEqual(["query_timeout"]);
    expect(run.clients.web?.errors).toEqual({});
    const refused = "client connections exceeded (max_user_client_connections)";
    expect(run.clients.crowd?.errors).toEqual({});
    expect(all.errors.max_user_client_connections).toBe(2);
    expect(run.errors[refused], "refused before the window").toBeUndefined();
    expect(run.server_connections.max).toBeLessThanOrEqual(9);
  });

  test("max_client_conn holds for the clients, not for those who look on, nor for other configurations", async () => {
    const few = "pgbouncer: { pool_mode: transaction, max_client_conn: 11 }";
    const workload = read(`name: few\n${few}\n${CLIENTS}`);
    expect(isCrowded(workload)).toBe(false);
    expect(isCrowded(read(`name: few\n${few.replace("11", "10")}\n${CLIENTS}`))).toBe(true);
    const length = { warmup: 0, duration: SECOND / 2, seed: 1 };
    const { run } = await playOnce({ workload, database, settings: {}, ...length });
    expect(run.errors).toEqual({});
    const stand = await openStand({ workload, database, cells: [OWN, OTHER], together: 2 });
    const config = await shown(stand, "CONFIG").finally(() => stand.close());
    expect(Number(config.max_client_conn?.value)).toBeGreaterThan(2 * 11);
  });
});

test("in somebody's own database all log in as one user, who has what the only user of a workload has", async () => {
  const one = TEXT.replaceAll(/user: (web|reports|crowd),/g, "user: web,");
  const stand = await openStand({ workload: read(one), database: NOWHERE, cells: [OWN] });
  const users = await shown(stand, "USERS").finally(() => stand.close());
  expect(users.owner).toMatchObject({ max_user_connections: 2 });
  expect(namesOf(read(one), OWN, NOWHERE).users).toEqual({ web: "owner" });
});

describe("what takes more users than there are is refused", () => {
  const one = TEXT.replaceAll(/user: (web|reports|crowd),/g, "user: web,");
  const bare = `name: users\npgbouncer: { pool_mode: transaction }`;
  // workload, several configurations, what is named
  const cases: [string, boolean, string | undefined][] = [
    [TEXT, false, "users.web.max_user_connections"],
    [one, false, undefined],
    [one, true, "users.web.max_user_connections"],
    [
      `${bare}\nusers: { crowd: { query_timeout: 3 } }\n${CLIENTS}`,
      false,
      "users.crowd.query_timeout",
    ],
    [`${bare}\nusers: { crowd: { pool_size: 3 } }\n${CLIENTS}`, true, undefined],
    [`${bare}\nusers: { nobody: { query_timeout: 3 } }\n${CLIENTS}`, false, undefined],
    [
      `${bare}\ndatabases: { app: { max_db_connections: 3 } }\n${CLIENTS}`,
      false,
      "databases.app.max_db_connections",
    ],
    [
      `${bare.replace("}", ", max_user_connections: 3 }")}\n${CLIENTS}`,
      false,
      "max_user_connections",
    ],
  ];
  for (const [text, several, name] of cases)
    test(`${name ?? "not refused"}${several ? ", several configurations" : ""}`, () => {
      const check = (): void => checkUsers(read(text), NOWHERE, several);
      if (name === undefined) expect(check).not.toThrow();
      else
        expect(check).toThrow(
          `users.yaml: ${name} cannot be played in somebody's own database, where all clients log in as owner`,
        );
    });
});

test("names that an ini or PostgreSQL cannot have become numbers", () => {
  const text = TEXT.replaceAll("user: web", 'user: "a b"').replaceAll("  web:", "  a b:");
  const database = { ...NOWHERE, server: {} as Database["server"] };
  expect(namesOf(read(text), OWN, database).users).toMatchObject({
    "a b": "own.1",
    reports: "own_reports",
  });
});

test("the pool in use is a part of what its database and its user may have", () => {
  const busy = `clients: [{ name: web, count: 40, think: 0 ms, transaction: { service: 5 ms } }]`;
  // limits, connections that are all in use, why
  for (const [limits, connections] of [
    ["", 20],
    ["databases: { app: { max_db_connections: 5 } }", 5],
    ["users: { app: { max_user_connections: 4 } }", 4],
  ] as const) {
    const pools = "pgbouncer: { pool_mode: transaction, default_pool_size: 20 }";
    const workload = read(
      `name: busy\n${pools}\n${limits}\nnetwork: { client: 0 ms, server: 0 ms }\n${busy}`,
    );
    const run = simulate(workload, { warmup: SECOND, duration: 2 * SECOND });
    expect(run.server_connections.max).toBe(connections);
    expect(run.utilization).toBeGreaterThan(0.99);
    expect(run.all.wait.quantile(0.5)).toBeGreaterThan(MILLISECOND);
  }
});
