/** What differs between two files, and what puts it in force. */
import { expect, test } from "vitest";
import { changesBetween, parseIni } from "../../engine/config/index.ts";

const BASE = `[databases]
shop = host=db pool_size=5 password=secret
[users]
ann = pool_size=3
[pgbouncer]
`;

function changes(from: string, to: string) {
  const read = (text: string) => parseIni("a.ini", () => text);
  return changesBetween(read(from), read(to));
}

const edit = (old: string, fresh: string) => BASE.replace(old, fresh);

// what is done to the file, the change as section name from to needs scheduler
const cases: [string, string, (string | boolean | null)[][]][] = [
  ["nothing", BASE, []],
  [
    "a setting of the scheduler",
    `${BASE}default_pool_size = 30\n`,
    [["pgbouncer", "default_pool_size", "20", "30", "reload", true]],
  ],
  ["a default written out", `${BASE}default_pool_size = 20\n`, []],
  ["the same seconds in other words", `${BASE}query_wait_timeout = 120.0\n`, []],
  [
    "a setting that only a restart changes",
    `${BASE}listen_port = 7000\n`,
    [["pgbouncer", "listen_port", "6432", "7000", "restart", false]],
  ],
  [
    "one that has no default",
    `${BASE}auth_file = /u\n`,
    [["pgbouncer", "auth_file", null, "/u", "reload", false]],
  ],
  [
    "one query in place of another: the scheduler only knows whether there is one",
    `${BASE}server_reset_query = ROLLBACK\n`,
    [["pgbouncer", "server_reset_query", "DISCARD ALL", "ROLLBACK", "reload", false]],
  ],
  [
    "no reset query any more",
    `${BASE}server_reset_query =\n`,
    [["pgbouncer", "server_reset_query", "DISCARD ALL", "", "reload", true]],
  ],
  [
    "TLS to the servers",
    `${BASE}server_tls_sslmode = disable\n`,
    [["pgbouncer", "server_tls_sslmode", "prefer", "disable", "reconnect", false]],
  ],
  [
    "a key of a database",
    edit("pool_size=5", "pool_size=6"),
    [["databases", "shop.pool_size", "5", "6", "reload", true]],
  ],
  [
    "where a database is",
    edit("host=db", "host=db2"),
    [["databases", "shop.host", "db", "db2", "reconnect", false]],
  ],
  [
    "a password, which nobody gets to see",
    edit("secret", "other"),
    [["databases", "shop.password", "***", "***", "reload", false]],
  ],
  [
    "a database that goes and one that comes, the template last",
    edit("shop = host=db pool_size=5 password=secret", "* = host=x\nblog ="),
    [
      ["databases", "blog", null, "port=5432", "reload", true],
      ["databases", "shop", "host=db port=5432 password=*** pool_size=5", null, "reload", true],
      ["databases", "*", null, "host=x port=5432", "reload", true],
    ],
  ],
  [
    "a user",
    edit("pool_size=3", "pool_size=3 max_user_connections=9"),
    [["users", "ann.max_user_connections", null, "9", "reload", true]],
  ],
  [
    "a peer, of which the scheduler knows nothing",
    edit("[users]", "[peers]\n1 = host=p\n[users]"),
    [["peers", "1", null, "host=p port=6432", "reload", false]],
  ],
];

for (const [name, to, want] of cases) {
  test(`${name}: ${want.length} change(s)`, () => {
    const found = changes(BASE, to).map((each) => [
      ...[each.section, each.name, each.from, each.to, each.needs, each.scheduler],
    ]);
    expect(found).toEqual(want);
  });
}

test("two files of other names and the same content do not differ", () => {
  const [a, b] = ["a.ini", "b.ini"].map((file) => parseIni(file, () => BASE));
  expect(a && b && changesBetween(a, b)).toEqual([]);
});
