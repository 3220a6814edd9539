/**
 * Clients that people use, through the pooler in session and in transaction mode: what each does by
 * default, of which prepared statements and pools of their own are the delicate parts. psql and pgbench
 * are in `programs.test.ts`. What is not installed is skipped, and says so.
 */
import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import knexOf from "knex";
import pg from "pg";
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Pooler } from "../../engine/pooler/main.ts";
import { Stage } from "./stage.ts";

const run = promisify(execFile);

/** The Python that has psycopg2: Debian's, where there are several. */
const python = ["/usr/bin/python3", "python3"].find(
  (name) => spawnSync(name, ["-c", "import psycopg2"]).status === 0,
);
const reason = python === undefined ? ": skipped, there is no python3-psycopg2 here" : "";
if (reason !== "") process.stderr.write(`test/pooler/clients.test.ts: psycopg2${reason}\n`);

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
  const direct = await stage.direct();
  await direct.query("create table things (id int primary key, name text)");
});
afterAll(() => stage.close());

const MODES = ["session", "transaction"] as const;
/** More than there are servers. */
const CROWD = 12;
const many = Array.from({ length: CROWD }, (_, i) => i);

for (const pool_mode of MODES)
  describe(`${pool_mode} mode`, () => {
    let pooler: Pooler;
    let place: { host: string; port: number; user: string; database: string };
    beforeAll(async () => {
      pooler = await stage.pooler({ pool_mode, default_pool_size: 3, query_wait_timeout: 20 });
      const { host, port } = pooler.address;
      place = { host, port, user: stage.database.user, database: "app" };
    });

    test("node-postgres: its pool, parameters, named statements, transactions, errors", async () => {
      const pool = new pg.Pool({ ...place, max: 3 });
      const named = (n: number) => ({
        name: "twice",
        text: "select $1::int * 2 as n",
        values: [n],
      });
      const answers = await Promise.all(many.map((n) => pool.query(named(n))));
      expect(answers.map(({ rows }) => rows[0].n)).toEqual(many.map((n) => n * 2));
      const client = await pool.connect();
      await client.query("begin");
      await client.query("insert into things values ($1, $2)", [1, "pg"]);
      await expect(client.query("select 1/0")).rejects.toThrow("division by zero");
      await client.query("rollback");
      client.release();
      expect((await pool.query("select * from things")).rows).toEqual([]);
      await pool.end();
    });

    test("postgres.js: statements prepared by default, pipelined, transactions, errors", async () => {
      const sql = postgres({ ...place, max: 3, onnotice: () => undefined });
      const answers = await Promise.all(many.map((n) => sql`select ${n}::int * 2 as n`));
      expect(answers.map(([row]) => row?.n)).toEqual(many.map((n) => n * 2));
      const failed = sql.begin(async (own) => {
        await own`insert into things values (${2}, ${"postgres.js"})`;
        await own`select 1/0`;
      });
      await expect(failed).rejects.toThrow("division by zero");
      expect(await sql`select * from things`).toHaveLength(0);
      const seen: number[] = [];
      await sql`select generate_series(1, 25) as n`.cursor(10, (rows) => {
        seen.push(...rows.map((row) => row.n as number));
      });
      expect(seen).toHaveLength(25);
      await sql.end();
    });

    test("knex: queries that it builds, its pool, transactions", async () => {
      const knex = knexOf({ client: "pg", connection: place, pool: { min: 0, max: 3 } });
      const answers = await Promise.all(many.map((n) => knex.select(knex.raw("? * 2 as n", [n]))));
      expect(answers.map(([row]) => row.n)).toEqual(many.map((n) => n * 2));
      await knex.transaction(async (own) => {
        await own("things").insert([
          { id: 3, name: "knex" },
          { id: 4, name: "knex" },
        ]);
        await own("things").where({ id: 4 }).update({ name: "changed" });
      });
      expect(await knex("things").orderBy("id")).toEqual([
        { id: 3, name: "knex" },
        { id: 4, name: "changed" },
      ]);
      await knex("things").del();
      await knex.destroy();
    });

    test.skipIf(python === undefined)(
      `psycopg2: threads, cursors, transactions, COPY${reason}`,
      async () => {
        const dsn = `host=${place.host} port=${place.port} user=${place.user} dbname=app`;
        const { stdout } = await run(python as string, ["-c", PSYCOPG, dsn]);
        expect(stdout.trim().split("\n")).toEqual([
          "0 2 4 6 8 10 12 14 16 18 20 22",
          "division by zero",
          "2000 1999",
          "0",
        ]);
      },
    );
  });

/** Twelve threads, each with a connection; an error and its rollback; COPY in; all taken back. */
const PSYCOPG = `
import io, sys, threading, psycopg2
answers = {}
def ask(n):
    connection = psycopg2.connect(sys.argv[1])
    with connection, connection.cursor() as cursor:
        cursor.execute("select %s * 2", (n,))
        answers[n] = cursor.fetchone()[0]
    connection.close()
threads = [threading.Thread(target=ask, args=(n,)) for n in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(*[answers[n] for n in range(12)])
connection = psycopg2.connect(sys.argv[1])
cursor = connection.cursor()
try:
    cursor.execute("select 1/0")
except psycopg2.Error as error:
    print(error.diag.message_primary)
    connection.rollback()
rows = "".join(f"{n}\\tcopied\\n" for n in range(2000))
cursor.copy_from(io.StringIO(rows), "things")
cursor.execute("select count(*), max(id) from things")
print(*cursor.fetchone())
connection.rollback()
cursor.execute("select count(*) from things")
print(cursor.fetchone()[0])
connection.close()
`;
