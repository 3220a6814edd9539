/**
 * `live` and `validate` through a pooler that runs already: its configuration is read from its console,
 * or taken from the workload file where there is none for that user.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openRunning } from "../../sim/study/live/running.ts";
import { liveResultSchema, resultSchema } from "../../sim/study/results/index.ts";
import { parseWorkload } from "../../workloads/schema/load.ts";
import { Folder, inThisProcess } from "../cli/poolwise.ts";
import { NO_PGBOUNCER, PGBOUNCER } from "../pgbouncer.ts";
import { type Running, Stage } from "./stage.ts";

const folder = new Folder();
const WORKLOAD = `name: steady
pgbouncer: { pool_mode: session, default_pool_size: 9 }
clients:
  - name: web
    count: 12
    think: { exponential: 10 ms }
    transaction: { service: { exponential: 8 ms } }
`;
const file = folder.file("steady.yaml", WORKLOAD);
const preparing = folder.file(
  "preparing.yaml",
  WORKLOAD.replace("count: 12", "count: 12\n    prepared: { statements: 3, parse: 1 ms }"),
);

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(async () => {
  await stage?.close();
  folder.remove();
});

const SETTINGS = { pool_mode: "transaction", default_pool_size: 3, query_wait_timeout: 30 };
const dsn = ({ host, port, user }: Running["admin"], database: string): string =>
  `host=${host} port=${port} user=${user} dbname=${database}`;
const short = ["--duration", "1500 ms", "--warmup", "300 ms", "--json", "--quiet"];

for (const [name, pgbouncer, reason] of [
  ["our pooler", undefined, ""],
  ["PgBouncer", PGBOUNCER, NO_PGBOUNCER],
] as const)
  describe.skipIf(reason !== "")(`${name}, running already`, () => {
    let running: Running;
    beforeAll(async () => {
      running = await stage.pooler({ settings: SETTINGS, entry: "pool_size=4", pgbouncer });
    });
    afterAll(async () => {
      await running?.stop();
    });

    test("live: mode and size are the pooler's, not the file's; its console is watched", async () => {
      const args = ["live", file, "--pooler-dsn", dsn(running.admin, "app"), ...short];
      const { status, stdout, stderr } = await inThisProcess(args);
      expect([status, stderr]).toEqual([0, ""]);
      const result = liveResultSchema.parse(JSON.parse(stdout));
      const [run] = result.runs;
      expect(run).toMatchObject({ pool_mode: "transaction", pool_size: 4, measured_s: 1.5 });
      expect(run?.server_connections.max).toBe(4);
      expect(run?.transactions).toBeGreaterThan(50);
      expect(run?.errors).toEqual({});
      expect(result.notes?.join()).toContain("its console shows");
    });

    test("live: prepared statements are played if its console says that it looks after them", async () => {
      const config = await running.tell("SHOW CONFIG");
      const kept = config.find((row) => row.key === "max_prepared_statements")?.value ?? "0";
      const args = ["live", preparing, "--pooler-dsn", dsn(running.admin, "app"), ...short];
      const { status, stdout, stderr } = await inThisProcess(args);
      expect(status).toBe(kept === "0" ? 2 : 0);
      if (kept === "0") expect(stderr).toContain('max_prepared_statements is "0"');
      else expect(liveResultSchema.parse(JSON.parse(stdout)).runs[0]?.errors).toEqual({});
    });

    for (const direct of [true, false])
      test(`validate: its one configuration (the database itself known: ${direct})`, async () => {
        const { host, port, user, database } = stage.database;
        const itself = ["--dsn", `host=${host} port=${port} user=${user} dbname=${database}`];
        const place = ["--pooler-dsn", dsn(running.admin, "app"), ...(direct ? itself : [])];
        const args = ["validate", file, ...place, "--repeats", "1", ...short];
        const { status, stdout, stderr } = await inThisProcess(args);
        expect(stderr).toBe("");
        const result = resultSchema.parse(JSON.parse(stdout));
        expect(status).toBe(result.verdict === "pass" ? 0 : 1);
        const [only, ...others] = result.validations ?? [];
        expect(others).toEqual([]);
        expect(only).toMatchObject({ pool_mode: "transaction", pool_size: 4, errors: {} });
        expect(only?.live["response_ms.mean"]).toBeGreaterThan(8);
        expect(only?.live.utilization).toBeGreaterThan(0.8);
        // Had the file's pools been predicted, of nine connections, it would be 0.6. Waits say less: on a
        // busy machine most are shorter than what can be seen.
        expect(only?.predicted.utilization).toBeGreaterThan(0.9);
        expect(result.notes?.some((text) => text.startsWith("server.connect_time is the"))).toBe(
          !direct,
        );
      });
  });

test("limits of users, of databases and of their clients are the console's too", async () => {
  const { user } = stage.database;
  const running = await stage.pooler({
    settings: { ...SETTINGS, max_db_client_connections: 7 },
    entry: "max_db_connections=5",
    users: { [user]: "max_user_connections=2 max_user_client_connections=6" },
  });
  try {
    const pooler = { ...running.admin, database: "app" };
    const text = `${WORKLOAD}  - { name: jobs, user: jobs, count: 1, think: 1 s, transaction: { service: 1 ms } }\n`;
    const stand = await openRunning({ workload: parseWorkload(text, "two.yaml"), pooler });
    const { settings } = stand.workloadOf(stand.cell);
    const [databases, users] = [settings.databases, settings.users];
    expect(databases).toMatchObject([{ max_db_connections: 5, max_db_client_connections: 7 }]);
    expect(users).toMatchObject([{ max_user_connections: 2, max_user_client_connections: 6 }]);
    expect(stand.connections(stand.cell)).toBe(2);
    expect(stand.notes.join()).toContain(`all clients log in as ${user}`);
  } finally {
    await running.stop();
  }
});

describe("a user who may not use the console", () => {
  let running: Running;
  beforeAll(async () => {
    const settings = {
      ...SETTINGS,
      pool_mode: "session",
      default_pool_size: 12,
      admin_users: "boss",
    };
    running = await stage.pooler({ settings });
  });
  afterAll(async () => {
    await running?.stop();
  });

  test("live: the file's settings are believed, and it is told; what nobody saw is null", async () => {
    const args = ["live", file, "--pooler-dsn", dsn(running.admin, "app"), ...short];
    const { status, stdout } = await inThisProcess(args);
    const result = liveResultSchema.parse(JSON.parse(stdout));
    expect(status).toBe(0);
    expect(result.notes?.join()).toContain("taken from the workload file");
    expect(result.runs[0]).toMatchObject({
      pool_mode: "session",
      pool_size: 9,
      utilization: null,
      server_connections: { mean: null, max: null, opened: null },
    });
  });

  test("the same as text: no line without a figure", async () => {
    const args = ["live", file, "--pooler-dsn", dsn(running.admin, "app"), ...short.slice(0, 4)];
    const { status, stdout, stderr } = await inThisProcess(args);
    expect(status).toBe(0);
    expect(stdout).toContain("wait, p99");
    expect(stdout).not.toMatch(/NaN|multiplexing|memory/);
    expect(stderr).toContain("note: no console");
  });
});
