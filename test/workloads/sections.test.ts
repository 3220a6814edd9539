/** The parts of a workload beyond the textbook: cores, schedule, pools in the application, retries. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { MILLISECOND as MS, SECOND } from "../../engine/core/index.ts";
import { loadWorkload, parseWorkload } from "../../workloads/schema/load.ts";
import { FILE, GOOD, swap } from "./shop.ts";

const REFUSALS: readonly [why: string, text: string, message: string][] = [
  [
    "cores below nothing",
    `${GOOD}server: { cores: -2 }\n`,
    `${FILE}:7: server.cores is "-2"; expected a number of cores above 0`,
  ],
  [
    "a misspelt part of the speed",
    `${GOOD}server: { speed: { cap: 3, kneee: 2 } }\n`,
    `${FILE}:7: server.speed.kneee is unknown; expected cap | knee; did you mean "knee"?`,
  ],
  [
    "a part of the law that is no share",
    `${GOOD}server: { usl: { sigma: 2, kappa: 0 } }\n`,
    `${FILE}:7: server.usl.sigma is "2"; expected a serial part from 0 to 1`,
  ],
  [
    "two laws of the speed",
    `${GOOD}server: { speed: { cap: 3 }, usl: { sigma: 0.1, kappa: 0 } }\n`,
    `${FILE}:7: server has both speed and usl; expected one law of how fast the database is; remove one of them`,
  ],
  [
    "set-up on cores that are not there",
    `${GOOD}server: { connect_cpu: 5 ms }\n`,
    `${FILE}:7: server.connect_cpu needs cores to work on; expected server.cores, server.speed or server.usl beside it; add cores: 8`,
  ],
  [
    "a discipline that nobody has",
    `${GOOD}pooler: { discipline: lilo }\n`,
    `${FILE}:7: pooler.discipline is "lilo"; expected fifo | lifo | race | poll`,
  ],
  [
    "PgBouncer's setting in the wrong section",
    `${GOOD}pooler: { default_pool_size: 3 }\n`,
    `${FILE}:7: pooler.default_pool_size is unknown; expected discipline | wake_up | sleep | processes | peering | cpu_per_message`,
  ],
  [
    "a sleep of those that are served",
    `${GOOD}pooler: { discipline: lifo, sleep: 5 ms }\n`,
    `${FILE}:7: pooler.sleep is of no use to discipline lifo; expected discipline: poll beside it; remove it`,
  ],
  [
    "waiters that are awake before they are woken",
    `${GOOD}pooler: { discipline: race, wake_up: 0 ms }\n`,
    `${FILE}:7: pooler.wake_up is "0 ms"; expected a duration above 0`,
  ],
  [
    "no process at all",
    `${GOOD}pooler: { processes: 0 }\n`,
    `${FILE}:7: pooler.processes is "0"; expected a whole number from 1`,
  ],
  [
    "more processes than any machine has cores",
    `${GOOD}pooler: { processes: 1e9 }\n`,
    `${FILE}:7: pooler.processes is "1000000000"; expected a whole number from 1 to 1000`,
  ],
  [
    "a warm-up that is neither",
    `${GOOD}run: { warmup: never }\n`,
    `${FILE}:7: run.warmup is "never"; expected auto, or a duration such as 10 ms, 1.5 s, 2 min`,
  ],
  [
    "peers of one process",
    `${GOOD}pooler: { peering: 50 us }\n`,
    `${FILE}:7: pooler.peering is of no use to one process; expected processes: 2 or more beside it; remove it`,
  ],
  [
    "work without a unit",
    `${GOOD}pooler: { cpu_per_message: 12 }\n`,
    `${FILE}:7: pooler.cpu_per_message is "12"; expected a duration such as 10 ms, 1.5 s, 2 min; give it a unit: 12 ms or 12 s?`,
  ],
  [
    "prepared statements that break in a user's mode",
    `${swap("    think: 1 s", "    think: 1 s\n    prepared: { statements: 5, parse: 1 ms }")}pgbouncer: { max_prepared_statements: 0 }\nusers: { app: { pool_mode: statement } }\n`,
    `${FILE}:6: clients[0].prepared breaks in statement mode with max_prepared_statements = 0; expected max_prepared_statements above 0, or session mode; set max_prepared_statements: 200`,
  ],
  [
    "prepared statements that break",
    `${swap("    think: 1 s", "    think: 1 s\n    prepared: { statements: 5, parse: 1 ms }")}pgbouncer: { pool_mode: transaction, max_prepared_statements: 0 }\n`,
    `${FILE}:6: clients[0].prepared breaks in transaction mode with max_prepared_statements = 0; expected max_prepared_statements above 0, or session mode; set max_prepared_statements: 200`,
  ],
  [
    "a parse that is no time",
    swap("    think: 1 s", "    think: 1 s\n    prepared: { statements: 5, parse: much }"),
    `${FILE}:6: clients[0].prepared.parse is "much"; expected a duration such as 10 ms, 1.5 s, 2 min`,
  ],
  [
    "parameters of no text",
    swap("    think: 1 s", "    think: 1 s\n    parameters: ''"),
    `${FILE}:6: clients[0].parameters is ""; expected a text, such as TimeZone=Europe/Berlin`,
  ],
  [
    "an entry of the schedule that says nothing",
    `${GOOD}schedule: [{ at: 1 s, for: 2 s }]\n`,
    `${FILE}:7: schedule[0] says nothing that happens; expected factor (load), curve (load by a file) or fault (of the database, of the pooler); add factor: 3`,
  ],
  [
    "a spike of unknown length",
    `${GOOD}schedule: [{ at: 1 s, clients: browsing, factor: 2 }]\n`,
    `${FILE}:7: schedule[0].for is missing; expected at, for, clients beside factor`,
  ],
  [
    "a fault of some clients",
    `${GOOD}schedule: [{ at: 1 s, for: 2 s, fault: stall, clients: browsing }]\n`,
    `${FILE}:7: schedule[0].clients does not go with fault; expected fault, at, for, shutdown; remove it, or make two entries of it`,
  ],
  [
    "turns on cores that there are not",
    `${GOOD}server: { quantum: 4 ms }\n`,
    `${FILE}:7: server.quantum needs cores whose time it is; expected server.cores, server.speed or server.usl beside it; add cores: 8`,
  ],
  [
    "turns that are shorter than a switch",
    `${GOOD}server: { cores: 2, quantum: 1 us }\n`,
    `${FILE}:7: server.quantum is too short for a turn; expected 10 us or more; leave it out: statements then advance all alike`,
  ],
  [
    "an unknown fault",
    `${GOOD}schedule: [{ at: 1 s, for: 2 s, fault: reboot }]\n`,
    `${FILE}:7: schedule[0].fault is "reboot"; expected restart | failover | stall | pooler_restart | pooler_takeover`,
  ],
  [
    "a way to go that PgBouncer has not",
    `${GOOD}schedule: [{ at: 1 s, for: 2 s, fault: pooler_restart, shutdown: wait_for_godot }]\n`,
    `${FILE}:7: schedule[0].shutdown is "wait_for_godot"; expected immediate | wait_for_servers | wait_for_clients`,
  ],
  [
    "a shutdown of the database",
    `${GOOD}schedule: [{ at: 1 s, for: 2 s, fault: restart, shutdown: immediate }]\n`,
    `${FILE}:7: schedule[0].shutdown does not go with fault: restart; expected fault: pooler_restart or pooler_takeover beside it; remove it`,
  ],
  [
    "two faults at once",
    `${GOOD}schedule: [{ at: 1 s, for: 9 s, fault: stall }, { at: 2 s, for: 1 s, fault: restart }]\n`,
    `${FILE}:7: schedule[1] begins a restart before the fault before it is over; expected one fault at a time`,
  ],
  [
    "load of nobody",
    `${GOOD}schedule: [{ at: 1 s, for: 9 s, factor: 2, clients: brosing }]\n`,
    `${FILE}:7: schedule[0].clients is "brosing"; expected one of browsing; did you mean "browsing"?`,
  ],
  [
    "a negative factor",
    `${GOOD}schedule: [{ at: 1 s, for: 9 s, factor: -2, clients: browsing }]\n`,
    `${FILE}:7: schedule[0].factor is "-2"; expected a factor from 0 to 1000000, such as 3`,
  ],
  [
    "a factor for which no run ends",
    `${GOOD}schedule: [{ at: 1 s, for: 9 s, factor: 1e12, clients: browsing }]\n`,
    `${FILE}:7: schedule[0].factor is "1000000000000"; expected a factor from 0 to 1000000, such as 3`,
  ],
  [
    "an app pool without connections",
    swap("count: 3", "count: 3\n    app_pool: { instances: 2, size: 0 }"),
    `${FILE}:5: clients[0].app_pool.size is "0"; expected a whole number from 1`,
  ],
  [
    "an app pool that must have more than it may",
    swap("count: 3", "count: 3\n    app_pool: { instances: 2, size: 3, min_size: 4 }"),
    `${FILE}:5: clients[0].app_pool.min_size is "4"; expected at most its size, 3`,
  ],
  [
    "no patience at all",
    swap("count: 3", "count: 3\n    timeout: 0 s"),
    `${FILE}:5: clients[0].timeout is "0"; expected a duration above 0; leave it out for clients that wait as long as it takes`,
  ],
  [
    "a timeout of no kind",
    swap("count: 3", "count: 3\n    timeout: { after: 5 s, action: shout }"),
    `${FILE}:5: clients[0].timeout is "{\\"after\\":\\"5 s\\",\\"action\\":\\"shout\\"}"; expected a duration such as 5 s, or { after: 5 s, action: cancel }`,
  ],
  [
    "a misspelt retry",
    swap("count: 3", "count: 3\n    retry: { atempts: 2 }"),
    `${FILE}:5: clients[0].retry.atempts is unknown; expected attempts | backoff | factor | jitter; did you mean "attempts"?`,
  ],
];

describe("refused with place, finding, choices and fix", () => {
  for (const [why, text, message] of REFUSALS)
    test(why, () => expect(() => parseWorkload(text, FILE)).toThrow(message));
});

/** What is wrong with a daily curve of these lines; `curve.csv` stands for its path. */
function curveRefusal(lines: string, entry = ""): string {
  const folder = mkdtempSync(join(tmpdir(), "poolwise-test-"));
  writeFileSync(join(folder, "curve.csv"), lines);
  const file = join(folder, "shop.yaml");
  const curve = `{ clients: browsing, curve: curve.csv${entry} }`;
  writeFileSync(file, `${GOOD}schedule: [${curve}, { at: 1 s, for: 1 s, fault: stall }]\n`);
  try {
    expect(loadWorkload(file).faults).toEqual([{ at: SECOND, for: SECOND, fault: "stall" }]);
    return JSON.stringify(loadWorkload(file).curves);
  } catch (error) {
    return (error as Error).message.replaceAll(`${folder}/`, "");
  }
}

test("a timeout is a duration, or says what happens when it is over", () => {
  const kindOf = (timeout: string) =>
    parseWorkload(swap("count: 3", `count: 3\n    timeout: ${timeout}`), FILE).clients[0];
  const hangsUp = kindOf("5 s");
  expect(hangsUp).toMatchObject({ timeout: 5 * SECOND });
  expect(kindOf("{ after: 5 s, action: disconnect }")).toEqual(hangsUp);
  expect(kindOf("{ after: 5 s, action: cancel }")).toEqual({ ...hangsUp, cancels: true });
});

describe("a daily curve", () => {
  const hour = 3600 * SECOND;
  test("times of the day or durations, and a head if it has one", () => {
    const points = [
      { at: 0, factor: 0.2 },
      { at: 8.5 * hour, factor: 2 },
      { at: 20 * hour, factor: 1 },
    ];
    const every = 24 * hour;
    expect(curveRefusal("time, factor\n00:00, 0.2\n08:30, 2\n20 h, 1\n")).toBe(
      JSON.stringify([{ clients: "browsing", points, every }]),
    );
  });
  for (const [why, lines, entry, message] of [
    ["no number", "00:00, much\n", "", 'curve.csv:1: line is "00:00, much"'],
    [
      "a load for which no run ends",
      "00:00, 1e12\n",
      "",
      'line is "00:00, 1e12"; expected lines of',
    ],
    ["endless load", "00:00, Infinity\n", "", 'line is "00:00, Infinity"'],
    ["no time", "noon at 3, 1\n", "", 'curve.csv:1: time is "noon at 3"'],
    ["no minute", "00:00, 1\n12:75, 1\n", "", 'curve.csv:2: time is "12:75"; expected 06:00 or a'],
    ["a late begin", "01:00, 1\n", "", 'curve.csv:1: time is "01:00"; expected 00:00 first'],
    ["falling times", "00:00, 1\n2 h, 1\n1 h, 1", "", "curve.csv:3: time is"],
    ["too long", "00:00, 1\n2 h, 1\n", ", every: 1 h", "curve.csv:2: time is"],
    ["nothing", "\n", "", "curve.csv: the curve is empty"],
  ] as const)
    test(`${why} is refused by file and line`, () =>
      expect(curveRefusal(lines, entry)).toContain(message));
});

test("the database's speed: what is left out has its default", () => {
  const server = (text: string) => parseWorkload(`${GOOD}server: ${text}\n`, FILE).server;
  expect(server("{}")).toMatchObject({ cores: undefined, cpu_share: 1, speed: undefined });
  const given = server("{ cores: 8, cpu_share: 60 %, speed: { cap: 6.9 }, connect_cpu: 5 ms }");
  expect(given).toMatchObject({ cores: 8, cpu_share: 0.6, speed: { cap: 6.9, knee: 4 } });
  expect(given.connect_cpu).toEqual({ kind: "constant", value: 5 * MS });
});

describe("pooler", () => {
  const read = (section: string) => parseWorkload(`${GOOD}pooler: ${section}\n`, FILE).pooler;

  test("without the section there is none: PgBouncer's rule, one process, no work", () => {
    expect(parseWorkload(GOOD, FILE).pooler).toBeUndefined();
  });

  test("what is left out of it is PgBouncer's, pgagroal's, or a guess", () => {
    expect(read("{}")).toEqual({
      ...{ discipline: "fifo", processes: 1, cpu_per_message: 0 },
      ...{ wake_up: 0.1 * MS, sleep: 500 * MS },
    });
    expect(
      read("{ discipline: poll, sleep: 20 ms, processes: 4, cpu_per_message: 12 us }"),
    ).toEqual({
      ...{ discipline: "poll", processes: 4, cpu_per_message: 12_000 },
      ...{ wake_up: 0.1 * MS, sleep: 20 * MS },
    });
  });

  test("peers are known where the file says how far away they are, or the ini has [peers]", () => {
    expect(read("{ processes: 2, peering: 50 us }")?.peering).toBe(50_000);
    expect(read("{ processes: 2 }")).not.toHaveProperty("peering");
    const ini = join(mkdtempSync(join(tmpdir(), "poolwise-")), "pgbouncer.ini");
    writeFileSync(
      ini,
      "[databases]\napp = host=db\n[pgbouncer]\n[peers]\n1 = host=/tmp\n2 = host=/var\n",
    );
    const text = `${GOOD}pooler: { processes: 2 }\n`;
    expect(parseWorkload(text, FILE, { ini }).pooler?.peering).toBe(0);
    expect(parseWorkload(GOOD, FILE, { ini }).pooler).toBeUndefined();
  });

  test("a command line can set it", () => {
    const set = ["pooler.discipline=lifo", "pooler.processes=2"];
    expect(parseWorkload(GOOD, FILE, { set }).pooler).toMatchObject({
      discipline: "lifo",
      processes: 2,
    });
  });

  test("stats_period is read from the pooler's settings", () => {
    const text = `${GOOD}pgbouncer: { stats_period: 10 }\n`;
    expect(parseWorkload(text, FILE).stats_period).toBe(10 * SECOND);
  });
});
