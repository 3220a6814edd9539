/** A config in use: SHOW CONFIG, SET, RELOAD, what the core gets, what our pooler refuses. */
import { describe, expect, test } from "vitest";
import {
  applySet,
  type Config,
  ConfigError,
  configFrom,
  coreSettings,
  coreSettingsFrom,
  loadConfig,
  poolerNotes,
  poolerRefusals,
  reloadConfig,
  SETTINGS,
  settingValue,
  showConfig,
  sourceOf,
} from "../../engine/config/index.ts";
import { DEFAULTS } from "../../engine/core/settings.ts";
import { MILLISECOND, SECOND } from "../../engine/core/units.ts";

function load(text: string): Config {
  return loadConfig("a.ini", () => text);
}

/** Can the system's own calls be made? */
const none = (): boolean => false;
const some = (): boolean => true;

function message(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return "none";
}

describe("SHOW CONFIG", () => {
  const rows = showConfig(load("[pgbouncer]\nquery_wait_timeout = 0.25\nlog_stats = 2\n"));
  const row = (key: string) => rows.find((candidate) => candidate.key === key);

  test("has PgBouncer's 100 settings in alphabetical order", () => {
    const keys = rows.map(({ key }) => key);
    expect(keys).toHaveLength(100);
    expect(keys).toEqual([...keys].sort());
  });

  test.each([
    ["auth_user", null, null, "yes", "NULL where PgBouncer has none"],
    ["auth_hba_file", "", "", "yes", "empty is not NULL"],
    ["conffile", "a.ini", null, "yes", "the file that was loaded"],
    ["listen_port", "6432", "6432", "no", "needs a restart"],
    ["log_stats", "1", "1", "yes", "any number but 0 is true"],
    ["query_wait_timeout", "0.25", "120", "yes", "seconds"],
    ["unix_socket_mode", "511", "0777", "no", "the default as written, the value as a number"],
    ["verbose", "0", null, "yes", "a number without a default is 0"],
  ])("%s is %j, by default %j, changeable: %s: %s", (key, value, preset, changeable, _why) => {
    expect(row(key)).toEqual({ key, value, default: preset, changeable });
  });
});

test("every setting has a sentence and a source", () => {
  for (const [name, row] of Object.entries(SETTINGS)) {
    expect(row.doc, name).toMatch(/^[A-Z].*\.$/);
    expect(sourceOf(name as keyof typeof SETTINGS)).toMatch(/pgbouncer/i);
  }
});

describe("SET", () => {
  const config = load("[pgbouncer]\n");

  test("gives a new config and leaves the old as it is", () => {
    const changed = applySet(config, "default_pool_size", "7", none);
    expect(settingValue(changed, "default_pool_size")).toBe("7");
    expect(settingValue(config, "default_pool_size")).toBe("20");
  });

  test.each([
    [
      "listen_port",
      "1",
      "SET: listen_port cannot be changed while running; " +
        "expected a new value in the file, and a restart",
    ],
    [
      "defaultpoolsize",
      "1",
      "SET: defaultpoolsize is unknown; expected a setting of [pgbouncer]; " +
        'did you mean "default_pool_size"?',
    ],
    ["verbose", "x", 'SET: verbose is "x"; expected an integer from 0 to 2147483647'],
    ["syslog", "1", 'SET: syslog is "1"; expected 0: more takes Linux and the npm package koffi'],
  ])("%s = %s is refused", (key, text, want) => {
    expect(message(() => applySet(config, key, text, none))).toBe(want);
  });
});

describe("RELOAD", () => {
  const old = applySet(
    load("[pgbouncer]\nlisten_port = 1\nauth_file = u\nmin_pool_size = 1\n"),
    "default_pool_size",
    "7",
    none,
  );
  const fresh = reloadConfig(old, () => "[databases]\nx =\n[pgbouncer]\nlisten_port = 2\n");

  test.each([
    ["listen_port", "1", "needs a restart"],
    ["min_pool_size", "0", "left out: the default again"],
    ["default_pool_size", "20", "a SET does not last"],
    ["auth_file", "u", "left out and without default: as before"],
    ["conffile", "a.ini", "as before"],
  ] as const)("leaves %s at %s: %s", (name, want, _why) => {
    expect(settingValue(fresh, name)).toBe(want);
  });

  test("takes the entries of the file", () => {
    expect(fresh.databases.map(({ name }) => name)).toEqual(["x"]);
  });

  test.each([
    ["", 3, "not written any more: as before"],
    ["* = pool_size=7\n", 7, "written: the new one"],
  ])("takes `*` as PgBouncer does: %j gives %i: %s", (written, want, _why) => {
    const before = load("[databases]\n* = pool_size=3\n[pgbouncer]\n");
    const after = reloadConfig(before, () => `[databases]\n${written}[pgbouncer]\n`);
    expect(after.autodb?.pool_size).toBe(want);
  });

  test("reads the file that conffile names", () => {
    const moved = applySet(old, "conffile", "b.ini", none);
    expect(message(() => reloadConfig(moved, (path) => `[${path}]`))).toContain("b.ini:1");
  });
});

describe("what the core gets", () => {
  test("an empty file gives the core's own defaults", () => {
    expect(coreSettings(load("[pgbouncer]\n"))).toEqual({
      ...DEFAULTS,
      databases: [],
      users: [],
      autodb: undefined,
    });
  });

  test("times are ns and an empty query is none", () => {
    const settings = coreSettings(
      load("[pgbouncer]\nserver_check_query=\nserver_lifetime=0.5\nquery_wait_notify=2\n"),
    );
    expect(settings.server_check_query).toBe(false);
    expect(settings.server_lifetime).toBe(500 * MILLISECOND);
    expect(settings.query_wait_notify).toBe(2 * SECOND);
  });

  test("a time beyond the core's clock is cut to its end", () => {
    const settings = coreSettingsFrom({ server_lifetime: 1e9 });
    expect(settings.server_lifetime).toBe(Number.MAX_SAFE_INTEGER);
  });

  test("0 in an entry means what PgBouncer makes of it, off or inherited", () => {
    const { databases, users } = coreSettings(
      load(
        "[databases]\nx = pool_size=0 min_pool_size=0 query_wait_timeout=0 max_db_connections=0 " +
          "max_db_client_connections=0 server_lifetime=0 user=u\n" +
          "[users]\nu = pool_size=0 max_user_connections=0 query_timeout=0\n[pgbouncer]\n",
      ),
    );
    expect(databases[0]).toMatchObject({
      name: "x",
      forced_user: "u",
      pool_size: 0,
      min_pool_size: 0,
      query_wait_timeout: 0,
      max_db_connections: undefined,
      max_db_client_connections: undefined,
      server_lifetime: undefined,
    });
    expect(users[0]).toMatchObject({
      pool_size: 0,
      max_user_connections: undefined,
      query_timeout: undefined,
      pool_mode: undefined,
    });
  });

  test.each([
    ["port=1", true, "another server"],
    ["dbname=y", true, "another database"],
    ["user=u", true, "another user"],
    ["connect_query=x", true, "another state of the connection"],
    ["dbname=x", false, "the name it has anyway"],
    ["pool_size=1", false, "sizes need no new connection"],
    ["password=p", false, "PgBouncer does not look at it"],
  ])("target: %s makes it another one: %s: %s", (keys, want, _why) => {
    const [plain, other] = ["", keys].map(
      (text) => coreSettings(load(`[databases]\nx = ${text}\n[pgbouncer]\n`)).databases[0]?.target,
    );
    expect(plain !== other).toBe(want);
  });

  test.each(["", "port=1", "dbname=y"])("target: the same for x = %s as for `*`", (keys) => {
    const found = coreSettings(load(`[databases]\nx = ${keys}\n* = ${keys}\n[pgbouncer]\n`));
    expect(found.autodb?.target).toBe(found.databases[0]?.target);
  });

  test.each([
    ["", false, "where it is written does not count"],
    ["port=1", true, "everything else does"],
    ["pool_size=1", true, "everything else does"],
    ["application_name=x", true, "also what the scheduler does not know"],
    ["password=secret", false, "but for the password, which must not come into a journal"],
  ])("text of `*`: %j makes it another one: %s: %s", (keys, want, _why) => {
    const [plain, other] = ["[databases]\n* =", `\n[databases]\n* = ${keys}`].map(
      (text) => coreSettings(load(`${text}\n[pgbouncer]\n`)).autodb?.text,
    );
    expect(plain !== other).toBe(want);
  });
});

describe("a workload's own words", () => {
  test("are PgBouncer's names and units; durations may carry theirs", () => {
    const settings = coreSettingsFrom(
      { pool_mode: "transaction", query_wait_timeout: 10, server_idle_timeout: "500 ms" },
      { shop: { pool_size: 60, query_wait_timeout: "2 s" }, "*": { pool_mode: "session" } },
      { ann: { query_timeout: "1 min" } },
    );
    expect(settings.pool_mode).toBe("transaction");
    expect(settings.query_wait_timeout).toBe(10 * SECOND);
    expect(settings.server_idle_timeout).toBe(500 * MILLISECOND);
    expect(settings.databases[0]).toMatchObject({ pool_size: 60, query_wait_timeout: 2 * SECOND });
    expect(settings.databases).toHaveLength(1);
    expect(settings.autodb?.pool_mode).toBe("session");
    expect(settings.users[0]?.query_timeout).toBe(60 * SECOND);
  });

  test("are laid upon a file's", () => {
    const base = load("[databases]\na =\nb = pool_size=1\n* =\n[pgbouncer]\nverbose=2\n");
    const config = configFrom({ verbose: 1 }, { b: { pool_size: 2 } }, {}, { base });
    expect(config.values.verbose).toBe(1);
    expect(config.databases.map(({ name, pool_size }) => [name, pool_size])).toEqual([
      ["a", null],
      ["b", 2],
    ]);
    expect(config.autodb).toBeDefined();
    expect(base.values.verbose).toBe(2);
  });

  const place = (...path: string[]) => `web.yaml (${path.join("/")})`;
  test.each([
    [
      { pool_size: 5 },
      {},
      "web.yaml (pgbouncer/pool_size): pool_size is unknown; expected a setting of [pgbouncer]; " +
        'did you mean "default_pool_size"?',
    ],
    [
      { query_wait_timeout: "10 parsec" },
      {},
      'web.yaml (pgbouncer/query_wait_timeout): query_wait_timeout is "10 parsec"; ' +
        "expected seconds from 0 to 18446744073709",
    ],
    [
      { query_wait_notify: "500 ms" },
      {},
      'web.yaml (pgbouncer/query_wait_notify): query_wait_notify is "500 ms"; ' +
        "expected whole seconds from 0 to 2147483647",
    ],
    [
      {},
      { shop: { pool_size: 1.5 } },
      'web.yaml (databases/shop/pool_size): pool_size of database shop is "1.5"; ' +
        "expected an integer from 0 to 2147483647",
    ],
    [
      {},
      { pgbouncer: {} },
      'web.yaml (databases/pgbouncer): database is "pgbouncer"; ' +
        "expected another name: this one is the console's",
    ],
  ])("%j %j are refused where they were written", (settings, databases, want) => {
    expect(message(() => configFrom(settings, databases, {}, { place }))).toBe(want);
  });
});

describe("what our pooler cannot do", () => {
  test.each([
    ["auth_type = pam", 'a.ini:2: auth_type is "pam"; expected any | trust | plain | md5 |'],
    ["client_tls_dheparams = legacy", 'a.ini:2: client_tls_dheparams is "legacy"; expected auto'],
    ["[databases]\nx = host=a,", 'a.ini:3: host of database x is "a,"; expected names between'],
  ])("%j is refused by name", (text, want) => {
    const refusals = poolerRefusals(load(`[pgbouncer]\n${text}\n`), none);
    expect(refusals.map((refusal) => refusal.message)).toEqual([expect.stringContaining(want)]);
  });

  test.each([
    "server_tls_sslmode = disable",
    "server_tls_sslmode = Prefer",
    "syslog = 0",
    "so_reuseport = 0x0",
    "auth_hba_file =",
    "auth_type = scram-sha-256",
    "auth_type = ldap",
    "auth_ldap_options = ldapserver=h ldapprefix=u",
    "[databases]\nx = host=a load_balance_hosts=disable",
  ])("%j is taken, because nothing is missed", (text) => {
    expect(poolerRefusals(load(`[pgbouncer]\n${text}\n`), none)).toEqual([]);
  });

  test("every default is taken", () => {
    const text = showConfig(load("[pgbouncer]\n")).flatMap((row) =>
      row.default === null ? [] : [`${row.key} = ${row.default}`],
    );
    expect(poolerRefusals(load(`[pgbouncer]\n${text.join("\n")}\n`), none)).toEqual([]);
  });

  test("a setting that changes nothing is noted", () => {
    expect(poolerNotes(load("[pgbouncer]\npkt_buf = 1\nverbose = 1\n"), none)).toEqual([
      "a.ini:2: pkt_buf has no effect: Node.js manages its own buffers",
    ]);
  });

  describe("without system calls", () => {
    const koffi = "takes Linux and the npm package koffi";
    test.each([
      // setting, refusal, note
      ["tcp_user_timeout = 0", undefined, undefined],
      [
        "tcp_user_timeout = 10",
        `a.ini:2: tcp_user_timeout is "10"; expected 0: more ${koffi}`,
        undefined,
      ],
      ["tcp_keepcnt = 0", undefined, undefined],
      [
        "tcp_keepcnt = 3",
        undefined,
        `a.ini:2: tcp_keepcnt has no effect: the operating system's value holds, as another ${koffi}`,
      ],
    ])("%s: %s, %s", (text, refusal, note) => {
      const config = load(`[pgbouncer]\n${text}\n`);
      const messages = poolerRefusals(config, none).map((error) => error.message);
      expect([messages[0], poolerNotes(config, none)[0]]).toEqual([refusal, note]);
      expect([poolerRefusals(config, some), poolerNotes(config, some)]).toEqual([[], []]);
    });

    test("whether there are any is asked only where a setting needs one", () => {
      let asked = 0;
      const calls = (): boolean => {
        asked++;
        return true;
      };
      const idle = load("[pgbouncer]\ntcp_keepcnt = 0\ntcp_user_timeout = 0\nsyslog = 0\n");
      expect([poolerRefusals(idle, calls), poolerNotes(idle, calls), asked]).toEqual([[], [], 0]);
      poolerRefusals(load("[pgbouncer]\ntcp_user_timeout = 1\n"), calls);
      expect(asked).toBe(1);
    });
  });
});
