/** PostgreSQL's own programs through the pooler: psql and pgbench. Skipped where they are missing. */
import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Pooler } from "../../engine/pooler/main.ts";
import { Stage } from "./stage.ts";

const run = promisify(execFile);
const missing = ["psql", "pgbench"].filter(
  (name) => spawnSync(name, ["--version"]).error !== undefined,
);
const reason = missing.length > 0 ? `: skipped, there is no ${missing.join(" and no ")} here` : "";
if (reason !== "") process.stderr.write(`test/pooler/programs.test.ts${reason}\n`);

let stage: Stage;
beforeAll(async () => {
  if (missing.length > 0) return;
  stage = await Stage.open();
  const { host, port, user, database } = stage.database;
  await run("pgbench", ["-i", "-q", "-h", host, "-p", String(port), "-U", user, database]);
});
afterAll(() => stage?.close());

function psql(pooler: Pooler, database: string, ...more: string[]) {
  const { host, port } = pooler.address;
  const env = { ...process.env, PGCONNECT_TIMEOUT: "10" };
  const where = [
    "-X",
    "-A",
    "-t",
    "-h",
    host,
    "-p",
    String(port),
    "-U",
    stage.database.user,
    "-d",
    database,
  ];
  return run("psql", [...where, ...more], { env });
}

for (const pool_mode of ["session", "transaction", "statement"]) {
  for (const protocol of ["simple", "extended", "prepared"]) {
    test.skipIf(missing.length > 0)(
      `pgbench -M ${protocol} in ${pool_mode} mode${reason}`,
      async () => {
        // In session mode each client keeps its server, so that there must be one for each.
        const default_pool_size = pool_mode === "session" ? 8 : 3;
        const pooler = await stage.pooler({ pool_mode, default_pool_size });
        const { host, port } = pooler.address;
        const script = pool_mode === "statement" ? ["-S"] : [];
        const where = ["-h", host, "-p", String(port), "-U", stage.database.user, "app"];
        const { stdout } = await run("pgbench", [
          "-n",
          "-M",
          protocol,
          "-c",
          "8",
          // A thread for each client: pgbench 15 prepares with calls that block its thread, which
          // would wait for a server that the thread's other clients hold in their transactions.
          "-j",
          "8",
          "-t",
          "50",
          ...script,
          ...where,
        ]);
        expect(stdout).toContain("number of transactions actually processed: 400/400");
        expect(stdout).toContain("number of failed transactions: 0");
      },
    );
  }
}

test.skipIf(missing.length > 0)(
  `psql: queries, \\copy both ways, errors in a transaction${reason}`,
  async () => {
    const pooler = await stage.pooler({ default_pool_size: 1 });
    const numbers = Array.from({ length: 20_000 }, (_, index) => index + 1).join("\n");
    const input = stage.file(`${numbers}\n`);
    const output = stage.file("");
    const script = stage.file(`
    create table pooled_copy (n int);
    \\copy pooled_copy from '${input}'
    \\copy pooled_copy to '${output}'
    begin;
    select 1/0;
    select 1;
    rollback;
    select sum(n) from pooled_copy;
  `);
    const { stdout, stderr } = await psql(pooler, "app", "-f", script);
    expect(stdout).toContain("200010000");
    expect(stderr).toContain("division by zero");
    expect(stderr).toContain("current transaction is aborted");
    expect((await run("cmp", [input, output])).stdout).toBe("");
  },
);

test.skipIf(missing.length > 0)(
  `psql on the console: SHOW, PAUSE, RESUME, RELOAD${reason}`,
  async () => {
    const pooler = await stage.pooler({ admin_users: stage.database.user });
    const commands = ["show version", "pause", "resume", "reload", "show help"];
    const { stdout, stderr } = await psql(
      pooler,
      "pgbouncer",
      ...commands.flatMap((sql) => ["-c", sql]),
    );
    expect(stdout.split("\n").slice(0, 4)).toEqual([
      "PgBouncer 1.25.2",
      "PAUSE",
      "RESUME",
      "RELOAD",
    ]);
    expect(stderr).toContain("Console usage");
  },
);

test.skipIf(missing.length > 0)(
  `psql: Ctrl-C cancels what it runs, and only that${reason}`,
  async () => {
    const pooler = await stage.pooler({ default_pool_size: 2 });
    const other = await stage.client(pooler);
    const stays = other.query("select pg_sleep(1), 'done' as word");
    const running = psql(pooler, "app", "-c", "select pg_sleep(30)");
    await stage.busyWith("select pg_sleep(30)", 1);
    running.child.kill("SIGINT");
    const answer = await running.catch((error: { stderr: string }) => error);
    expect(answer.stderr).toContain("canceling statement due to user request");
    expect((await stays).rows[0].word).toBe("done");
  },
);
