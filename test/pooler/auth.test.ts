/** Logins: of clients to the pooler, of the pooler to servers, and what is said to strangers. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { query, startupMessage } from "../../engine/wire/writer.ts";
import { freePort } from "../../sim/study/live/pooler-process.ts";
import { Raw } from "./raw.ts";
import { failure, Stage } from "./stage.ts";

let stage: Stage;
const PASSWORD = "geheim ü";
const METHODS = ["password", "md5", "scram-sha-256"] as const;

/** Roles `<method>_user`, each of whom the server lets in by that method only. */
beforeAll(async () => {
  stage = await Stage.open();
  const direct = await stage.direct();
  for (const method of METHODS) {
    const encryption = method === "md5" ? "md5" : "scram-sha-256";
    await direct.query(`set password_encryption = '${encryption}'`);
    await direct.query(`create role "${method}_user" login password '${PASSWORD}'`);
  }
  const lines = METHODS.map((method) => `local all ${method}_user ${method}`);
  const [{ hba_file }] = (await direct.query("show hba_file")).rows;
  writeFileSync(hba_file, [...lines, "local all all trust", ""].join("\n"));
  await stage.reread();
});
afterAll(() => stage.close());

const md5 = (user: string): string =>
  `md5${createHash("md5")
    .update(PASSWORD + user)
    .digest("hex")}`;

/** An auth_file in which all roles have what `secret` says. */
function users(secret: (user: string) => string): string {
  const names = METHODS.map((method) => `${method}_user`);
  return stage.file(names.map((name) => `"${name}" "${secret(name)}"\n`).join(""));
}

async function secretOf(user: string): Promise<string> {
  const direct = await stage.direct();
  const answer = await direct.query("select rolpassword from pg_authid where rolname = $1", [user]);
  return answer.rows[0].rolpassword;
}

for (const auth_type of ["plain", "md5", "scram-sha-256"]) {
  for (const method of METHODS) {
    test(`client by ${auth_type}, server by ${method}: in with the password, out without`, async () => {
      const user = `${method}_user`;
      const pooler = await stage.pooler({ auth_type, auth_file: users(() => PASSWORD) });
      const client = await stage.client(pooler, { user, password: PASSWORD });
      expect((await client.query("select current_user as name")).rows).toEqual([{ name: user }]);
      const error = await failure(stage.client(pooler, { user, password: "wrong" }));
      const text =
        auth_type === "scram-sha-256"
          ? "SASL authentication failed"
          : "password authentication failed";
      expect([error.message, error.code]).toEqual([text, "08P01"]);
    });
  }
}

test("md5 secrets on both sides", async () => {
  const pooler = await stage.pooler({ auth_type: "md5", auth_file: users(md5) });
  const client = await stage.client(pooler, { user: "md5_user", password: PASSWORD });
  expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
});

test("a SCRAM secret: the keys of the client's login open the server", async () => {
  const user = "scram-sha-256_user";
  const secret = await secretOf(user);
  const auth_file = users(() => secret);
  for (const auth_type of ["scram-sha-256", "md5"]) {
    const pooler = await stage.pooler({ auth_type, auth_file });
    const client = await stage.client(pooler, { user, password: PASSWORD });
    expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  }
});

test("user= and password= of an entry: clients share that user's pool", async () => {
  const { host, port } = stage.database;
  const entry = `shared = host=${host} port=${port} dbname=postgres user=md5_user password='${PASSWORD}'`;
  const pooler = await stage.pooler({}, entry);
  for (const user of ["alice", "bob"]) {
    const client = await stage.client(pooler, { user, database: "shared" });
    expect((await client.query("select current_user as name")).rows).toEqual([
      { name: "md5_user" },
    ]);
  }
});

test("auth_type = any: everybody is the entry's user; without one it is an error", async () => {
  const { host, port } = stage.database;
  const entry = `shared = host=${host} port=${port} dbname=postgres user=bob`;
  const pooler = await stage.pooler({ auth_type: "any" }, entry);
  const client = await stage.client(pooler, { user: "whoever", database: "shared" });
  expect((await client.query("select current_user as name")).rows).toEqual([{ name: "bob" }]);
  const console = await stage.console(pooler);
  const shown = await console.ask("show clients");
  expect(shown.map(({ user }) => user).sort()).toEqual(["bob", "pgbouncer"]);
  const error = await failure(stage.client(pooler, { user: "whoever" }));
  expect(error.message).toBe("bouncer config error");
});

test("an unknown user is asked for a password like any other, and fails like any other", async () => {
  for (const auth_type of ["plain", "md5", "scram-sha-256"]) {
    const pooler = await stage.pooler({ auth_type });
    const error = await failure(stage.client(pooler, { user: "nobody", password: "x" }));
    expect(error.message).toMatch(/^(password|SASL) authentication failed$/);
    const place = await failure(
      stage.client(pooler, { user: "nobody", password: "x", database: "nowhere" }),
    );
    expect(place.message).toBe(error.message);
  }
  const trusting = await stage.pooler();
  const error = await failure(stage.client(trusting, { user: "nobody" }));
  expect(error.message).toBe('"trust" authentication failed');
});

test("a server's wrong password is the server's error, in its own words", async () => {
  const pooler = await stage.pooler({ auth_type: "trust", auth_file: users(() => "wrong") });
  const error = await failure(stage.client(pooler, { user: "scram-sha-256_user" }));
  expect(error.code).toBe("28P01");
  expect(error.message).toContain("password authentication failed for user");
});

test("the console: admins govern, stats users look, others stay out", async () => {
  const pooler = await stage.pooler({ stats_users: "bob" });
  const bob = await stage.client(pooler, { user: "bob", database: "pgbouncer" });
  expect((await bob.query("show pools")).rows.length).toBe(1);
  expect((await failure(bob.query("pause"))).message).toBe("admin access needed");
  const error = await failure(stage.client(pooler, { user: "alice", database: "pgbouncer" }));
  expect(error.message).toBe("not allowed");
  const stranger = await failure(stage.client(pooler, { user: "zed", database: "pgbouncer" }));
  expect(stranger.message).toBe('"trust" authentication failed');
});

test("user pgbouncer needs no password on a Unix socket in a private directory", async () => {
  const directory = join(stage.directory, "private");
  mkdirSync(directory, { mode: 0o700 });
  const pooler = await stage.pooler({ auth_type: "md5", unix_socket_dir: directory });
  const { port } = pooler.address;
  const owner = await Raw.login(pooler, "pgbouncer", "pgbouncer", true);
  owner.send(query("show version"));
  await owner.until("Z");
  expect(owner.types).toBe("TDCZ");
  const said = "login attempt: db=pgbouncer user=pgbouncer";
  expect(await stage.log()).toContain("pgbouncer access from unix socket");
  expect(await stage.log()).toMatch(
    new RegExp(`pgbouncer/pgbouncer@unix(\\(\\d+\\))?:${port} ${said}`),
  );
  owner.socket.destroy();
});

test("startup parameters: tracked ones apply, unknown ones are refused unless ignored", async () => {
  const pooler = await stage.pooler({ ignore_startup_parameters: "extra_float_digits" });
  const start = async (...parameters: [string, string][]): Promise<Raw> => {
    const raw = new Raw(pooler);
    raw.send(startupMessage([["user", "alice"], ["database", "app"], ...parameters]));
    await raw.until("Z");
    return raw;
  };
  const good = await start(["extra_float_digits", "3"], ["options", "-c timezone=Asia/Tokyo"]);
  good.send(query("show timezone"));
  await good.until("Z", 2);
  expect(good.messages.findLast(({ type }) => type === "D")?.body.toString("utf8", 6)).toBe(
    "Asia/Tokyo",
  );
  good.socket.destroy();
  const bad = await start(["geqo", "off"]);
  expect(bad.complaint).toBe("SFATAL C08P01 Munsupported startup parameter: geqo");
});

test("TLS and GSSAPI are declined, and the client goes on without, in the same connection", async () => {
  const socket = new Raw(await stage.pooler()).socket;
  const heard = async (): Promise<string> => String((await once(socket, "data"))[0]);
  for (const last of [48, 47]) {
    const answer = heard();
    socket.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, last]));
    expect(await answer).toBe("N");
  }
  const welcome = heard();
  socket.write(
    startupMessage([
      ["user", "alice"],
      ["database", "app"],
    ]),
  );
  expect((await welcome)[0]).toBe("R");
  socket.destroy();
});

test("a Unix socket serves as TCP does", async () => {
  const pooler = await stage.pooler({ listen_port: await freePort(), listen_addr: "" });
  const { socket, port } = pooler.address;
  const client = await stage.client(pooler, { host: socket, port });
  expect((await client.query("select $1::text as v", ["x"])).rows).toEqual([{ v: "x" }]);
});
