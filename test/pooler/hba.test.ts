/** auth_type = hba and cert: the rule that fits decides, and certificates stand for users. */
import { mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Pooler } from "../../engine/pooler/main.ts";
import { Authority, HAS_OPENSSL, HAS_PSQL, type Pair } from "./certificates.ts";
import { psql } from "./psql.ts";
import { failure, Stage } from "./stage.ts";

let stage: Stage;
let users: string;
beforeAll(async () => {
  stage = await Stage.open();
  users = stage.file('"alice" "a"\n"bob" "b"\n"admin" ""\n');
});
afterAll(() => stage.close());

const settings = (rules: string) => ({
  auth_type: "hba",
  auth_hba_file: stage.file(rules),
  auth_file: users,
});

/** "in", or what the client is told. */
async function enter(pooler: Pooler, user: string, password: string, more = {}): Promise<string> {
  const joined = stage.client(pooler, { user, password, ...more });
  return await joined.then(
    () => "in",
    (error: Error) => error.message,
  );
}

test.each([
  // rules, user, password, what happens
  ["host all all 127.0.0.1/32 trust", "alice", "x", "in"],
  ["host all all 127.0.0.1/32 trust", "nobody", "x", '"trust" authentication failed'],
  ["host all all all password", "alice", "a", "in"],
  ["host all all all password", "alice", "x", "password authentication failed"],
  ["host all all all md5", "alice", "a", "in"],
  ["host all all all md5", "nobody", "a", "password authentication failed"],
  ["host all all all scram-sha-256", "alice", "a", "in"],
  ["host all all all scram-sha-256", "alice", "x", "SASL authentication failed"],
  ["host all bob all trust\nhost all all all reject", "alice", "a", "login rejected"],
  ["host all bob all trust\nhost all all all reject", "bob", "x", "in"],
  ["host other all all trust", "alice", "a", "no authentication method is found"],
  ["host all all 10.0.0.0/8 trust", "alice", "a", "no authentication method is found"],
  ["local all all trust", "alice", "a", "no authentication method is found"],
  ["hostssl all all all trust", "alice", "a", "no authentication method is found"],
  ["host all all all cert", "alice", "a", "certificate authentication failed"],
])("%j: %s with password %s -> %s", async (rules, user, password, want) => {
  expect(await enter(await stage.pooler(settings(rules)), user, password)).toBe(want);
});

test("local rules are for the Unix socket", async () => {
  const rules = settings("local all alice trust\nhost all all all reject");
  const pooler = await stage.pooler(rules);
  const { socket: host, port } = pooler.address;
  expect(await enter(pooler, "alice", "x", { host, port })).toBe("in");
  expect(await enter(pooler, "bob", "x", { host, port })).toBe("no authentication method is found");
  expect(await enter(pooler, "alice", "x")).toBe("login rejected");
});

test("a broken line is logged and left out; the others are in force", async () => {
  const { writeFileSync } = await import("node:fs");
  const rules = settings("host app alice all md5\nhost all all all trust");
  const pooler = await stage.pooler(rules);
  const console = await stage.console(pooler);
  expect(await enter(pooler, "alice", "x")).toBe("password authentication failed");
  writeFileSync(rules.auth_hba_file, "host all all trust\nhost all all all reject\n");
  await console.ask("reload");
  expect(await enter(pooler, "alice", "x")).toBe("login rejected");
  const place = rules.auth_hba_file.replaceAll("/", "\\/");
  const said = `WARNING could not parse hba config line 1: ${place}:1: address is "trust"; expected all`;
  expect(await stage.log()).toMatch(new RegExp(said));
  writeFileSync(rules.auth_hba_file, "host all all all trust\n");
  await console.ask("reload");
  expect(await enter(pooler, "alice", "x")).toBe("in");
});

test("without the name of a file of rules the pooler does not start", async () => {
  expect((await failure(stage.pooler({ auth_type: "hba" }))).message).toMatch(
    /auth_hba_file is missing; expected a file of rules; auth_type = hba needs it$/,
  );
});

test("without the file it starts, as PgBouncer does, and lets nobody in; RELOAD would not do that", async () => {
  const { rmSync, writeFileSync } = await import("node:fs");
  const rules = settings("");
  rmSync(rules.auth_hba_file);
  const pooler = await stage.pooler(rules);
  const said = `ERROR could not open hba config file ${rules.auth_hba_file}: No such file or directory`;
  expect(await stage.log()).toContain(said);
  expect(await enter(pooler, "alice", "x")).toBe("no authentication method is found");
  writeFileSync(rules.auth_hba_file, "host all all all trust\n");
  expect(pooler.reload()).toBe(true);
  expect(await enter(pooler, "alice", "x")).toBe("in");
  const console = await stage.console(pooler);
  rmSync(rules.auth_hba_file);
  await console.ask("set default_pool_size = 3"); // It does not read the rules again.
  expect(pooler.reload()).toBe(false);
  expect(await stage.log()).toMatch(/:\d+: auth_hba_file is ".*"; expected .*; could not open hba/);
  expect(await enter(pooler, "alice", "x")).toBe("in");
});

test("without the file of maps rules without a map are in force", async () => {
  const rules = { ...settings("host all all all trust"), auth_ident_file: "/no/maps" };
  expect(await enter(await stage.pooler(rules), "alice", "x")).toBe("in");
  const said = "ERROR could not open ident config file /no/maps: No such file or directory";
  expect(await stage.log()).toContain(said);
});

test("a rule with the method peer that lets nobody in does not open the door to the next", async () => {
  const auth_hba_file = stage.file(
    "local all all peer\nlocal all all trust\nhost all all all trust\n",
  );
  const pooler = await stage.pooler({ auth_type: "hba", auth_hba_file });
  const host = pooler.address.socket;
  const stranger = stage.client(pooler, { host, user: "alice" }); // That is no user of the system.
  expect((await failure(stranger)).message).toBe("unix socket login rejected");
  expect((await (await stage.client(pooler)).query("select 1 as one")).rows).toEqual([{ one: 1 }]);
});

describe.skipIf(!HAS_OPENSSL || !HAS_PSQL)("certificates", () => {
  let ours: Authority;
  let tls: Record<string, string>;
  let acme: Pair;
  let alice: Pair;
  beforeAll(() => {
    ours = new Authority(mkdtempSync(join(stage.directory, "ours-")), "Our CA");
    const site = ours.sign("localhost", "localhost");
    tls = {
      client_tls_key_file: site.key,
      client_tls_cert_file: site.cert,
      client_tls_ca_file: ours.root.cert,
    };
    acme = ours.sign("www.acme.org", "acme.org", "bob");
    alice = ours.sign("alice");
  });

  const show = async (pooler: Pooler, user: string, pair?: Pair): Promise<string> => {
    const { host, port } = pooler.address;
    const shown: Record<string, string> =
      pair === undefined ? {} : { sslkey: pair.key, sslcert: pair.cert };
    const place = { host, port, user, dbname: "app", sslmode: "require", ...shown };
    const said = await psql(place, "select 1");
    return said.out === "1" ? "in" : (/FATAL: +(.*)/.exec(said.error)?.[1] ?? said.error);
  };
  const REFUSED = "certificate authentication failed";

  test("hba: the name in it, or its map, decides", async () => {
    const rules = [
      "hostssl app alice all cert",
      "hostssl app all all cert map=people",
      "hostssl all all all reject",
    ].join("\n");
    const auth_ident_file = stage.file("people www.acme.org alice\npeople acme.org bob\n");
    const logfile = join(stage.directory, "log-cert");
    const base = { ...tls, ...settings(rules), auth_ident_file, logfile };
    const pooler = await stage.pooler({ ...base, client_tls_sslmode: "require" });
    expect(await show(pooler, "alice", alice)).toBe("in");
    expect(await show(pooler, "alice", acme)).toBe(REFUSED);
    expect(await show(pooler, "alice")).toBe(REFUSED);
    expect(await show(pooler, "bob", acme)).toBe("in");
    expect(await show(pooler, "bob", alice)).toBe(REFUSED);
    expect(await show(pooler, "nobody", acme)).toBe(REFUSED);
    const log = readFileSync(logfile, "utf8");
    for (const text of [
      "TLS certificate name mismatch",
      "TLS client certificate required",
      "ident map: people does not have a match",
    ])
      expect(log).toContain(text);
  });

  test("auth_type = cert: DNS names count as the common name does, and unknown users stay out", async () => {
    const base = { ...tls, auth_type: "cert", auth_file: users };
    const pooler = await stage.pooler({ ...base, client_tls_sslmode: "verify-full" });
    const everyone = ours.sign("*");
    expect(await show(pooler, "alice", alice)).toBe("in");
    expect(await show(pooler, "bob", acme)).toBe("in");
    expect(await show(pooler, "alice", acme)).toBe(REFUSED);
    expect(await show(pooler, "alice", everyone)).toBe(REFUSED);
    expect(await show(pooler, "alice", ours.sign("alice/CN=bob"))).toBe("in");
    expect(await show(pooler, "alice", ours.sign("bob/CN=alice"))).toBe(REFUSED);
    expect(await show(pooler, "www.acme.org", acme)).toBe(REFUSED);
  });
});
