/** LDAP authentication, against a server of our own: who comes in, what is asked, and what the log says. */
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ldapServers } from "../../engine/pooler/auth/ldap-servers.ts";
import type { Pooler } from "../../engine/pooler/main.ts";
import { Authority, HAS_OPENSSL, type Pair } from "./certificates.ts";
import { type Entries, LdapServer } from "./ldap-server.ts";
import { failure, Stage, until } from "./stage.ts";

const ENTRIES: Entries = {
  "uid=alice,dc=acme": { password: "wonder", attributes: ["uid=alice", "mail=alice"] },
  "uid=bob,ou=ß,dc=acme": { password: "b", attributes: ["uid=bob", "team=one"] },
  "cn=reader": { password: "r", attributes: [] },
  "uid=carol,dc=acme": { password: "c", attributes: ["team=one"] },
};
const FAILED = "LDAP authentication failed";

let stage: Stage;
let server: LdapServer;
beforeAll(async () => {
  stage = await Stage.open();
  server = await LdapServer.start(ENTRIES);
});
afterEach(() => {
  server.heard.length = 0;
  server.silent = false;
  server.searchCode = 0;
});
afterAll(async () => {
  server.close();
  await stage.close();
});

/** With nobody in auth_file. */
const settings = (auth_ldap_options: string) => ({
  auth_type: "ldap",
  auth_ldap_options,
  auth_file: stage.file('"admin" ""\n'),
});
const BIND = 'ldapprefix="uid=" ldapsuffix=",dc=acme"';
const here = (): string => `ldapserver=127.0.0.1 ldapport=${server.port}`;
const found = "bind |search dc=acme 2 (uid=alice)|unbind|bind uid=alice,dc=acme|unbind";

/** "in", or what the client is told. */
async function enter(pooler: Pooler, user: string, password: string, more = {}): Promise<string> {
  return await stage.client(pooler, { user, password, ...more }).then(
    () => "in",
    (error: Error) => error.message,
  );
}

const asked = () =>
  until(() => server.heard.at(-1) === "unbind").then(() => server.heard.join("|"));

describe("who comes in, and what the server is asked", () => {
  test.each([
    // options, user, password, what happens, what the server hears
    [BIND, "alice", "wonder", "in", "bind uid=alice,dc=acme|unbind"],
    [BIND, "alice", "x", FAILED, "bind uid=alice,dc=acme|unbind"],
    ["ldapbasedn=dc=acme", "alice", "wonder", "in", found],
    ["ldapbasedn=dc=acme", "alice", "x", FAILED, found],
    ["ldapbasedn=dc=acme", "nobody", "x", FAILED, "bind |search dc=acme 2 (uid=nobody)|unbind"],
    [
      "ldapbasedn=dc=acme ldapsearchattribute=uid ldapbinddn=cn=reader ldapbindpasswd=r",
      "bob",
      "b",
      "in",
      "bind cn=reader|search dc=acme 2 (uid=bob)|unbind|bind uid=bob,ou=ß,dc=acme|unbind",
    ],
    [
      "ldapbasedn=dc=acme ldapbinddn=cn=reader ldapbindpasswd=wrong",
      "bob",
      "b",
      FAILED,
      "bind cn=reader|unbind",
    ],
    [
      "ldapbasedn=dc=acme ldapsearchfilter=(|(uid=$username)(mail=$username))",
      "alice",
      "wonder",
      "in",
      found.replace("(uid=alice)", "(|(uid=alice)(mail=alice))"),
    ],
    [
      "ldapbasedn=dc=acme ldapsearchfilter=team=one",
      "bob",
      "b",
      FAILED,
      "bind |search dc=acme 2 (team=one)|unbind",
    ],
  ])("%s: %s with %s -> %s", async (options, user, password, want, heard) => {
    const pooler = await stage.pooler(settings(`${here()} ${options}`));
    expect(await enter(pooler, user, password)).toBe(want);
    expect(await asked()).toBe(heard);
    await pooler.close();
  });

  test("a URL names server, base, attribute, scope and filter", async () => {
    const url = `ldap://127.0.0.1:${server.port}/dc=acme??one?(mail=$username)`;
    const pooler = await stage.pooler(settings(`ldapurl="${url}"`));
    expect(await enter(pooler, "alice", "wonder")).toBe("in");
    expect(server.heard[1]).toBe("search dc=acme 1 (mail=alice)");
  });

  test("a server that cannot be reached is passed over, and so is one that DNS does not know", async () => {
    const hosts = `ldapserver="127.0.0.2 no-such-host.invalid 127.0.0.1" ldapport=${server.port}`;
    const pooler = await stage.pooler(settings(`${hosts} ${BIND}`));
    expect(await enter(pooler, "alice", "wonder")).toBe("in");
    expect(await enter(pooler, "alice", "x")).toBe(FAILED);
  });

  test("signs that mean something in a filter are refused unasked; names of methods are names", async () => {
    const pooler = await stage.pooler(settings(`${here()} ldapbasedn=dc=acme`));
    for (const user of ["*", "a)(uid=alice", "a\\2a", "a/b"])
      expect(await enter(pooler, user, "wonder")).toBe(FAILED);
    expect(server.heard).toEqual([]);
    const short = await stage.pooler(settings(`${here()} ldapprefix=PLA`));
    expect(await enter(short, "IN", "x")).toBe(FAILED);
    expect(server.heard[0]).toBe("bind PLAIN");
  });

  test("an empty password is none, of which no server is asked", async () => {
    const pooler = await stage.pooler(settings(`${here()} ${BIND}`));
    expect(await enter(pooler, "alice", "")).toMatch(/^empty password/);
    expect(server.heard).toEqual([]);
  });
});

describe("the words of the log", () => {
  const text = (options: string) => options.replace("PORT", String(server.port));
  test.each([
    // options, user, what is logged
    ["ldapserver=127.0.0.1 ldapport=PORT ldaphost=x", "alice", 'invalid LDAP option: "ldaphost"'],
    [
      `ldapserver=127.0.0.1 ldapport=PORT ${BIND}`,
      "alice",
      "LDAP login failed for user uid=alice,dc=acme on server 127.0.0.1: Invalid credentials",
    ],
    [
      "ldapserver=127.0.0.1 ldapport=PORT ldapbasedn=dc=acme",
      "who",
      'LDAP user "who" does not exist: LDAP search for filter "(uid=who)" on server "127.0.0.1" returned no entries.',
    ],
    [
      "ldapserver=127.0.0.1 ldapport=PORT ldapbasedn=dc=acme ldapsearchfilter=team=one",
      "bob",
      'LDAP user "bob" is not unique: LDAP search for filter "team=one" on server "127.0.0.1" returned 2 entries.',
    ],
    [
      "ldapserver=127.0.0.1 ldapport=PORT ldapbasedn=dc=acme ldapsearchfilter=(a",
      "bob",
      'could not search LDAP for filter "(a" on server "127.0.0.1": Bad search filter',
    ],
    [
      "ldapserver=127.0.0.1 ldapport=PORT ldapbasedn=dc=acme ldapbinddn=cn=x",
      "bob",
      'could not perform initial LDAP bind for ldapbinddn "cn=x" on server "127.0.0.1": Invalid credentials',
    ],
    [
      `ldapserver=127.0.0.1 ldapport=PORT ldaptls=1 ${BIND}`,
      "alice",
      "could not start LDAP TLS session: Protocol error, server: 127.0.0.1, port: PORT",
    ],
    [
      `ldapserver=127.0.0.2 ldapport=PORT ${BIND}`,
      "alice",
      "on server 127.0.0.2: Can't contact LDAP server (connect ECONNREFUSED 127.0.0.2:PORT)",
    ],
    ["ldapbasedn=ou=acme", "alice", "could not extract domain name from ldapbasedn"],
  ])("%s", async (options, user, want) => {
    const pooler = await stage.pooler(settings(text(options)));
    expect(await enter(pooler, user, "x")).toBe(FAILED);
    expect(await stage.log()).toContain(`WARNING C-`);
    expect(await stage.log()).toContain(text(want).replace(/:PORT/g, `:${server.port}`));
    await pooler.close();
  });

  test("a search that the server refuses", async () => {
    server.searchCode = 32;
    const pooler = await stage.pooler(settings(`${here()} ldapbasedn=dc=none`));
    expect(await enter(pooler, "alice", "x")).toBe(FAILED);
    expect(await stage.log()).toContain('on server "127.0.0.1": No such object');
  });

  test("without options nobody is asked for a password", async () => {
    const pooler = await stage.pooler({ auth_type: "ldap" });
    expect(await enter(pooler, "alice", "x")).toBe("auth_ldap_options is null");
  });
});

describe("rules", () => {
  test("of auth_hba_file have options of their own; the others stay what they are", async () => {
    const rules = `host all alice all ldap ${here()} ${BIND}\nhost all all all md5\n`;
    const auth_hba_file = stage.file(rules);
    const auth_file = stage.file('"bob" "secret"\n');
    const pooler = await stage.pooler({ auth_type: "hba", auth_hba_file, auth_file });
    expect(await enter(pooler, "alice", "wonder")).toBe("in");
    expect(await enter(pooler, "bob", "secret")).toBe("in");
    expect(await enter(pooler, "bob", "b")).toBe("password authentication failed");
  });

  test("that cannot be followed let nobody in, nor do they leave it to the next; the log says so", async () => {
    const auth_hba_file = stage.file("host all all all ldap x=y\nhost all all all trust\n");
    const pooler = await stage.pooler({ auth_type: "hba", auth_hba_file });
    expect(await enter(pooler, "alice", "wonder")).toBe(FAILED);
    const said = `${auth_hba_file}:1: this rule lets nobody in: invalid LDAP option: "x"`;
    expect(await stage.log()).toContain(said);
  });

  test("of LDAP and of auth_user of the same database are a contradiction", async () => {
    const { host, port } = stage.database;
    const more = `both = host=${host} port=${port} dbname=postgres auth_user=alice`;
    const pooler = await stage.pooler(settings(`${here()} ${BIND}`), more);
    const database = { database: "both" };
    expect(await enter(pooler, "alice", "wonder", database)).toBe("bouncer config error");
    expect(await stage.log()).toContain("LDAP can't be used together with database authentication");
    expect(await enter(pooler, "alice", "wonder")).toBe("in");
  });
});

describe("afterwards", () => {
  test("servers are shown the password that LDAP has approved of, whatever auth_file has", async () => {
    const auth_file = stage.file('"alice" "wonder"\n');
    const behind = await stage.pooler({ auth_type: "plain", auth_file });
    const { host, port } = behind.address;
    const base = settings(`${here()} ${BIND}`);
    const file = stage.file('"alice" "another"\n');
    const entry = `far = host=${host} port=${port} dbname=app`;
    const pooler = await stage.pooler({ ...base, auth_file: file }, entry);
    const client = await stage.client(pooler, {
      user: "alice",
      password: "wonder",
      database: "far",
    });
    expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  });

  test("the console is open to those whom admin_users names", async () => {
    const base = { ...settings(`${here()} ${BIND}`), admin_users: "alice" };
    const pooler = await stage.pooler(base);
    const console = { database: "pgbouncer" };
    expect(await enter(pooler, "alice", "wonder", console)).toBe("in");
    expect(await enter(pooler, "alice", "x", console)).toBe(FAILED);
    expect(await enter(pooler, "bob", "b", console)).toBe("not allowed");
  });

  test("a server that says nothing holds nobody beyond client_login_timeout, and is hung up on", async () => {
    server.silent = true;
    const base = settings(`${here()} ${BIND}`);
    const pooler = await stage.pooler({ ...base, client_login_timeout: 3 });
    const told = await failure(stage.client(pooler, { user: "alice", password: "wonder" }));
    expect(told.message).toBe("client_login_timeout");
    await until(() => server.open === 0);
    server.silent = false;
    expect(await enter(pooler, "alice", "wonder")).toBe("in");
  });

  test("a pooler that ends hangs up on a server that says nothing", async () => {
    const mute = await LdapServer.start(ENTRIES);
    mute.silent = true;
    const place = `ldapserver=127.0.0.1 ldapport=${mute.port}`;
    const pooler = await stage.pooler(settings(`${place} ${BIND}`));
    const waits = enter(pooler, "alice", "wonder");
    await until(() => mute.open > 0);
    await pooler.close();
    await until(() => mute.open === 0);
    expect(await waits).not.toBe("in");
    mute.close();
  });

  test("a question holds nobody else up; a server that hangs up has not said yes", async () => {
    const slow = await LdapServer.start(ENTRIES);
    slow.silent = true;
    const rule = `host all alice all ldap ldapserver=127.0.0.1 ldapport=${slow.port} ${BIND}`;
    const auth_hba_file = stage.file(`${rule}\nhost all all all trust\n`);
    const pooler = await stage.pooler({ auth_type: "hba", auth_hba_file });
    const waits = enter(pooler, "alice", "wonder");
    await until(() => slow.open > 0);
    const bob = await stage.client(pooler, { user: "bob" });
    expect((await bob.query("select 2 as two")).rows).toEqual([{ two: 2 }]);
    slow.close();
    expect(await waits).toBe(FAILED);
  });
});

describe.skipIf(!HAS_OPENSSL)("TLS", () => {
  let ours: Authority;
  let good: Pair;
  let bad: Pair;
  beforeAll(() => {
    ours = new Authority(mkdtempSync(join(stage.directory, "ldap-")), "Our CA");
    good = ours.sign("localhost", "localhost");
    bad = new Authority(mkdtempSync(join(stage.directory, "other-")), "Other").sign("localhost");
  });
  afterEach(() => {
    for (const name of ["LDAPCONF", "LDAPTLS_CACERT", "LDAPTLS_REQCERT"])
      Reflect.deleteProperty(process.env, name);
  });

  test.each([
    // ldaps, or StartTLS; whose certificate; ldap.conf; what happens
    [true, "good", "TLS_CACERT CA", "in"],
    [true, "good", "", FAILED],
    [true, "bad", "TLS_CACERT CA", FAILED],
    [true, "bad", "TLS_CACERT CA\ntls_reqcert never", "in"],
    [false, "good", "TLS_CACERT CA", "in"],
    [false, "good", "TLS_CACERT /no/such/file", FAILED],
    [false, "bad", "TLS_CACERT CA", FAILED],
    [false, "bad", "TLS_REQCERT allow", "in"],
  ])("ldaps %s, certificate %s, %j -> %s", async (secure, whose, conf, want) => {
    const pair = whose === "good" ? good : bad;
    const own = await LdapServer.start(ENTRIES, pair, secure);
    process.env.LDAPCONF = stage.file(
      conf.replace("CA\n", `${ours.root.cert}\n`).replace(/CA$/, ours.root.cert),
    );
    const how = secure ? "ldapscheme=ldaps" : "ldaptls=1";
    const place = `ldapserver=localhost ldapport=${own.port} ${how}`;
    const pooler = await stage.pooler(settings(`${place} ldapbasedn=dc=acme`));
    expect(await enter(pooler, "alice", "wonder")).toBe(want);
    if (want === "in" && !secure) expect(own.heard.slice(0, 2)).toEqual(["extended", "bind "]);
    own.close();
    await pooler.close();
  });

  test("what the environment says goes before the files", async () => {
    const own = await LdapServer.start(ENTRIES, good, true);
    process.env.LDAPCONF = stage.file("TLS_REQCERT never\n");
    const place = `ldapserver=localhost ldapport=${own.port} ldapscheme=ldaps`;
    const pooler = await stage.pooler(settings(`${place} ${BIND}`));
    expect(await enter(pooler, "alice", "wonder")).toBe("in");
    process.env.LDAPTLS_REQCERT = "demand";
    expect(await enter(pooler, "alice", "wonder")).toBe(FAILED);
    process.env.LDAPTLS_CACERT = ours.root.cert;
    expect(await enter(pooler, "alice", "wonder")).toBe("in");
    own.close();
  });
});

describe("servers", () => {
  const base = { scheme: "ldap", port: 389, tls: false, mode: "search", scope: "sub" } as const;
  const options = (hosts: string, where: string) =>
    ({ ...base, hosts, base: where, binddn: "", bindpasswd: "", filter: "" }) as const;
  const record = (name: string, port: number, priority: number, weight: number) => ({
    name,
    port,
    priority,
    weight,
  });
  const records: Record<string, ReturnType<typeof record>[]> = {
    "_ldap._tcp.acme.org": [record("c", 3, 2, 9), record("b", 2, 1, 1), record("a", 1, 1, 5)],
  };
  const lookUp = (name: string) =>
    records[name] === undefined ? Promise.reject(new Error(name)) : Promise.resolve(records[name]);
  const urls = async (hosts: string, where: string) =>
    (await ldapServers(options(hosts, where), lookUp)).map(({ url }) => url).join(" ");

  test.each([
    // hosts, base, where to ask
    ["a  b", "dc=x", "ldap://a:389 ldap://b:389"],
    ["[::1]", "dc=x", "ldap://[::1]:389"],
    ["::1", "dc=x", "ldap://[::1]:389"],
    ["", "ou=people, DC=acme , dc=org", "ldap://a:1 ldap://b:2 ldap://c:3"],
    ["", "dc=not,ou=people,dc=acme,dc=org", "ldap://a:1 ldap://b:2 ldap://c:3"],
  ])("%j below %s: %s", async (hosts, where, want) => {
    expect(await urls(hosts, where)).toBe(want);
  });

  test("there must be a domain, and DNS must know it", async () => {
    const other = await failure(urls("", "dc=other"));
    expect(other.message).toBe('LDAP authentication could not find DNS SRV records for "other"');
    const none = await failure(urls("", "dc=acme,ou=people"));
    expect(none.message).toBe("could not extract domain name from ldapbasedn");
  });
});
