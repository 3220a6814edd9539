/** A person's own database: used as it is, through `dsn` or DATABASE_URL, and left as it was. */
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ConfigError } from "../../engine/config/errors.ts";
import { embeddedPackage } from "../../workloads/database/embedded.ts";
import { type Database, OutsideError, resolveDatabase } from "../../workloads/database/index.ts";
import { databaseLimits } from "../../workloads/database/limits.ts";

const installed = (await embeddedPackage()) !== undefined;

describe.skipIf(!installed)("an own database (skipped: embedded package not installed)", () => {
  let server: Database;
  let dsn: string;
  beforeAll(async () => {
    server = await resolveDatabase({ env: { PATH: process.env.PATH } });
    dsn = `postgresql://postgres@${encodeURIComponent(server.host)}:${server.port}/postgres`;
  });
  afterAll(() => server.stop());

  async function inventory(): Promise<unknown> {
    const client = new pg.Client(dsn);
    await client.connect();
    const counts = ["pg_namespace", "pg_class", "pg_roles", "pg_database", "pg_db_role_setting"];
    const sql = counts.map((table) => `(select count(*) from ${table})`).join(", ");
    const { rows } = await client.query({ text: `select ${sql}`, rowMode: "array" });
    await client.end();
    return rows;
  }

  for (const way of ["dsn", "DATABASE_URL"] as const)
    test(`${way}: used, and left as it was`, async () => {
      const before = await inventory();
      const options = way === "dsn" ? { dsn, env: {} } : { env: { DATABASE_URL: dsn } };
      const database = await resolveDatabase(options);
      expect(database).toMatchObject({ source: "dsn", host: server.host, version: server.version });
      await database.stop();
      expect(await inventory()).toEqual(before);
    });

  test("its limits are those it was started with, and those of its users and databases", async () => {
    const client = new pg.Client(dsn);
    await client.connect();
    await client.query("create role seven login connection limit 7");
    await client.query("alter database template1 connection limit 9");
    await client.query("alter role postgres set statement_timeout = '90s'");
    const limits = await databaseLimits(dsn);
    await client.query("alter role postgres reset statement_timeout");
    await client.query("alter database template1 connection limit -1");
    await client.query("drop role seven");
    await client.end();
    expect(limits).toMatchObject({ max_connections: 205, reserved: 5 });
    expect([...limits.user_limits]).toEqual([["seven", 7]]);
    expect([...limits.database_limits]).toEqual([["template1", 9]]);
    expect(limits.timeouts).toMatchObject({
      statement_timeout: 90e9,
      idle_in_transaction_session_timeout: 0,
    });
  });

  test("the dsn option wins over DATABASE_URL", async () => {
    const env = { DATABASE_URL: "postgresql://nobody-listens:1/x" };
    const database = await resolveDatabase({ dsn, env });
    expect(database.host).toBe(server.host);
  });
});

test("no answer: the address is named, the password is not", async () => {
  const dsn = "postgresql://me:secret@127.0.0.1:1/shop";
  const failure = await resolveDatabase({ dsn, env: {} }).catch((error: Error) => error);
  expect(failure).toBeInstanceOf(OutsideError);
  expect(String(failure)).toContain("no answer from me@127.0.0.1:1/shop");
  expect(String(failure)).not.toContain("secret");
});

test("a malformed dsn is the user's error", async () => {
  await expect(resolveDatabase({ dsn: "shop", env: {} })).rejects.toThrow(ConfigError);
});
