/** pgbouncer.ini: what is read, and what is said about what cannot be read. */
import { expect, test } from "vitest";
import { ConfigError } from "../../engine/config/errors.ts";
import { settingValue } from "../../engine/config/index.ts";
import { type Config, parseIni, printIni } from "../../engine/config/ini.ts";
import { MILLISECOND, SECOND } from "../../engine/core/units.ts";

/** Files of a disk that exists only here. */
function disk(files: Record<string, string>) {
  return (path: string) => {
    const text = files[path];
    if (text === undefined) throw new Error(`ENOENT: no such file, open '${path}'`);
    return text;
  };
}

function parse(text: string, more: Record<string, string> = {}): Config {
  return parseIni("a.ini", disk({ "a.ini": text, ...more }));
}

function complaint(text: string, more: Record<string, string> = {}): string {
  try {
    parse(text, more);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return "none";
}

test("settings, comments, blank lines and Windows line ends are read", () => {
  const { values, given } = parse(
    "; first\r\n\r\n[pgbouncer]\r\n# second\r\npool_mode = Transaction\r\n\tlisten_port=0x10\r\n" +
      "server_lifetime = 0.5\nunix_socket_mode = 0700\nserver_reset_query =\nauth_file =\n",
  );
  expect(values.pool_mode).toBe("transaction");
  expect(values.listen_port).toBe(16);
  expect(values.server_lifetime).toBe(500 * MILLISECOND);
  expect(values.unix_socket_mode).toBe(0o700);
  expect(values.server_reset_query).toBe("");
  expect(values.auth_file).toBe("");
  expect(values.auth_user).toBeNull();
  expect(given.get("listen_port")).toBe("a.ini:6");
});

test("the later of two lines for one setting holds", () => {
  expect(parse("[pgbouncer]\nverbose=1\nverbose=2\n").values.verbose).toBe(2);
});

test("a second [pgbouncer] starts from the defaults again, except where there is none", () => {
  const { values, given } = parse(
    "[pgbouncer]\nlisten_port = 1\nauth_file = u\n[pgbouncer]\nverbose=1\n",
  );
  expect(values.listen_port).toBe(6432);
  expect(values.auth_file).toBe("u");
  expect([...given.keys()]).toEqual(["auth_file", "verbose"]);
});

test("databases take quoted values, doubled quotes, an old name and the entry *", () => {
  const { databases, autodb } = parse(
    "[databases]\napp = host=h port=1 dbname = 'a b' connect_query='set x to ''y'' '  user=u\n" +
      "'odd name' = reserve_pool=3 pool_size=010 query_wait_timeout=2\n* = host=/tmp\nplain =\n" +
      "[pgbouncer]\n",
  );
  expect(databases.map(({ name }) => name)).toEqual(["app", "odd name", "plain"]);
  expect(databases[0]).toMatchObject({ host: "h", port: 1, dbname: "a b", user: "u" });
  expect(databases[0]).toMatchObject({ connect_query: "set x to 'y' ", pool_size: null });
  expect(databases[1]).toMatchObject({ reserve_pool_size: 3, pool_size: 10, port: 5432 });
  expect(databases[1]?.query_wait_timeout).toBe(2 * SECOND);
  expect(autodb).toMatchObject({ name: "*", host: "/tmp", at: "a.ini:4" });
});

test("users and peers are read", () => {
  const { users, peers } = parse(
    "[users]\nann = pool_mode=session query_timeout=3\n[peers]\n1 = host=h\n[pgbouncer]\n",
  );
  expect(users[0]).toMatchObject({ name: "ann", pool_mode: "session", query_timeout: 3 * SECOND });
  expect(peers[0]).toMatchObject({ name: "1", host: "h", port: 6432, pool_size: null });
});

test("an included file continues the section, may open another, and errors name it", () => {
  const { values, databases } = parse("[pgbouncer]\n%include b.ini\nx = port=1\n", {
    "b.ini": "verbose = 2\n[databases]\n",
  });
  expect(values.verbose).toBe(2);
  expect(databases[0]?.name).toBe("x");
  expect(complaint("[pgbouncer]\n%include b.ini\n", { "b.ini": "\nverbose = x" })).toBe(
    'b.ini:2: verbose is "x"; expected an integer from 0 to 2147483647',
  );
});

const complaints: [string, string, string][] = [
  [
    "[pgbouncer]\npool_mode = trans",
    'a.ini:2: pool_mode is "trans"; expected session | transaction | statement; ' +
      'did you mean "transaction"?',
    "the nearest word is offered",
  ],
  [
    "[pgbouncer]\npool_mod = session",
    'a.ini:2: pool_mod is unknown; expected a setting of [pgbouncer]; did you mean "pool_mode"?',
    "the nearest name is offered",
  ],
  [
    "[pgbouncer]\npool_size = 5",
    "a.ini:2: pool_size is unknown; expected a setting of [pgbouncer]; " +
      'did you mean "default_pool_size"?',
    "the global name of a database's key is offered",
  ],
  [
    "[pgbouncer]\nhost = x",
    "a.ini:2: host is unknown; expected a setting of [pgbouncer]; " +
      "it is a key of the entries of [databases]",
    "the right section is named",
  ],
  [
    "[pgbouncer]\n__proto__ = 1",
    "a.ini:2: __proto__ is unknown; expected a setting of [pgbouncer]",
    "no name of JavaScript's own is a setting",
  ],
  [
    "[pgbouncer]\nlisten_port = 5432 ; the usual",
    'a.ini:2: listen_port is "5432 ; the usual"; expected an integer from 0 to 65535; ' +
      "a comment needs a line of its own",
    "values run to the end of the line",
  ],
  [
    "[pgbouncer]\nauth_dbname = pgbouncer",
    'a.ini:2: auth_dbname is "pgbouncer"; expected another database; cannot use the reserved "pgbouncer" database as an auth_dbname',
    "the console has no users to look up",
  ],
  [
    "[pgbouncr]",
    "a.ini:1: [pgbouncr] is unknown; expected [pgbouncer] | [databases] | [users] | [peers]; " +
      'did you mean "[pgbouncer]"?',
    "an unknown section is an error even when empty",
  ],
  ["[users]\n", "a.ini: [pgbouncer] is missing; expected a section of that name", "as PgBouncer"],
  [
    "verbose = 1",
    "a.ini:1: verbose is in no section; expected a section such as [pgbouncer] above it",
    "as PgBouncer",
  ],
  [
    "[pgbouncer]\nverbose",
    'a.ini:2: line is "verbose"; expected "key = value", "[section]", a comment or "%include file"',
    "a line has to be one of these",
  ],
  [
    "[databases]\npgbouncer = port=1",
    'a.ini:2: database is "pgbouncer"; expected another name: this one is the console\'s',
    "the name is reserved",
  ],
  [
    "[databases]\nshop = pool_sise=1",
    'a.ini:2: pool_sise is unknown; expected a key of a database; did you mean "pool_size"?',
    "keys are checked",
  ],
  [
    "[databases]\nshop = pool_size=0x10",
    'a.ini:2: pool_size of database shop is "0x10"; expected an integer from 0 to 2147483647',
    "connection strings are decimal",
  ],
  [
    "[databases]\nshop = host='h' user=''",
    "a.ini:2: shop is \"user=''\"; expected key=value pairs between spaces, no value empty; " +
      "put a value with spaces in single quotes and double the quotes in it",
    "an empty value is an error",
  ],
  [
    "[databases]\nshop = password='sec",
    'a.ini:2: shop is "password=***"; expected key=value pairs between spaces, no value empty; ' +
      "put a value with spaces in single quotes and double the quotes in it",
    "no message shows a password",
  ],
  [
    `[databases]\n${"x".repeat(64)} =`,
    `a.ini:2: database is "${"x".repeat(64)}"; expected a name of 1 to 63 bytes`,
    "PgBouncer's names have an end",
  ],
  [
    "[users]\nann = pool_mode=x",
    'a.ini:2: pool_mode of user ann is "x"; expected session | transaction | statement',
    "users are checked",
  ],
  ["[peers]\n1 = port=1", "a.ini:2: host of peer 1 is missing; expected host=NAME", "as PgBouncer"],
  [
    "[peers]\n0 = host=h",
    'a.ini:2: peer is "0"; expected a number from 1 to 65535',
    "0 stands for no peer",
  ],
  [
    "[pgbouncer]\n%include no.ini",
    "a.ini:2: no.ini cannot be read (ENOENT: no such file, open 'no.ini'); expected the name of a readable file",
    "the line that names the file is named",
  ],
  [
    "%include a.ini",
    'a.ini:1: %include is "a.ini"; expected files included no deeper than 10 levels; ' +
      "does the file include itself?",
    "a circle ends",
  ],
];

/** Of an entry: what is written, what is read. Source: PgBouncer 1.25.2, the program itself. */
test.each([
  ["databases", "pool_size=5x", "pool_size", "5", 5],
  ["databases", "pool_size=5,", "pool_size", "5", 5],
  ["databases", "min_pool_size=+3;", "min_pool_size", "3", 3],
  ["databases", "server_lifetime=60s", "server_lifetime", "60", 60 * SECOND],
  ["databases", "port=5433;", "port", "5433", 5433],
  ["databases", "max_db_connections=99999999999", "max_db_connections", "1215752191", 1215752191],
  ["databases", "max_db_connections=4294967297", "max_db_connections", "1", 1],
  ["databases", "pool_size=3000000000", "pool_size", "-1294967296", null],
  ["users", "max_user_connections='7 8'", "max_user_connections", "", undefined],
  ["users", "max_user_connections='7 # all'", "max_user_connections", "7", 7],
  ["users", "query_timeout=2,", "query_timeout", "2", 2 * SECOND],
] as const)("[%s] %s is what C reads, and is told", (section, pair, key, read, want) => {
  const text = `[${section}]\nx = ${pair}\n[pgbouncer]\n`;
  if (want === undefined) {
    expect(complaint(text)).toContain(`${key} of user x is "7 8"; expected`);
    return;
  }
  const config = parse(text);
  const [entry] = config[section] as unknown as Record<string, unknown>[];
  expect(entry?.[key]).toBe(want);
  expect(config.misread).toEqual([expect.objectContaining({ at: "a.ini:2", read })]);
});

test("a number between blanks is read without a word", () => {
  const { databases, misread } = parse("[databases]\nx = pool_size=' 5'\n[pgbouncer]\n");
  expect([databases[0]?.pool_size, misread]).toEqual([5, []]);
});

test.each([
  ["abc", "which C takes for 0, and 0 for no limit"],
  ["0x10", "0 to C"],
  ["1e3", "1 to C"],
  ["1.5", "1 to C"],
  ["1,000", "1 to C"],
  ["5k", "5 to C"],
])("pool_size=%s stays refused: %s", (written, _why) => {
  expect(complaint(`[databases]\nx = pool_size=${written}\n[pgbouncer]\n`)).toBe(
    `a.ini:2: pool_size of database x is "${written}"; expected an integer from 0 to 2147483647`,
  );
});

test.each(["1h", "500ms", "2 days", "0.5"])("server_lifetime='%s' stays refused", (written) => {
  const text = `[databases]\nx = server_lifetime='${written}'\n[pgbouncer]\n`;
  expect(complaint(text)).toContain(`server_lifetime of database x is "${written}"; expected`);
});

/** Source: PgBouncer 1.25.2, the program itself, by SHOW CONFIG. */
test.each([
  ["max_client_conn", "99999999999", "1215752191"],
  ["max_client_conn", "4294967296", "0"],
  ["max_client_conn", "99999999999999999999", "-1"],
  ["max_client_conn", "-99999999999999999999", "0"],
  ["max_client_conn", "0x1FFFFFFFF", "-1"],
  ["max_client_conn", "077777777777", "-1"],
  ["query_wait_notify", "4294967299", "3"],
  ["max_packet_size", "-1", "4294967295"],
  ["max_packet_size", "99999999999", "1215752191"],
] as const)("%s = %s is what 32 bits keep, %s, and is told", (name, written, read) => {
  const config = parse(`[pgbouncer]\n${name} = ${written}\n`);
  expect(settingValue(config, name)).toBe(read);
  expect(config.misread).toEqual([{ at: "a.ini:2", name, written, read }]);
});

test.each([
  ["max_client_conn", "5x", "letters behind a number of [pgbouncer] are refused by PgBouncer too"],
  ["listen_port", "99999999999", "what is left is no port"],
] as const)("%s = %s is refused: %s", (name, written, _why) => {
  expect(complaint(`[pgbouncer]\n${name} = ${written}\n`)).toContain(`${name} is "${written}"`);
});

for (const [text, want, why] of complaints) {
  test(`${JSON.stringify(text.slice(0, 60))} is refused: ${why}`, () => {
    expect(complaint(text)).toBe(want);
  });
}

test("headings on one line are read one after the other", () => {
  expect(parse("[users] [databases] x = port=1\n[pgbouncer]").databases[0]?.port).toBe(1);
});

test.each(["=", "[]", "a''", "key=1 "])("a line of a million %j is refused", (part) => {
  expect(complaint(`[pgbouncer]\n${part.repeat(1e6)}`)).toMatch(
    /^a\.ini:2: line has \d+ characters; expected at most 200000$/,
  );
});

test("a message shows the beginning of a long text only", () => {
  expect(complaint(`[pgbouncer]\npeer_id = ${"9".repeat(1000)}`)).toBe(
    `a.ini:2: peer_id is "${"9".repeat(200)}..."; expected an integer from 0 to 65535`,
  );
});

test("the parts of an error are there for a program to use", () => {
  try {
    parse("[pgbouncer]\npool_mode = sesion");
    expect.unreachable();
  } catch (error) {
    expect(error).toMatchObject({
      at: "a.ini:2",
      name: "pool_mode",
      got: "sesion",
      expected: "session | transaction | statement",
      fix: 'did you mean "session"?',
    });
  }
});

test("a config is printed without defaults, quoted where needed", () => {
  const text =
    "[databases]\napp = host=h connect_query='set x to ''y'''\n'odd name' = pool_size=3\n\n" +
    "[users]\nann = query_timeout=3\n\n[peers]\n1 = host=h\n\n" +
    "[pgbouncer]\nlisten_addr = *\npool_mode = transaction\nserver_lifetime = 0.000001\n";
  expect(printIni(parse(text))).toBe(text);
  expect(printIni(parse("[pgbouncer]\nlisten_port = 6432\n"))).toBe("[pgbouncer]\n");
});
