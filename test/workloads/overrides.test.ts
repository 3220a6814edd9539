/** Options that change a workload: what they change, and that a mistake is told with the option. */
import { describe, expect, test } from "vitest";
import { MILLISECOND, SECOND } from "../../engine/core/index.ts";
import { type Overrides, parseWorkload } from "../../workloads/schema/load.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import { FILE, GOOD, refusal } from "./shop.ts";

const OPTION_REFUSALS: readonly [why: string, overrides: Overrides, message: string][] = [
  [
    "a negative count by --set",
    { set: ["clients.browsing.count=-1"] },
    '--set clients.browsing.count=-1: clients[0].count is "-1"; expected a whole number from 0',
  ],
  [
    "an unknown kind",
    { set: ["clients.brosing.count=1"] },
    '--set clients.brosing.count=1: brosing is unknown; expected one of browsing; did you mean "browsing"?',
  ],
  [
    "an unknown setting",
    { set: ["defalt_pool_size=3"] },
    '--set defalt_pool_size=3: defalt_pool_size is unknown; expected a setting of PgBouncer or a path such as clients.NAME.count, run.seed, server.connect_time; did you mean "default_pool_size"?',
  ],
  [
    "an unknown mode",
    { poolMode: "sesion" },
    '--pool-mode: pool_mode is "sesion"; expected session | transaction | statement; did you mean "session"?',
  ],
  [
    "what is nested in a value",
    { set: ["clients.browsing.think={ exponential: soon }"] },
    '--set clients.browsing.think={ exponential: soon }: clients[0].think.exponential is "soon"; expected a duration such as 10 ms, 1.5 s, 2 min; for counts a number from 0',
  ],
  [
    "an unknown key",
    { set: ["clients.browsing.cuont=3"] },
    '--set clients.browsing.cuont=3: clients[0].cuont is unknown; expected name | database | user | count | arrivals | session | think | transaction | app_pool | timeout | retry | prepared | parameters; did you mean "count"?',
  ],
  [
    "what is missing beside a value that made its section",
    { set: ["clients.browsing.app_pool.instances=3"] },
    "--set clients.browsing.app_pool.instances=3: clients[0].app_pool.size is missing; expected a whole number from 1",
  ],
  [
    "two that exclude each other, one of them from the file",
    { set: ["clients.browsing.arrivals.rate=5/s"] },
    "--set clients.browsing.arrivals.rate=5/s: clients[0] (browsing) has both count and arrivals; expected count (a closed population) or arrivals (sessions from outside); remove one of them",
  ],
  [
    "a key in a whole section",
    { set: ["server={ core: 4 }"] },
    '--set server={ core: 4 }: server.core is unknown; expected max_connections | connect_time | memory_per_connection | cores | cpu_share | speed | usl | quantum | connect_cpu; did you mean "cores"?',
  ],
  [
    "a section that is none",
    { set: ["slo=10 ms"] },
    '--set slo=10 ms: slo is "10 ms"; expected the keys wait_p50 | wait_p95 | wait_p99 | response_p95 | response_p99 | timeouts',
  ],
  [
    "a value that is no YAML",
    { set: ["clients.browsing.think={ exponential: 5 ms"] },
    "--set clients.browsing.think={ exponential: 5 ms: the value is no valid YAML: Flow map must end with a }; expected a value as in a workload file, such as { exponential: 5 ms }",
  ],
  [
    "what an object inherits",
    { set: ["server.__proto__.cores=3"] },
    "--set server.__proto__.cores=3: __proto__ is unknown; expected a setting of PgBouncer or a path such as clients.NAME.count, run.seed, server.connect_time",
  ],
  [
    "another option that stands for an assignment",
    { set: ["slo.wait_p99=soon"], typed: { "slo.wait_p99=soon": "--wait-p99 soon" } },
    '--wait-p99 soon: slo.wait_p99 is "soon"; expected a duration such as 10 ms, 1.5 s, 2 min',
  ],
  [
    "a run of no length",
    { duration: "0 s" },
    '--duration: run.duration is "0 s"; expected a duration above 0, such as 10 min',
  ],
  [
    "a duration without its unit",
    { duration: "10" },
    '--duration: run.duration is "10"; expected a duration such as 10 ms, 1.5 s, 2 min; give it a unit: 10 ms or 10 s?',
  ],
  ["no assignment", { set: ["seed"] }, '--set: assignment is "seed"; expected KEY=VALUE'],
];

describe("options are refused like lines of the file", () => {
  for (const [why, overrides, message] of OPTION_REFUSALS)
    test(why, () => expect(refusal(GOOD, overrides)).toBe(message));
});

test("options change the file before it is checked", () => {
  const set = [
    "clients.browsing.count=10",
    "default_pool_size=5",
    "run.seed=3",
    "server.connect_time={ exponential: 20 ms }",
  ];
  const workload = parseWorkload(GOOD, FILE, { set, poolMode: "statement", duration: "3 s" });
  expect(workload.clients[0]?.count).toBe(10);
  expect(workload.settings.default_pool_size).toBe(5);
  expect(workload.settings.pool_mode).toBe("statement");
  expect(workload.run).toMatchObject({ seed: 3, duration: 3 * SECOND });
  expect(workload.server.connect_time).toEqual({ kind: "exponential", mean: 20 * MILLISECOND });
});

test("a share on the command line may be a fraction or in per cent", () => {
  for (const precision of ["0.02", "2 %", "2%"])
    expect(parseWorkload(GOOD, FILE, { precision }).run.precision).toBe(0.02);
});

test("an option sets a whole section", () => {
  const set = [
    "slo={ wait_p99: 5 ms }",
    "schedule=[{ at: 1 s, for: 1 s, clients: browsing, factor: 2 }]",
  ];
  const { slo, schedule } = parseWorkload(GOOD, FILE, { set });
  expect(slo.wait_p99).toBe(5 * MILLISECOND);
  expect(schedule).toMatchObject([{ clients: "browsing", factor: 2 }]);
});

test("a kind of no clients is as if it were not there, nor its load", () => {
  const more = `  - { name: batch, count: 2, think: 1 h, transaction: { service: 5 ms } }\n`;
  const load = "schedule: [{ at: 1 s, for: 1 s, clients: batch, factor: 2 }]\n";
  const set = ["clients.batch.count=0"];
  expect(parseWorkload(GOOD + more + load, FILE, { set })).toEqual(parseWorkload(GOOD, FILE));
  expect(refusal(GOOD + more, { set: [...set, "clients.browsing.count=0"] })).toBe(
    "--set clients.browsing.count=0: clients has nobody: every count is 0; expected a count above 0, or " +
      "arrivals, of one kind at least; write count: 100",
  );
  expect(refusal(GOOD.replace("count: 3", "count: 0"))).toMatch(/^shop.yaml:4: clients has nobody/);
});

test("--pool-mode and --pool-size are for every database and user", () => {
  const entry = "{ pool_size: 60, pool_mode: session }";
  const text = `${GOOD}databases: { shop: ${entry} }\nusers: { app: ${entry} }\n`;
  const entries = ({ databases, users }: Workload["settings"]) => [databases[0], users[0]];
  for (const own of entries(parseWorkload(text, FILE).settings))
    expect(own).toMatchObject({ pool_size: 60, pool_mode: "session" });
  const changed = parseWorkload(text, FILE, { poolMode: "transaction", poolSize: 7 }).settings;
  for (const own of entries(changed)) {
    expect(own?.pool_size).toBeUndefined();
    expect(own?.pool_mode).toBeUndefined();
  }
  expect(changed).toMatchObject({ pool_mode: "transaction", default_pool_size: 7 });
});
