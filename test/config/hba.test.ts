/** auth_hba_file and auth_ident_file: who matches which rule, and what is refused. */
import { describe, expect, test } from "vitest";
import { ConfigError, loadHba, loadIdent, matchingRule } from "../../engine/config/index.ts";

const FILES: Record<string, string> = {
  "/etc/names": 'carol\n# nobody\n"d""ave", erin\n',
  "/etc/all": "all",
  "/etc/two": "carol dave\n",
  "/etc/self": "@self",
};
const read = (text: string) => (path: string) => {
  const found = path === "/etc/hba" ? text : FILES[path];
  if (found === undefined) throw new Error(`ENOENT: ${path}`);
  return found;
};
/** For files that are in order. */
const refuse = (error: ConfigError): never => {
  throw error;
};
const maps = loadIdent(
  "m",
  refuse,
  () => 'people  www.acme.org  alice\npeople ops all\nother x "all"\n',
);
const rules = (text: string) => loadHba("/etc/hba", maps, refuse, read(text));

/** `user database address`; a `+` behind the address is TLS; no address is the Unix socket. */
function client(text: string) {
  const [user = "", database = "", address] = text.split(" ");
  return {
    user,
    database,
    physical: false,
    address: address?.replace("+", ""),
    tls: address?.endsWith("+") === true,
  };
}

describe("a rule", () => {
  test.each([
    // rule without its method, client, does it fit
    ["local all all", "u d", true],
    ["local all all", "u d 1.2.3.4", false],
    ["host all all all", "u d", false],
    ["host all all all", "u d ::1+", true],
    ["host all all 10.0.0.0/8", "u d 10.9.8.7", true],
    ["host all all 10.0.0.0/8", "u d 11.0.0.1", false],
    ["host all all 10.0.0.0 255.255.0.0", "u d 10.0.255.1", true],
    ["host all all 10.0.0.0 255.255.0.0", "u d 10.1.0.1", false],
    ["host all all 0.0.0.0/0", "u d 9.9.9.9", true],
    ["host all all 0.0.0.0/0", "u d ::1", false],
    ["host all all ::/0", "u d 127.0.0.1", false],
    ["host all all ::/0", "u d ::ffff:127.0.0.1", false],
    ["host all all ::/0", "u d fe80::1", true],
    ["host all all ::ffff:0:0/96", "u d 127.0.0.1", false],
    ["host all all 127.0.0.1/32", "u d ::ffff:127.0.0.1", true],
    ["host all all ::1/128", "u d ::1", true],
    ["host all all 2001:db8::/33", "u d 2001:db8:7fff::1", true],
    ["host all all 2001:db8::/33", "u d 2001:db8:8000::1", false],
    ["host all all 2001:db8:: ffff:ffff::", "u d 2001:db8:1::1", true],
    ["hostssl all all all", "u d 1.1.1.1", false],
    ["hostssl all all all", "u d 1.1.1.1+", true],
    ["hostnossl all all all", "u d 1.1.1.1+", false],
    ["hostnossl all all all", "u d 1.1.1.1", true],
    ["local d,e u", "u e", true],
    ["local d , e u", "u e", true],
    ["local d,e u", "u f", false],
    ["local d u,v", "v d", true],
    ["local sameuser all", "u u", true],
    ["local sameuser all", "u d", false],
    ["local sameuser,d all", "u d", true],
    ["local d sameuser", "d d", true],
    ["local d sameuser", "sameuser d", false],
    ["local d replication", "replication d", false],
    ['local d "replication"', "replication d", true],
    ["host all all 10.0.0.0 255.0.255.0", "u d 10.7.0.7", true],
    ["host all all 10.0.0.0 255.0.255.0", "u d 10.7.1.7", false],
    ["host all all 10.0.0.0/+8", "u d 10.9.8.7", true],
    ["host all all 0.0.0.0/", "u d 10.9.8.7", true],
    ["host all all 10.0.0.0/", "u d 10.9.8.7", false],
    ['local "all" all', "u d", false],
    ['local "all" all', "u all", true],
    ['local "a ""b""" all', "u a", false],
    ["local replication all", "u replication", false],
    ["local all @names", "carol d", true],
    ["local all @names", 'd"ave d', true],
    ["local all @/etc/names,u", "u d", true],
    ["local all @names", "nobody d", false],
    ["local @all all", "u d", true],
    ["local all @two", "carol d", true],
    ["local all @two", "dave d", false],
  ])("%j and %j: %s", (rule, who, want) => {
    expect(matchingRule(rules(`# first\n\n${rule} trust # last`), client(who)) !== undefined).toBe(
      want,
    );
  });
});

// database of the rule, physical, does it fit; the client comes to database "d"
for (const [name, physical, want, why] of [
  ["replication", true, true, "its own word"],
  ["all", true, false, "a physical connection belongs to no database"],
  ["d", true, false, "not even to the one it names"],
  ['"replication"', true, false, "in quotes it is a database"],
  ["all,replication", true, true, "one of the two"],
  ["replication", false, false, "others are no replication connections"],
] as const) {
  test(`a rule for ${name} and a ${physical ? "physical" : "plain"} connection: ${want}: ${why}`, () => {
    const who = { ...client("u d"), physical };
    expect(matchingRule(rules(`local ${name} all trust`), who) !== undefined).toBe(want);
  });
}

// rule, and what is to be noted of it
for (const [rule, note] of [
  ["host all all 10.0.0.0/8 md5", undefined],
  ["host all all 10.0.0.1/8 md5", "no client fits this rule: its address has bits beyond the mask"],
  ["local all all peer map=people", undefined],
] as const) {
  test(`${rule}: ${note ?? "nothing to note"}`, () => {
    const [read] = rules(rule);
    expect(read?.note?.slice(0, note?.length)).toBe(note);
  });
}

test("an address with bits beyond its mask fits nobody, as in PgBouncer", () => {
  for (const who of ["u d 10.0.0.1", "u d 10.9.9.9"])
    expect(matchingRule(rules("host all all 10.0.0.1/8 trust"), client(who))).toBeUndefined();
});

test("the first rule that fits holds, and it keeps its line", () => {
  const text = "local d u reject\nlocal all u md5\nhost all all all scram-sha-256\n";
  const method = (who: string) => matchingRule(rules(text), client(who))?.method;
  expect([method("u d"), method("u e"), method("v e"), method("v e ::1")]).toEqual([
    "reject",
    "md5",
    undefined,
    "scram-sha-256",
  ]);
  expect(matchingRule(rules(text), client("u e"))?.at).toBe("/etc/hba:2");
});

test("a map keeps the order of its lines, and `all` only without quotes", () => {
  const [rule] = rules("hostssl all all all cert map=people");
  const mappings = [
    { system: "www.acme.org", user: "alice" },
    { system: "ops", user: null },
  ];
  expect(rule?.map).toEqual({ name: "people", mappings });
  expect(maps.get("other")).toEqual([{ system: "x", user: "all" }]);
});

const METHODS = "trust | reject | md5 | password | cert | scram-sha-256 | peer | ldap";
test.each([
  [
    "hostsll all all all md5",
    'type is "hostsll"; expected local | host | hostssl | hostnossl; did you mean "hostssl"?',
  ],
  ["local", "database is missing; expected a name"],
  ["local all,", "database is missing; expected a name"],
  ["local ,all all trust", 'database is ","; expected a name'],
  ["local all", "user is missing; expected a name"],
  ["local all all", `method is missing; expected ${METHODS}`],
  ["local all all md55", `method is "md55"; expected ${METHODS}; did you mean "md5"?`],
  ["local all all md5 clientcert=1", 'option is "clientcert=1"; expected map=NAME'],
  [
    "local all all cert map=peeple",
    'map is "peeple"; expected a map of auth_ident_file; did you mean "people"?',
  ],
  ["local all all cert map=people more", 'option is "more"; expected nothing more on the line'],
  [
    "local samerole all md5",
    'name is "samerole"; expected names, all or sameuser; PgBouncer knows no roles either',
  ],
  [
    "local all +ops md5",
    'name is "+ops"; expected names, all or sameuser; PgBouncer knows no roles either',
  ],
  ["host all all", "address is missing; expected all, ADDRESS/BITS, or ADDRESS MASK"],
  [
    "host all all db.acme.org md5",
    'address is "db.acme.org"; expected all, ADDRESS/BITS, or ADDRESS MASK; names of machines are not looked up',
  ],
  [
    "host all all 10.0.0.0/33 md5",
    'address is "10.0.0.0 33"; expected all, ADDRESS/BITS, or ADDRESS MASK',
  ],
  [
    "host all all 10.0.0.0/x md5",
    'address is "10.0.0.0 x"; expected all, ADDRESS/BITS, or ADDRESS MASK',
  ],
  [
    "host all all 10.0.0.0/-1 md5",
    'address is "10.0.0.0 -1"; expected all, ADDRESS/BITS, or ADDRESS MASK',
  ],
  [
    "host all all 10.0.0.0 ffff:: md5",
    'address is "10.0.0.0 ffff::"; expected all, ADDRESS/BITS, or ADDRESS MASK',
  ],
  [
    "host all all fe80::1%lo/128 md5",
    'address is "fe80::1%lo/128"; expected all, ADDRESS/BITS, or ADDRESS MASK; names of machines are not looked up',
  ],
  [
    'host all all "all" md5',
    'address is "all"; expected all, ADDRESS/BITS, or ADDRESS MASK; without the quotes',
  ],
  ['local all all "trust"', `method is "trust"; expected ${METHODS}; without the quotes`],
  [
    '"local" all all trust',
    'type is "local"; expected local | host | hostssl | hostnossl; without the quotes',
  ],
  [
    'local all all peer "map=people"',
    'option is "map=people"; expected map=NAME; without the quotes',
  ],
  [
    "local all samerole md5",
    'name is "samerole"; expected names, all or sameuser; PgBouncer knows no roles either',
  ],
  [
    "host all all 10.0.0.0 md5",
    'address is "10.0.0.0 md5"; expected all, ADDRESS/BITS, or ADDRESS MASK',
  ],
  [
    'local "all all md5',
    'line is "local \\"all all md5"; expected words, commas, and names in pairs of quotes',
  ],
])("%j is broken: %s", (line, want) => {
  expect(message(() => rules(`\n${line}`))).toBe(`/etc/hba:2: ${want}`);
});

test.each([
  // behind `ldap`, why nobody comes in by the rule
  ['ldapserver=h ldapprefix="uid=" ldapsuffix=",dc=x"', undefined],
  ["ldapserver=h ldapprefix=uid= # a comment without the sign", undefined],
  ['ldapserver=h ldapprefix="an odd quote', undefined],
  ["ldapserver=h", 'authentication method "ldap" requires argument "ldapbasedn", "ldapprefix",'],
  ["map=people", 'invalid LDAP option: "map"'],
])("a rule with ldap %s is kept, whatever stands in its options", (options, why) => {
  const [first, second] = rules(`host all all all ldap ${options}\nhost all all all trust`);
  expect(first?.ldap).toMatchObject(why === undefined ? { prefix: expect.any(String) } : {});
  if (why === undefined) expect(first?.note).toBeUndefined();
  else expect(first?.note).toContain(`this rule lets nobody in: ${why}`);
  expect(second?.method).toBe("trust");
});

test("files of names that are missing, or name themselves", () => {
  expect(message(() => rules("local all @gone md5"))).toBe(
    "/etc/hba:1: /etc/gone cannot be read (ENOENT: /etc/gone); expected the name of a readable file",
  );
  expect(message(() => rules("local all @self md5"))).toContain(
    '@ is "self"; expected another file',
  );
});

test.each([
  ["people", "system user is missing; expected a name"],
  ["people x", "user is missing; expected a name or all"],
  ["people x y z", 'option is "z"; expected nothing more on the line'],
  ['"people" x y', 'name of the map is "people"; expected a word; without the quotes'],
])("of a map %j is broken", (line, want) => {
  expect(message(() => loadIdent("m", refuse, () => line))).toBe(`m:1: ${want}`);
});

for (const [line, why] of [
  ["host all all all trsut", "no method"],
  ["local samerole all md5", "PgBouncer does not take it either"],
  ["local all @gone md5", "nor a file of names that is not there"],
  ['local "all all md5', "a quote that never ends"],
] as const)
  test(`among good lines, ${line} is left out: ${why}`, () => {
    const broken: string[] = [];
    const text = `local d u reject\n${line}\nlocal all all trust`;
    const load = () =>
      loadHba(
        "/etc/hba",
        maps,
        (error, number) => {
          expect(number).toBe(2);
          broken.push(error.message);
        },
        read(text),
      );
    expect(load().map(({ at }) => at)).toEqual(["/etc/hba:1", "/etc/hba:3"]);
    expect(broken).toEqual([expect.stringMatching(/^\/etc\/hba:2: /)]);
  });

test("a map lacks its broken lines, and a rule that names a map of which none is left is broken too", () => {
  const broken: string[] = [];
  const text = "people x alice more\npeople y bob\nothers x";
  const found = loadIdent(
    "m",
    (error) => broken.push(error.at),
    () => text,
  );
  expect([...found]).toEqual([["people", [{ system: "y", user: "bob" }]]]);
  expect(broken).toEqual(["m:1", "m:3"]);
});

function message(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return "was taken";
}
