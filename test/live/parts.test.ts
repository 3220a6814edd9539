/** The driver's parts without a network: statements, answers, clocks, timers, tables. */
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dataRow, errorResponse, noticeResponse, readyForQuery } from "../../engine/wire/writer.ts";
import { OutsideError } from "../../workloads/database/errors.ts";
import { Answers } from "../../workloads/live/answers.ts";
import { Client } from "../../workloads/live/client.ts";
import { bestReading, ServerClock } from "../../workloads/live/clock.ts";
import { ClientDraws, Kind } from "../../workloads/live/draws.ts";
import { ErrorCounter } from "../../workloads/live/errors.ts";
import { checkOpenFiles, openFilesLimit } from "../../workloads/live/open-files.ts";
import { loginParameters } from "../../workloads/live/parameters.ts";
import { preparedMessage, preparedSql } from "../../workloads/live/prepared.ts";
import { appendSession, sessionRecords, trim } from "../../workloads/live/records.ts";
import type { Stage } from "../../workloads/live/stage.ts";
import { Counts, Sleeps, wholeMilliseconds } from "../../workloads/live/statements.ts";
import { Timers } from "../../workloads/live/timers.ts";
import { kind } from "./helpers.ts";

describe("a service time is played as pg_sleep plays it", () => {
  const cases = [
    // ns, ns played, why
    [0, 0, "nothing is not a sleep"],
    [1, 1_000_000, "rounded up, not to the nearest"],
    [1_000_000, 1_000_000, "a whole millisecond stays"],
    [1_000_001, 2_000_000, "just above"],
    [20_000_000, 20_000_000, "twenty stay twenty"],
  ] as const;
  for (const [service, played, why] of cases)
    test(`${service} ns -> ${played} ns: ${why}`, () => {
      expect(wholeMilliseconds(service)).toBe(played);
    });

  // pg_sleep rounds what is left up to whole milliseconds, and its sums of seconds are not exact.
  for (const [played, asked] of [
    [0, "0.0000"],
    [1_000_000, "0.0005"],
    [3_000_000, "0.0025"],
    [1_234_000_000, "1.2335"],
  ] as const)
    test(`for ${played} ns it is asked for ${asked} s`, () => {
      expect(new Sleeps().parameter(played)).toBe(asked);
    });
});

describe("a transaction of k statements is k messages", () => {
  const statements = new Sleeps();
  const sql = "select (extract(epoch from clock_timestamp())*1000000)::bigint, pg_sleep(0.0195)";
  for (const [place, want] of [
    ["only", sql],
    ["first", `begin; ${sql}`],
    ["middle", sql],
    ["last", `${sql}; commit`],
  ] as const)
    test(`${place}: ${want.slice(0, 7)}...`, () => {
      const message = statements.message(place, 20_000_000);
      expect(message.toString("latin1", 5, message.length - 1)).toBe(want);
      expect(message.toString("latin1", 0, 1)).toBe("Q");
      expect(message.readUInt32BE(1)).toBe(message.length - 1);
      expect(statements.message(place, 20_000_000)).toBe(message);
    });
});

test("who is never away, and is lost or refused, comes back a millisecond later", () => {
  const pauses: number[] = [];
  const pause = (_player: unknown, _at: number, length: number) => pauses.push(length);
  // Of the stage a client that comes back needs no more.
  const stage = { started: true, errors: new ErrorCounter(), pause } as unknown as Stage;
  const address = { host: "/nowhere", port: 1, user: "me", database: "mine" };
  const client = new Client(0, stage, address, new ClientDraws(new Kind(1, kind(), 0), 0));
  client.onRefused(5, 1);
  client.onLost(7, { kind: "silent", error: { sqlstate: "", text: "gone" } });
  expect(pauses).toEqual([1_000_000, 1_000_000]);
});

describe("where the server stands still", () => {
  const statements = new Sleeps([{ begin: 1000.25, length: 0.5 }]);
  const started = "extract(epoch from statement_timestamp())";
  const lost = (service: string): string =>
    `pg_sleep(${started} - extract(epoch from clock_timestamp()) + ${service} + ` +
    `case when ${started} between 1000.250000 - ${service} and 1000.250000 then 0.5 else 0 end)`;

  test("who is in the midst of a sleep makes up for it", () => {
    const message = statements.message("only", 20_000_000).toString("latin1");
    expect(message).toContain(`pg_sleep(0.0195), ${lost("0.0195")}`);
  });

  test("a prepared statement too", () => {
    const text = preparedSql(statements, "one");
    expect(text).toContain(`pg_sleep($1::numeric), ${lost("$1::numeric")} /* one */`);
  });
});

describe("parameters as they are said at login", () => {
  const read = (parameters: string | undefined) => loginParameters(kind({ parameters }), "w.yaml");
  for (const [text, want] of [
    [undefined, []],
    ["TimeZone=UTC", [["TimeZone", "UTC"]]],
    [" timezone = UTC ;; ", [["timezone", "UTC"]]],
    [
      "DateStyle=SQL, DMY; application_name=a=b",
      [
        ["DateStyle", "SQL, DMY"],
        ["application_name", "a=b"],
      ],
    ],
  ] as const)
    test(`${text} -> ${want.length}`, () => expect(read(text)).toEqual(want));

  for (const text of ["utc", "TimeZone=", "=UTC", "search_path=a", "TimeZone=UTC; work_mem=4MB"])
    test(`${text} is refused, with what is tracked`, () => {
      const wrong = text.split("; ").at(-1);
      expect(() => read(text)).toThrow(`w.yaml: parameters of web is "${wrong}"`);
      expect(() => read(text)).toThrow("TimeZone | ");
    });
});

describe("a prepared statement is one batch, and parsed once on a connection", () => {
  for (const [place, first, later] of [
    ["only", "PBES", "BES"],
    ["first", "PBEPBES", "PBEBES"],
    ["middle", "PBES", "BES"],
    ["last", "PBEPBES", "BEPBES"],
  ] as const)
    test(`${place}: ${first}, then ${later}`, () => {
      const known = new Set<string>();
      const next = () => preparedMessage(new Sleeps(), "one", place, 20_000_000, known);
      const [parsed, again] = [next(), next()];
      expect([typesOf(parsed), typesOf(again)]).toEqual([first, later]);
      expect(parsed.includes("pg_sleep($1) /* one */")).toBe(true);
      expect(again.includes("0.0195")).toBe(true);
      expect(again.includes("begin")).toBe(place === "first");
      expect(again.includes("commit")).toBe(place === "last");
    });

  test("another name is another text, and counted rows are its parameter too", () => {
    const counts = new Counts(50.5);
    const message = (name: string) => preparedMessage(counts, name, "only", 5_050, new Set());
    expect(message("one").includes("generate_series(1, $1::integer)")).toBe(true);
    expect(message("one").includes("100")).toBe(true);
    expect(preparedSql(counts, "one")).not.toBe(preparedSql(counts, "two"));
  });
});

/** The letters of the messages in `bytes`. */
function typesOf(bytes: Buffer): string {
  let types = "";
  for (let at = 0; at < bytes.length; at += 1 + bytes.readUInt32BE(at + 1))
    types += String.fromCharCode(bytes[at] ?? 0);
  return types;
}

describe("a service time on a core is played in whole rows", () => {
  const counts = new Counts(50.5); // ns a row
  const cases = [
    // ns, ns played, rows, why
    [0, 0, 0, "nothing is no row"],
    [25, 0, 0, "less than half a row is none"],
    [26, 51, 1, "more than half is one"],
    [5_000_000, 5_000_005, 99_010, "rounded to the nearest row, then to whole nanoseconds"],
  ] as const;
  for (const [service, played, rows, why] of cases)
    test(`${service} ns -> ${rows} rows: ${why}`, () => {
      expect(counts.played(service)).toBe(played);
      const sql = counts.message("first", played).toString("latin1", 5);
      expect(sql).toContain("begin; select (extract(epoch");
      expect(sql).toContain(`generate_series(1, ${rows})`);
    });
});

describe("answers are read whatever chunks they come in", () => {
  const row = (stamp: string): Buffer => dataRow([stamp, ""]);
  const stream = Buffer.concat([
    noticeResponse("waiting"),
    row("1700000000123456"),
    readyForQuery("T"),
    errorResponse("FATAL", "08P01", "query_wait_timeout"),
    readyForQuery("I"),
  ]);
  function read(cuts: number[]): unknown[] {
    const seen: unknown[] = [];
    const answers: Answers = new Answers(() => {
      seen.push([answers.stamp, answers.status, answers.error]);
      answers.reset();
    });
    const common = Buffer.alloc(stream.length); // Overwritten by the next chunk, as in real life.
    let from = 0;
    for (const to of [...new Set(cuts), stream.length].sort((a, b) => a - b)) {
      stream.copy(common, 0, from, to);
      answers.feed(common, to - from);
      common.fill(0xff);
      from = to;
    }
    return seen;
  }
  const want = [
    [1_700_000_000_123_456, "T", undefined],
    [Number.NaN, "I", { sqlstate: "08P01", text: "query_wait_timeout" }],
  ];

  test("whole", () => expect(read([])).toEqual(want));
  test("byte by byte", () => expect(read([...stream.keys()])).toEqual(want));
  test("cut anywhere", () => {
    const cuts = fc.array(fc.nat(stream.length - 1));
    fc.assert(fc.property(cuts, (places) => void expect(read(places)).toEqual(want)));
  });
});

describe("the server's clock in terms of ours", () => {
  // At our 1000 s the server showed 5 000 000 us; 100 s later it had gained 1 ms.
  const clock = new ServerClock({ at: 1e12, stamp: 5e6, roundTrip: 50_000 });
  clock.finish({ at: 1.1e12, stamp: 105e6 + 1_000, roundTrip: 60_000 });

  test("drift is what the server gained", () => expect(clock.drift).toBe(1e6));
  test("a stamp becomes our time, drift left aside", () => {
    expect(clock.rough(5e6 + 2_000_000)).toBe(1e12 + 2e9);
  });
  test("what was gained grows in a straight line", () => {
    expect(clock.gainedAt(1e12)).toBe(0);
    expect(clock.gainedAt(1.05e12)).toBe(0.5e6);
    expect(clock.gainedAt(1.1e12)).toBe(1e6);
  });
  test("today's microseconds survive: no nanoseconds since 1970 are formed", () => {
    const today = 1.76e15;
    const exact = new ServerClock({ at: 7, stamp: today, roundTrip: 1 });
    expect(exact.rough(today + 1) - exact.rough(today)).toBe(1_000);
  });
  test("the shortest round trip wins", () => {
    const readings = [3, 1, 2].map((roundTrip) => ({ at: 0, stamp: 0, roundTrip }));
    expect(bestReading(readings)?.roundTrip).toBe(1);
    expect(bestReading([])).toBeUndefined();
  });
});

describe("timers", () => {
  test("fire in order of their due times, each once, the last setting counts", () => {
    const steps = fc.array(fc.record({ id: fc.nat(9), due: fc.nat(50), drop: fc.boolean() }));
    fc.assert(
      fc.property(steps, (settings) => {
        const fired: [number, number][] = [];
        const timers = new Timers((id, due) => fired.push([due, id]));
        const want = new Map<number, number>();
        for (const { id, due, drop } of settings) {
          if (drop) timers.cancel(id);
          else timers.set(id, due);
          if (drop) want.delete(id);
          else want.set(id, due);
        }
        timers.run(25);
        const early = [...want].filter(([, due]) => due <= 25).map(([id, due]) => [due, id]);
        expect([...fired].sort()).toEqual(early.sort());
        expect(fired.map(([due]) => due)).toEqual(fired.map(([due]) => due).sort((a, b) => a - b));
        timers.clear();
        timers.run(100);
        expect(fired).toHaveLength(early.length);
      }),
    );
  });

  test("never fire early, and tell how late they are", async () => {
    const late = await new Promise<number>((resolve) => {
      const timers = new Timers((_id, due, at) => resolve(at - due));
      timers.set(1, performance.now() * 1e6 + 2_300_000);
    });
    expect(late).toBeGreaterThanOrEqual(0);
  });
});

describe("tables and counters", () => {
  test("rows survive growing and trimming", () => {
    const records = sessionRecords(1);
    for (let client = 0; client < 9; client++)
      appendSession(records, {
        kind: 1,
        client,
        connected: -client,
        login: Number.NaN,
        outcome: 2,
        process: client % 2,
      });
    trim(records);
    expect(records.length).toBe(9);
    expect([...records.client]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(records.connected[8]).toBe(-8);
    expect([...records.process]).toEqual([0, 1, 0, 1, 0, 1, 0, 1, 0]);
    expect(records.login).toEqual(new Float64Array(9).fill(Number.NaN));
  });

  test("errors are counted by SQLSTATE and text; endless variety is pooled", () => {
    const counter = new ErrorCounter();
    const timeout = { sqlstate: "08P01", text: "query_wait_timeout" };
    expect([counter.count(timeout), counter.count(timeout)]).toEqual([1, 1]);
    for (let i = 0; i < 1_000; i++) counter.count({ sqlstate: "XX000", text: `number ${i}` });
    expect(counter.counts[0]).toEqual({ ...timeout, count: 2 });
    expect(counter.counts.length).toBeLessThan(250);
    expect(counter.total).toBe(1_002);
    expect(counter.counts.reduce((sum, { count }) => sum + count, 0)).toBe(1_002);
  });

  test("too few open files are refused with the command that helps", () => {
    expect(() => checkOpenFiles(5_000, 1_024)).toThrow(OutsideError);
    expect(() => checkOpenFiles(5_000, 1_024)).toThrow("ulimit -n 5064");
    expect(() => checkOpenFiles(960, 1_024)).not.toThrow();
    expect(openFilesLimit()).toBeGreaterThan(0);
  });
});
