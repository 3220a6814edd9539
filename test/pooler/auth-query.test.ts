/** Users whom auth_file does not name: their secrets come from a database, over the pooler's own servers. */
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Pooler } from "../../engine/pooler/main.ts";
import { failure, Stage } from "./stage.ts";

let stage: Stage;
let entry: string;
const PASSWORD = "geheim";

/** Roles md5_user, scram_user and old_user, whom the server asks for their passwords. */
beforeAll(async () => {
  stage = await Stage.open();
  const direct = await stage.direct();
  for (const [role, encryption, until] of [
    ["md5_user", "md5", "infinity"],
    ["scram_user", "scram-sha-256", "infinity"],
    ["old_user", "scram-sha-256", "1999-01-01"],
  ]) {
    await direct.query(`set password_encryption = '${encryption}'`);
    await direct.query(`create role ${role} login password '${PASSWORD}' valid until '${until}'`);
  }
  const [{ hba_file }] = (await direct.query("show hba_file")).rows;
  const asked = ["md5_user md5", "scram_user scram-sha-256"].map((rule) => `local all ${rule}`);
  writeFileSync(hba_file, [...asked, readFileSync(hba_file, "utf8")].join("\n"));
  await stage.reread();
  const { host, port } = stage.database;
  entry = `host=${host} port=${port} dbname=postgres`;
});
afterAll(() => stage.close());

/** A pooler whose auth_file names nobody but the console's user. */
async function asking(settings: Record<string, string | number> = {}, more = ""): Promise<Pooler> {
  const auth_user = stage.database.user;
  const auth_file = stage.file('"admin" "admin"\n');
  const all = { auth_type: "md5", auth_file, auth_user, ...settings };
  return await stage.pooler(all, more);
}

const admin = async (pooler: Pooler) =>
  await stage.client(pooler, { user: "admin", password: "admin", database: "pgbouncer" });

for (const auth_type of ["plain", "md5", "scram-sha-256"])
  for (const pool_mode of ["transaction", "session"])
    test(`auth_type ${auth_type}, ${pool_mode} mode: in with the password of the database`, async () => {
      const pooler = await asking({ auth_type, pool_mode });
      const users = auth_type === "scram-sha-256" ? ["scram_user"] : ["md5_user", "scram_user"];
      for (const user of users) {
        // A secret, not a password, is what is found: SCRAM keys come from the client's own login.
        if (auth_type === "plain" && user === "scram_user") continue;
        const client = await stage.client(pooler, { user, password: PASSWORD });
        const answer = await client.query("select current_user as name");
        expect(answer.rows).toEqual([{ name: user }]);
        const error = await failure(stage.client(pooler, { user, password: "wrong" }));
        expect([error.message, error.code]).toEqual([
          expect.stringMatching(/^(SASL|password) authentication failed$/),
          "08P01",
        ]);
      }
    });

test("the server is borrowed from the pool of auth_user and given back; only an assignment is counted", async () => {
  const pooler = await asking({ pool_mode: "session", default_pool_size: 1 });
  const console = await admin(pooler);
  for (let round = 1; round <= 3; round++) {
    const client = await stage.client(pooler, { user: "md5_user", password: PASSWORD });
    await client.query("select 1");
    await client.end();
    const pools = (await console.query("show pools")).rows;
    const lent = pools.find(({ user }) => user === stage.database.user);
    expect([
      lent.cl_active,
      lent.cl_waiting,
      lent.sv_active,
      lent.sv_idle + lent.sv_tested,
    ]).toEqual([0, 0, 0, 1]);
  }
  const [totals] = (await console.query("show stats_totals")).rows;
  // Three look-ups and three queries are six assignments, but three queries and three logins.
  expect([totals.server_assignment_count, totals.query_count, totals.client_login_count]).toEqual([
    "6",
    "3",
    "3",
  ]);
});

test("nobody, an expired password and a wrong query, each in PgBouncer's words", async () => {
  const pooler = await asking();
  const refusal = async (place: Pooler, user: string): Promise<string[]> => {
    const error = await failure(stage.client(place, { user, password: PASSWORD }));
    return [error.message, error.code ?? ""];
  };
  expect(await refusal(pooler, "nobody")).toEqual(["no such user", "08P01"]);
  expect(await refusal(pooler, "old_user")).toEqual(["password authentication failed", "08P01"]);
  for (const [auth_query, logged] of [
    ["select 1 where $1 <> ''", "closing because: expected 2 columns from auth_query, not 1"],
    ["select null, 'x' where $1 <> ''", "auth_query response contained null user name"],
    ["select a, b from no_such_table where a = $1", 'relation "no_such_table" does not exist'],
  ]) {
    const wrong = await asking({ auth_query: auth_query ?? "" });
    expect(await refusal(wrong, "md5_user")).toEqual(["bouncer config error", "08P01"]);
    expect(await stage.log()).toContain(logged);
  }
});

test("what was found for a user opens no server of an entry that names that user", async () => {
  const pooler = await asking({}, `forced = ${entry} user=scram_user`);
  const place = { user: "scram_user", password: PASSWORD, database: "forced" };
  const error = await failure(stage.client(pooler, place));
  expect([error.message, error.code]).toEqual([
    'password authentication failed for user "scram_user"',
    "28P01",
  ]);
});

test("auth_file comes first, and an unknown database is not asked", async () => {
  const auth_file = stage.file('"md5_user" "other"\n');
  const pooler = await asking({ auth_file });
  const error = await failure(stage.client(pooler, { user: "md5_user", password: PASSWORD }));
  expect(error.message).toBe("password authentication failed");
  const place = { user: "scram_user", password: PASSWORD, database: "nowhere" };
  expect((await failure(stage.client(pooler, place))).message).toBe(
    "password authentication failed",
  );
});

test("auth_dbname: another database, the reserved one, one that is missing, one that is disabled", async () => {
  const more = [
    `there = ${entry}`,
    `far = ${entry} auth_dbname=there auth_query='select $1::text, ''secret of far'''`,
    `self = ${entry} auth_dbname=pgbouncer`,
    `lost = ${entry} auth_dbname=no_such`,
  ].join("\n");
  const pooler = await asking({ auth_dbname: "there" }, more);
  const enter = async (database: string, password = PASSWORD): Promise<string> => {
    const user = database === "far" ? "alice" : "md5_user";
    const joined = stage.client(pooler, { user, password, database });
    return await joined.then(
      () => "in",
      (error: Error) => error.message,
    );
  };
  expect(await enter("app")).toBe("in");
  expect(await enter("far", "secret of far")).toBe("in");
  expect(await enter("self")).toBe("bouncer config error");
  expect(await enter("lost")).toBe("bouncer config error");
  const log = await stage.log();
  expect(log).toContain('cannot use the reserved "pgbouncer" database as an auth_dbname');
  expect(log).toContain('authentication database "no_such" is not configured');
  const console = await admin(pooler);
  const pools = (await console.query("show pools")).rows;
  expect(pools.map(({ database, user }) => `${database}/${user}`)).toContain(
    `there/${stage.database.user}`,
  );
  // What is done to a database lasts, whatever is set afterwards.
  await console.query("disable there");
  await console.query("set auth_type = 'plain'");
  expect(await enter("app")).toBe('authentication database "there" is disabled');
});

test("the console: users of the database may watch if stats_users names them", async () => {
  const pooler = await asking({ stats_users: "scram_user", auth_dbname: "app" });
  const watcher = await stage.client(pooler, {
    user: "scram_user",
    password: PASSWORD,
    database: "pgbouncer",
  });
  expect((await watcher.query("show version")).rows).toHaveLength(1);
  const alone = await asking({ stats_users: "scram_user" });
  const error = await failure(
    stage.client(alone, { user: "scram_user", password: PASSWORD, database: "pgbouncer" }),
  );
  expect(error.message).toBe("bouncer config error");
});

test("a look-up that hangs ends with client_login_timeout, and its server with it", async () => {
  const auth_query = "select $1::text, pg_sleep(60)::text";
  const pooler = await asking({ auth_query, client_login_timeout: 1 });
  const error = await failure(stage.client(pooler, { user: "md5_user", password: PASSWORD }));
  expect([error.message, error.code]).toEqual(["client_login_timeout", "08P01"]);
  expect((await (await admin(pooler)).query("show servers")).rows).toEqual([]);
});

test("look-ups queue for the pool of auth_user like clients, and all come in", async () => {
  const pooler = await asking({
    default_pool_size: 1,
    auth_query:
      "select $1::text, md5_of.secret from (select 'md5' || md5('geheim' || $1::text) as secret, pg_sleep(0.01)) md5_of",
  });
  const joined = Array.from({ length: 10 }, () =>
    stage.client(pooler, { user: "md5_user", password: PASSWORD }),
  );
  const clients = await Promise.all(joined);
  expect(clients).toHaveLength(10);
});

test("SCRAM: what was found logs servers in again after RECONNECT", async () => {
  const pooler = await asking({ auth_type: "scram-sha-256" });
  const client = await stage.client(pooler, { user: "scram_user", password: PASSWORD });
  const pid = async (): Promise<number> =>
    (await client.query("select pg_backend_pid() as pid")).rows[0].pid;
  const before = await pid();
  await (await admin(pooler)).query("reconnect");
  expect(await pid()).not.toBe(before);
});
