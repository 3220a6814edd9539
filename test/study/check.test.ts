/** The sums behind `check`, the places it names, and what it assumes. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mostConnections } from "../../sim/study/check/budget.ts";
import { checkFiles } from "../../sim/study/check/check.ts";
import type { Pool } from "../../sim/study/check/instance.ts";
import { NOTHING_KNOWN, PRESETS, type Surroundings } from "../../sim/study/check/surroundings.ts";

function check(
  files: Record<string, string>,
  around: Partial<Surroundings> = {},
  copies = 1,
): ReturnType<typeof checkFiles> {
  const read = (path: string): string => {
    const text = files[path];
    if (text === undefined) throw new Error("ENOENT");
    return text;
  };
  const inis = Object.keys(files).filter((name) => name.endsWith(".ini"));
  return checkFiles(inis, copies, { ...NOTHING_KNOWN, ...around }, read);
}

describe("databases x users x instances x (pool + reserve)", () => {
  const main = "[pgbouncer]\nmax_client_conn = 1000\ndefault_pool_size = 10\n";
  const two = "[databases]\na = host=db\nb = host=db\n";
  // file, options, copies, most connections to db:5432, why
  const cases: [string, Partial<Surroundings>, number, number, string][] = [
    [`${two}${main}`, {}, 1, 20, "two databases, one user"],
    [`${two}${main}`, { users: 3 }, 1, 60, "each user has a pool in each"],
    [`${two}${main}`, { users: 3 }, 4, 240, "each process has all of them"],
    [`${two}${main}reserve_pool_size = 2`, { users: 3 }, 1, 72, "and its reserve"],
    [`${two}${main}reserve_pool_size = 2\nreserve_pool_timeout = 0`, { users: 3 }, 1, 60, "if on"],
    [`${two}${main}max_db_connections = 25`, { users: 3 }, 1, 50, "25 a database"],
    [`${two}${main}max_user_connections = 15`, { users: 3 }, 1, 45, "15 a user, over both"],
    [
      `${two}${main}max_user_connections = 15\nmax_db_connections = 20`,
      { users: 3 },
      1,
      40,
      "the databases are the narrower of the two",
    ],
    [`[databases]\n* = host=db\n${main}`, { databases: 7 }, 1, 70, "the template's databases"],
    [`[databases]\na = host=db user=u\n${main}`, { users: 9 }, 1, 10, "a forced user is one user"],
    [
      `[databases]\na = host=db user=u\n${main}auth_user = asker\n`,
      {},
      1,
      20,
      "who runs auth_query has a pool too",
    ],
    [`${two}[users]\nann = pool_size=3\nbob =\n${main}`, {}, 1, 26, "ann 3 + bob 10, twice"],
    [`${two}${main}default_pool_size = 0\nmax_client_conn = 70`, {}, 1, 140, "as many as clients"],
    [`${two}${main}max_db_client_connections = 4`, {}, 1, 8, "no more than can ask for one"],
    [`[databases]\na = host=db,other\n${main}`, {}, 1, 10, "all may come to be on one host"],
  ];
  for (const [text, around, copies, want, why] of cases) {
    test(`${want}: ${why}`, () => {
      const { budgets } = check({ "a.ini": text }, around, copies);
      expect(budgets.find(({ server }) => server === "db:5432")?.connections).toBe(want);
    });
  }

  test("several files add up on the server that they share, by its address", () => {
    const a = `[databases]\nx = host=127.0.0.1\ny = host=DB\n${main}`;
    const b = `[databases]\nx = host=localhost\nz = port=5433\n${main}`;
    const { budgets } = check({ "a.ini": a, "b.ini": b }, { max_connections: 100 });
    expect(budgets.map(({ server, connections }) => [server, connections])).toEqual([
      ["localhost:5432", 20],
      ["db:5432", 10],
      ["localhost:5433", 10],
    ]);
    expect(budgets[0]).toMatchObject({
      available: 97,
      parts: [{ file: "a.ini" }, { file: "b.ini" }],
    });
  });

  test("a socket and a loopback address of one port lead to one server", () => {
    const entries = "[databases]\nx =\ny = host=/run/postgresql\nz = host=127.0.0.1\n";
    const { budgets } = check({ "a.ini": `${entries}${main}` });
    expect(budgets.map(({ server, connections }) => [server, connections])).toEqual([
      ["localhost:5432", 30],
    ]);
  });

  test("processes that a file tells of and nobody has counted are told", () => {
    const shared = `${two}[peers]\n1 = host=p1\n2 = host=p2\n3 = host=p3\n${main}`;
    const told = (text: string, copies: number): string[] =>
      check({ "a.ini": text }, {}, copies).notes.filter((note) => note.includes("process"));
    expect(told(shared, 1)).toEqual([
      "[peers] names 3 processes, 1 process is counted; --instances N, or all files, tell",
    ]);
    expect(told(shared, 3)).toEqual([]);
    expect(told(`${two}${main}so_reuseport = 1`, 1)).toEqual([
      "a.ini: so_reuseport is for several processes, 1 process is counted; --instances N tells",
    ]);
    expect(told(`${two}${main}so_reuseport = 1`, 2)).toEqual([]);
    expect(told(`${two}${main}`, 1)).toEqual([]);
  });

  test("users are those of auth_file, if it can be read", () => {
    const text = `${two}${main}auth_file = users.txt`;
    const users = '"ann" "x"\n"bob" "y"\n"cyd" "z"\n';
    expect(check({ "a.ini": text, "users.txt": users }).budgets[0]?.connections).toBe(60);
    const asked = check({ "a.ini": `${text}\nauth_user = ann`, "users.txt": users });
    expect(asked.budgets[0]?.connections).toBe(80); // auth_query finds one more at least.
    expect(asked.notes[0]).toContain("nobody says how many users log in");
    const empty = check({ "a.ini": text, "users.txt": "" });
    expect(empty.budgets[0]?.connections).toBe(20);
    const without = check({ "a.ini": text });
    expect(without.budgets[0]?.connections).toBe(20);
    expect(without.notes[0]).toContain("nobody says how many users log in");
  });
});

/** Pools of `sizes[database][user]` under limits of databases and users; 0 is no limit. */
function poolsOf(sizes: number[][], databases: number[], users: number[]): Pool[] {
  const at = (value: number) => ({ value, at: "" });
  return sizes.flatMap((row, d) =>
    row.map((size, u) => ({
      entry: { name: `d${d}` } as Pool["entry"],
      ...{
        entries: 1,
        user: `u${u}`,
        users: 1,
        label: "",
        pool_mode: { value: "session", at: "" },
      },
      ...{ pool_size: at(size + 1), min_pool_size: at(0), reserve_pool_size: at(0), reserve: 0 },
      max_db_connections: at(databases[d] ?? 0),
      max_user_connections: at(users[u] ?? 0),
      clients: { value: size, at: "", name: "max_client_conn" },
      ...{ query_wait_timeout: at(0), server_lifetime: at(0), query_timeout: at(0) },
      ...{ transaction_timeout: at(0), idle_transaction_timeout: at(0) },
    })),
  );
}

test("the most connections are the smallest cut: the theorem, on every small case", () => {
  const side = fc.array(fc.nat(9), { minLength: 3, maxLength: 3 });
  const sizes = fc.array(side, { minLength: 3, maxLength: 3 });
  const open = (cap: number | undefined): number => cap || Number.POSITIVE_INFINITY;
  fc.assert(
    fc.property(sizes, side, side, (pools, databases, users) => {
      const cuts = Array.from({ length: 64 }, (_, bits) => {
        const cut = (i: number): boolean => ((bits >> i) & 1) === 1;
        let sum = 0;
        for (let i = 0; i < 3; i++) {
          if (cut(i)) sum += open(databases[i]);
          if (cut(i + 3)) sum += open(users[i]);
        }
        for (let d = 0; d < 3; d++)
          for (let u = 0; u < 3; u++) if (!cut(d) && !cut(u + 3)) sum += pools[d]?.[u] ?? 0;
        return sum;
      });
      expect(mostConnections(poolsOf(pools, databases, users))).toBe(Math.min(...cuts));
    }),
    { numRuns: 500 },
  );
});

describe("findings", () => {
  test("are at the line that is at fault: the user's, the database's, the setting's, or the file", () => {
    const text = [
      ...["[databases]", "a = pool_size=30", "b =", "[users]", "ann = pool_size=40", "bob ="],
      ...["[pgbouncer]", "max_db_connections = 25", "max_client_conn = 500"],
    ].join("\n");
    const found = (ini: string): string[] =>
      check({ "x.ini": ini })
        .findings.filter(({ id }) => id === "pool-over-database")
        .map(({ at }) => at);
    expect(found(text)).toEqual(["x.ini:2", "x.ini:5"]);
    expect(found(`${text}\ndefault_pool_size = 26`)).toEqual(["x.ini:2", "x.ini:5", "x.ini:10"]);
    expect(found("[databases]\na = user=u max_db_connections=3\n[pgbouncer]\n")).toEqual(["x.ini"]);
  });

  test("a user's query_timeout ends no wait, but what comes after it", () => {
    const found = (global: string): string[] =>
      check({
        "x.ini": `[databases]\na = host=db\n[users]\nann = query_timeout=60\n[pgbouncer]\nquery_wait_timeout = 70\n${global}`,
      })
        .findings.filter(({ id }) => id === "wait-over-query")
        .map(({ what, why }) => `${what}: ${why}`);
    expect(found("")).toEqual([
      expect.stringMatching(/query_timeout 60 s: .*as soon as there is a/),
    ]);
    // The global one ends all waits, whatever the user's own is.
    expect(found("query_timeout = 50")).toEqual([
      expect.stringMatching(
        /query_timeout 50 s: .*always ends it first \(and|query_timeout 50 s: /,
      ),
    ]);
    expect(found("query_timeout = 80")).toEqual([]);
  });

  test("of one place are told once, with how many there are; errors come first", () => {
    const text =
      "[databases]\na =\nb =\n[pgbouncer]\nauth_type = trust\nlisten_addr = *\nmin_pool_size = 30\nauth_file = users.txt\n";
    const { findings } = check({ "x.ini": text });
    expect(findings[0]).toMatchObject({ id: "risk-open-door", severity: "error", at: "x.ini:5" });
    const [minimum, ...more] = findings.filter(({ id }) => id === "minimum-over-size");
    expect(minimum?.what).toContain("(and 1 more like it)");
    expect(more).toEqual([]);
  });

  test("one pool is called one", () => {
    const what = (entries: string): string | undefined =>
      check(
        { "x.ini": `[databases]\n${entries}[pgbouncer]\n` },
        { max_connections: 10 },
      ).findings.find(({ id }) => id === "budget-max-connections")?.what;
    expect(what("a = host=db user=u\n")).toBe("1 pool can open 20 connections to db:5432");
    expect(what("a = host=db user=u\nb = host=db user=u\n")).toMatch(/^2 pools can open 40 /);
  });

  test("no text makes the check throw anything but a ConfigError", () => {
    const key = fc.constantFrom(
      "pool_mode",
      "default_pool_size",
      "max_db_connections",
      "auth_type",
    );
    const value = fc.constantFrom("0", "1", "session", "statement", "any", "3");
    fc.assert(
      fc.property(fc.array(fc.tuple(key, value)), fc.nat(3), (settings, users) => {
        const ini = settings.map((pair) => pair.join(" = ")).join("\n");
        try {
          check({ "x.ini": `[databases]\n* =\n[pgbouncer]\n${ini}` }, { users });
        } catch (error) {
          expect((error as Error).constructor.name).toBe("ConfigError");
        }
      }),
    );
  });
});

test("every preset has limits, a source, and its date or version where it has one", () => {
  for (const [name, { limits, source, date }] of Object.entries(PRESETS)) {
    expect(limits.max_connections, name).toBeGreaterThan(limits.reserved ?? 3);
    expect(source, name).toMatch(/\.(com|org|cloud)/);
    expect(date, name).toMatch(/^(20\d\d-\d\d-\d\d|PostgreSQL \d\d|undated)$/);
  }
});
