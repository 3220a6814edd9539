/** Workload files: what is read, and that everything else is refused in one exact line. */
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, property, string } from "fast-check";
import { describe, expect, test } from "vitest";
import { ConfigError } from "../../engine/config/index.ts";
import { MILLISECOND, SECOND } from "../../engine/core/index.ts";
import { mean } from "../../sim/kernel/distributions.ts";
import { workloadJsonSchema } from "../../workloads/schema/file.ts";
import { loadWorkload, parseWorkload } from "../../workloads/schema/load.ts";
import { FILE, GOOD, refusal, swap } from "./shop.ts";

const DURATION = "a duration such as 10 ms, 1.5 s, 2 min";

/** Draws are rounded to whole numbers. */
const NO_TRANSACTION = [
  "0",
  "0.4",
  "{ constant: 0 }",
  "{ exponential: 0 }",
  "{ uniform: { min: 0, max: 0.4 } }",
  "{ empirical: { values: [0, 0] } }",
  "{ empirical: { quantiles: { 0: 0, 100: 0.3 } } }",
  "{ mixture: [ { weight: 1, of: 0 }, { weight: 2, of: { erlang: { mean: 0, k: 2 } } } ] }",
];

const REFUSALS: readonly [why: string, text: string, message: string][] = [
  [
    "an empty file",
    "",
    `${FILE}:1: the file is empty; expected a workload with at least name and clients; start from one in workloads/`,
  ],
  [
    "a text instead of keys",
    "hello",
    `${FILE}:1: the file is a single value; expected a workload with keys such as name, pgbouncer, clients`,
  ],
  [
    "a list instead of keys",
    "- hello",
    `${FILE}:1: the file is a list; expected a workload with keys such as name, pgbouncer, clients`,
  ],
  [
    "a program, a picture, or a text in UTF-16",
    "\u007fELF\u0002\0\0",
    `${FILE}:1: the file is no text in UTF-8; expected a workload with keys such as name, pgbouncer, clients`,
  ],
  [
    "two workloads",
    `${GOOD}---\n${GOOD}`,
    `${FILE}:7: the file is no valid YAML: Source contains multiple documents; expected YAML`,
  ],
  [
    "a key that a terminal would obey",
    swap("count: 3", '"co\\e[31munt": 3'),
    `${FILE}:4: clients[0].co?[31munt is unknown; expected name | database | user | count | arrivals | session | think | transaction | app_pool | timeout | retry | prepared | parameters`,
  ],
  [
    "an unknown key",
    `${GOOD}sever: {}\n`,
    `${FILE}:7: sever is unknown; expected name | description | pgbouncer | ini | databases | users | clients | server | pooler | network | schedule | slo | run; did you mean "server"?`,
  ],
  [
    "an unknown key inside",
    `${GOOD}slo: { wait_p98: 3 ms }\n`,
    `${FILE}:7: slo.wait_p98 is unknown; expected wait_p50 | wait_p95 | wait_p99 | response_p95 | response_p99 | timeouts; did you mean "wait_p95"?`,
  ],
  [
    "no clients",
    "name: shop\n",
    `${FILE}:1: clients is missing; expected a list of kinds of clients`,
  ],
  [
    "a negative count",
    swap("count: 3", "count: -3"),
    `${FILE}:4: clients[0].count is "-3"; expected a whole number from 0`,
  ],
  [
    "a wrong unit",
    swap("1 s", "1 parsec"),
    `${FILE}:5: clients[0].think is "1 parsec"; expected ${DURATION}; for counts a number from 0`,
  ],
  [
    "a number without its unit",
    swap("1 s", "10"),
    `${FILE}:5: clients[0].think is "10"; expected ${DURATION}; give it a unit: 10 ms or 10 s?`,
  ],
  [
    "what is no number",
    swap("1 s", ".nan"),
    `${FILE}:5: clients[0].think is "NaN"; expected ${DURATION}, or one of constant | exponential | erlang | hyperexponential | gamma | lognormal | weibull | pareto | uniform | empirical | mixture`,
  ],
  [
    "no values at all",
    swap("1 s", "{ empirical: { values: [] } }"),
    `${FILE}:5: clients[0].think.empirical.values is "[]"; expected at least one value`,
  ],
  [
    "a misspelt distribution",
    swap("1 s", "{ exponental: 1 s }"),
    `${FILE}:5: clients[0].think is "{\\"exponental\\":\\"1 s\\"}"; expected ${DURATION}, or one of constant | exponential | erlang | hyperexponential | gamma | lognormal | weibull | pareto | uniform | empirical | mixture; did you mean "exponential"?`,
  ],
  [
    "a closed kind that does not say how it thinks",
    swap("    think: 1 s\n", ""),
    `${FILE}:3: clients[0].think is missing; expected a duration or a distribution, such as { exponential: 10 s }; for clients that never pause write think: 0 ms`,
  ],
  [
    "a setting's bad value",
    `${GOOD}pgbouncer: { pool_mode: trans }\n`,
    `${FILE}:7: pool_mode is "trans"; expected session | transaction | statement; did you mean "transaction"?`,
  ],
  [
    "an unknown setting",
    `${GOOD}pgbouncer: { pool_size: 3 }\n`,
    `${FILE}:7: pool_size is unknown; expected a setting of [pgbouncer]; did you mean "default_pool_size"?`,
  ],
  [
    "two kinds of one name",
    `${GOOD}${GOOD.slice(GOOD.indexOf("  - "))}`,
    `${FILE}:7: clients[1].name is "browsing"; expected a name that no other kind of clients has`,
  ],
  [
    "closed and open at once",
    swap("count: 3", "count: 3\n    arrivals: { rate: 3/s }"),
    `${FILE}:3: clients[0] (browsing) has both count and arrivals; expected count (a closed population) or arrivals (sessions from outside); remove one of them`,
  ],
  [
    "neither closed nor open",
    swap("    count: 3\n", ""),
    `${FILE}:3: clients[0] (browsing) has neither count nor arrivals; expected count (a closed population) or arrivals (sessions from outside); add count: 100`,
  ],
  [
    "an unknown database",
    `${swap("count: 3", "database: shoe\n    count: 3")}databases: { shop: {} }\n`,
    `${FILE}:4: clients[0].database is "shoe"; expected one of shop; did you mean "shop"?`,
  ],
  [
    "a size of no unit",
    `${GOOD}server: { memory_per_connection: 10 XB }\n`,
    `${FILE}:7: server.memory_per_connection is "10 XB"; expected a size such as 10 MB`,
  ],
  [
    "databases that are a number",
    `${GOOD}databases: 5\n`,
    `${FILE}:7: databases is "5"; expected entries by name, such as { app: { pool_size: 20 } }`,
  ],
  [
    "a section that is missing",
    "name: a\nclients:\n  - { name: a, count: 1, think: 1 s }\n",
    `${FILE}:3: clients[0].transaction is missing; expected the keys statements | service | gap | work`,
  ],
  [
    "clients that no time passes for",
    `${GOOD.replace("1 s", "0 ms").replace("5 ms", "0 ms")}network: { client: 0 ms, server: 0 ms }\n`,
    `${FILE}:3: clients[0] takes no time from one transaction to the next; expected think, service, gap, session.away or network above 0; write service: 1 ms`,
  ],
  [
    "sessions that are over as soon as they begin",
    `${GOOD.replace("think:", "session: { duration: 0 s, away: 0 ms }\n    think:")}network: { client: 0 ms }\n`,
    `${FILE}:3: clients[0] takes no time from one session to the next; expected think, service, gap, session.away or network above 0; write session.away: 1 s`,
  ],
  ...NO_TRANSACTION.map((transactions): [string, string, string] => [
    `sessions without a transaction: ${transactions}`,
    swap("think:", `session: { transactions: ${transactions}, away: 1 s }\n    think:`),
    `${FILE}:5: clients[0].session.transactions gives every session 0 transactions; expected a number from 1, a distribution that gives one now and then, or forever; write transactions: 1`,
  ]),
  [
    "arrivals without a gap",
    swap("count: 3", "arrivals: { gap: 0 ms }"),
    `${FILE}:4: clients[0].arrivals.gap is "0"; expected a duration above 0, such as 5 ms`,
  ],
  [
    "a share above all",
    `${GOOD}run: { precision: 120 % }\n`,
    `${FILE}:7: run.precision is "120 %"; expected a share such as 5 % or 0.05`,
  ],
  [
    "a rate of nothing",
    swap("count: 3", "arrivals: { rate: 0/s }"),
    `${FILE}:4: clients[0].arrivals.rate is "0/s"; expected a rate such as 200/s`,
  ],
  [
    "no YAML",
    "a: [1\n",
    `${FILE}:2: the file is no valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]; expected YAML`,
  ],
];

describe("refused with place, finding, choices and fix", () => {
  for (const [why, text, message] of REFUSALS) test(why, () => expect(refusal(text)).toBe(message));
});

const MS = MILLISECOND;
const SHAPES: readonly [written: string, spec: object][] = [
  ["10 ms", { kind: "constant", value: 10 * MS }],
  ["{ constant: 10 ms }", { kind: "constant", value: 10 * MS }],
  ["{ exponential: 10 ms }", { kind: "exponential", mean: 10 * MS }],
  ["{ erlang: { mean: 10 ms, k: 2 } }", { kind: "erlang", mean: 10 * MS, k: 2 }],
  [
    "{ hyperexponential: { mean: [5 ms, 55 ms], weights: [0.9, 0.1] } }",
    { kind: "hyperexponential", means: [5 * MS, 55 * MS], weights: [0.9, 0.1] },
  ],
  ["{ gamma: { mean: 10 ms, cv: 2 } }", { kind: "gamma", mean: 10 * MS, cv: 2 }],
  ["{ lognormal: { mean: 10 ms, cv: 2 } }", { kind: "lognormal", mean: 10 * MS, cv: 2 }],
  ["{ weibull: { scale: 10 ms, shape: 0.7 } }", { kind: "weibull", scale: 10 * MS, shape: 0.7 }],
  [
    "{ pareto: { min: 1 ms, max: 10 s, shape: 1.2 } }",
    { kind: "pareto", min: MS, max: 10 * SECOND, shape: 1.2 },
  ],
  ["{ uniform: { min: 1 ms, max: 9 ms } }", { kind: "uniform", min: MS, max: 9 * MS }],
  ["{ empirical: { values: [1 ms, 2 ms] } }", { kind: "empirical", values: [MS, 2 * MS] }],
  [
    "{ empirical: { quantiles: { 0: 1 ms, 50: 4 ms, 100: 2 s } } }",
    {
      kind: "quantiles",
      points: [
        [0, MS],
        [50, 4 * MS],
        [100, 2 * SECOND],
      ],
    },
  ],
  [
    "{ mixture: [ { weight: 0.9, of: 1 ms }, { weight: 0.1, of: { exponential: 9 ms } } ] }",
    {
      kind: "mixture",
      parts: [
        { weight: 0.9, of: { kind: "constant", value: MS } },
        { weight: 0.1, of: { kind: "exponential", mean: 9 * MS } },
      ],
    },
  ],
];

describe("every shape of a distribution", () => {
  for (const [written, spec] of SHAPES)
    test(written, () =>
      expect(parseWorkload(swap("1 s", written), FILE).clients[0]?.think).toEqual(spec),
    );
});

test("a session without a transaction now and then is in order, and so is one that an arrival opens", () => {
  const some = ["1", "0.5", "{ exponential: 0.2 }", "{ empirical: { values: [0, 0, 1] } }"];
  for (const transactions of some) {
    const session = `session: { transactions: ${transactions} }`;
    for (const kind of ["count: 3", "arrivals: { rate: 3/s }"])
      expect(refusal(swap("count: 3", `${kind}\n    ${session}`)), session).toBe("not refused");
  }
});

test("a lognormal by its median and 99th percentile has them", () => {
  const text = swap("1 s", "{ lognormal: { p50: 4 ms, p99: 60 ms } }");
  const spec = parseWorkload(text, FILE).clients[0]?.think;
  if (spec?.kind !== "lognormal") throw new Error("not a lognormal");
  const sigma = Math.sqrt(Math.log(1 + spec.cv ** 2));
  const median = spec.mean / Math.exp(sigma ** 2 / 2);
  expect(median / MS).toBeCloseTo(4, 9);
  expect((median * Math.exp(2.3263478740408408 * sigma)) / MS).toBeCloseTo(60, 6);
});

test("times from a file are read relative to the workload, and named by file and line", () => {
  const folder = mkdtempSync(join(tmpdir(), "poolwise-test-"));
  const file = join(folder, "shop.yaml");
  writeFileSync(file, swap("1 s", "{ empirical: { file: times.csv } }"));
  expect(() => loadWorkload(file)).toThrow(
    `names ${join(folder, "times.csv")}, which cannot be read (no such file); expected`,
  );
  writeFileSync(join(folder, "times.csv"), "1 ms\n3 ms\n");
  expect(mean(loadWorkload(file).clients[0]?.think ?? { kind: "constant", value: 0 })).toBe(2 * MS);
  writeFileSync(join(folder, "times.csv"), "1 ms\nsoon\n");
  expect(() => loadWorkload(file)).toThrow(`${join(folder, "times.csv")}:2: value is "soon"`);
});

test("a file that is not there is named", () => {
  expect(() => loadWorkload("/nowhere/a.yaml")).toThrow(
    "/nowhere/a.yaml: the workload cannot be read (no such file)",
  );
});

const SHIPPED = readdirSync("workloads").filter((name) => name.endsWith(".yaml"));
describe("shipped files", () => {
  test("there are these, and no others", () =>
    expect(SHIPPED.sort()).toEqual(
      [
        "admin-and-migrations",
        "bigger-is-worse",
        "cpu-bound",
        "double-pooling",
        "eleventh-client",
        "five-thousand-on-fifty",
        "idle-in-transaction",
        "json-api",
        "login-storm",
        "long-transactions",
        "mixed-traffic",
        "query-fan-out",
        "retry-storm",
        "storefront",
        "ten-times",
        "thousands-on-twenty",
        "tour",
        "traffic-grows",
        "web-framework",
      ].map((name) => `${name}.yaml`),
    ));
  test("each has its row in the README: claim, verdict and figure", () => {
    const rows = /^\| `([a-z-]+)` \| .{20,} \| .*\d.* \|$/gm;
    const named = [...readFileSync("README.md", "utf8").matchAll(rows)].map((row) => row[1]);
    const missing = SHIPPED.map((name) => name.replace(".yaml", "")).filter(
      (name) => !named.includes(name),
    );
    expect(missing).toEqual([]);
  });
  for (const name of SHIPPED) {
    test(`${name} is in order and describes itself`, () => {
      const workload = loadWorkload(join("workloads", name));
      expect(workload.name).toBe(name.replace(".yaml", ""));
      expect(workload.description.length).toBeGreaterThan(80);
    });
    test(`${name} says what is claimed, by whom, whether it is true, and with which numbers`, () => {
      const head = readFileSync(join("workloads", name), "utf8").split(/^name:/m)[0] ?? "";
      const labels = [...head.matchAll(/^# ([A-Z][a-z]+): \S/gm)].map((found) => found[1]);
      expect(labels).toEqual([
        expect.stringMatching(/^(Claim|Situation)$/),
        "Source",
        "Verdict",
        "Numbers",
      ]);
    });
  }
});

test("the published JSON Schema is up to date", () => {
  const published = JSON.parse(readFileSync("workloads/workload.schema.json", "utf8"));
  expect(published).toEqual(JSON.parse(JSON.stringify(workloadJsonSchema())));
});

test("the defaults in the JSON Schema are those of a file that leaves them out", () => {
  type Schema = { properties: Record<string, Schema>; default: unknown };
  const { properties } = workloadJsonSchema() as unknown as Schema;
  const written = (["run", "network", "server"] as const).map((section) => {
    const { properties: keys = {} } = properties[section] as Schema;
    const defaults = Object.entries(keys).filter(([, key]) => key.default !== undefined);
    const pairs = defaults.map(([name, key]) => `${name}: ${key.default}`);
    return `${section}: { ${pairs.join(", ")} }\n`;
  });
  expect(written).toEqual([
    "run: { duration: 60 s, warmup: auto, seed: 1, precision: 5 % }\n",
    "network: { client: 0.5 ms, server: 0.2 ms }\n",
    "server: { max_connections: 100, connect_time: 15 ms, memory_per_connection: 10 MB, cpu_share: 1 }\n",
  ]);
  expect(parseWorkload(GOOD + written.join(""), FILE)).toEqual(parseWorkload(GOOD, FILE));
});

test("no text makes the loader throw anything but a ConfigError", () => {
  assert(
    property(string({ maxLength: 60 }), (text) => {
      for (const candidate of [text, `${GOOD}${text}`, swap("1 s", text)]) {
        try {
          parseWorkload(candidate, FILE);
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error;
        }
      }
    }),
    { numRuns: 300 },
  );
});
