/** What a server connection keeps of its clients: prepared statements, and parameters. */
import { describe, expect, test } from "vitest";
import { STAT } from "../../engine/core/index.ts";
import { IDEAL, type RunResult, simulate } from "../../sim/model/index.ts";
import {
  closedKind,
  constant,
  exponential,
  MS,
  SECOND,
  textbook,
  times,
} from "../../sim/study/theory/textbook.ts";
import type { ClientKind, Workload } from "../../workloads/schema/workload.ts";

const run = (workload: Workload, seconds: number): RunResult =>
  simulate(workload, { duration: seconds * SECOND, trace: true });
const stat = (result: RunResult, name: keyof typeof STAT): number =>
  result.stats[STAT[name]] as number;
const responses = (result: RunResult): number[] =>
  (result.trace?.response ?? []).map((each) => each / MS);

const preparing = (kind: ClientKind, statements: number, parse_ms: number): ClientKind => ({
  ...kind,
  prepared: { statements, parse: parse_ms * MS },
});

describe("prepared statements", () => {
  test("100 clients of one statement, 20 servers: 20 parses", () => {
    const kind = preparing(closedKind(100, exponential(20), exponential(10)), 1, 1);
    const result = run(textbook([kind], 20), 5);
    expect(stat(result, "server_parse_count")).toBe(20);
    expect(stat(result, "bind_count")).toBe(stat(result, "server_assignment_count"));
  });

  test("the first use takes longer by the parse, the others do not", () => {
    const kind = preparing(closedKind(1, constant(1), constant(10)), 1, 2);
    expect(responses(run(textbook([kind], 1), 0.05))).toEqual([12, 10, 10, 10, 10]);
  });

  test("beyond max_prepared_statements the least recently used is forgotten", () => {
    const kind = preparing(closedKind(1, constant(0), constant(10)), 3, 0);
    const workload = textbook([kind], 1);
    const parses = (max_prepared_statements: number): number =>
      stat(run({ ...workload, max_prepared_statements }, 60), "server_parse_count");
    expect([3, 200, 0].map(parses)).toEqual([3, 3, 3]);
    // Of three that are equally likely, a server that keeps n has the next one with chance n / 3.
    const uses = 6000;
    for (const [kept, share] of [
      [1, 2 / 3],
      [2, 1 / 3],
    ] as const)
      expect(Math.abs(parses(kept) / uses - share)).toBeLessThan(5 * Math.sqrt(2 / 9 / uses));
  });

  test("session mode: DISCARD ALL takes them away, so each session parses again", () => {
    const session = { transactions: times(4), away: constant(5) } as const;
    const kind = preparing({ ...closedKind(1, constant(0), constant(10)), session }, 1, 2);
    const result = run(textbook([kind], 1, { pool_mode: "session" }), 0.2);
    expect(responses(result).slice(0, 8)).toEqual([12, 10, 10, 10, 12, 10, 10, 10]);
  });

  test("a new connection knows nothing", () => {
    const kind = preparing(closedKind(4, exponential(20), exponential(10)), 1, 0);
    const result = run(textbook([kind], 1, { server_lifetime: SECOND }), 10);
    expect(stat(result, "server_parse_count")).toBe(result.server_connections.opened);
    expect(result.server_connections.opened).toBeGreaterThan(5);
  });
});

describe("parameters", () => {
  const alone = closedKind(1, constant(0), constant(10));
  const workload = (...parameters: (string | undefined)[]): Workload => ({
    ...textbook(
      parameters.map((each, i) => ({ ...alone, name: `kind ${i}`, parameters: each })),
      1,
    ),
    network: { client: 0, server: MS },
  });
  // Two clients take turns on one server: 10 ms of service, 1 ms of network, and perhaps a SET between.
  for (const [first, second, turn, why] of [
    ["TimeZone=UTC", "TimeZone=CET", 12, "each turn a SET"],
    ["TimeZone=UTC", "TimeZone=UTC", 11, "equal ones cost nothing"],
    ["TimeZone=UTC", undefined, 12, "those of the database are others too"],
    [undefined, undefined, 11, "nothing said, nothing set"],
  ] as const) {
    test(`${first} beside ${second}: ${turn} ms a turn: ${why}`, () => {
      const result = run(workload(first, second), 2);
      expect(responses(result).slice(4, 50)).toEqual(Array(46).fill(2 * turn));
    });
  }

  test("a machine's own SET takes as long as was measured, beside the network", () => {
    const machine = { ...IDEAL, set: constant(0.5) };
    const result = simulate(workload("a", "b"), { duration: SECOND, trace: true, machine });
    expect(responses(result).slice(4, 30)).toEqual(Array(26).fill(2 * 12.5));
  });

  test("within a transaction nobody comes between", () => {
    const statements = (kind: ClientKind): ClientKind => ({
      ...kind,
      transaction: { ...kind.transaction, statements: times(3) },
    });
    const both = workload("a", "b");
    const result = run({ ...both, clients: both.clients.map(statements) }, 2);
    expect(responses(result).slice(4, 20)).toEqual(Array(16).fill(2 * (3 * 11 + 1)));
  });
});
