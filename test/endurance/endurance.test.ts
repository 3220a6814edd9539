/** A few seconds of what `npm run endurance` does for an hour, and that its judges would see a fault. */
import { expect, test } from "vitest";
import { endure } from "./endurance.ts";
import { Ledger } from "./ledger.ts";
import { type Sample, trendOf } from "./memory.ts";
import { type Asking, ask, WrongAnswer } from "./questions.ts";
import type { Answer, Talker } from "./talker.ts";

test("a hundred clients, ten seconds, a trouble each half second, a crash of the database: no fault", async () => {
  // With this one SUSPEND meets clients who wait for a server in session mode.
  const seed = Number(process.env.PROPERTY_SEED ?? 2);
  const stop = new AbortController().signal;
  const outcome = await endure({ minutes: 1 / 6, connections: 100, seed, every: 500, stop });
  expect(outcome.faults, `seed ${seed}`).toEqual([]);
  expect(outcome.answers, `seed ${seed}`).toBeGreaterThan(100);
  expect([...outcome.troubles.keys()], `seed ${seed}`).toContain("restart");
});

test("an error is called for while its trouble lasts and a little longer, by so many clients of its database", () => {
  let now = 0;
  const ledger = new Ledger(() => now);
  const crash = "57P01 terminating connection due to administrator command";
  const open = ledger.allow({ trouble: "kill", errors: /^57P01 /, database: "busy", most: 3 });
  ledger.error("busy", crash, 0);
  ledger.error("crowd", crash, 0);
  ledger.error("busy", "08P01 server conn crashed?", 0);
  ledger.close(open);
  now = 9_999;
  ledger.error("busy", crash, 0);
  now = 10_001;
  ledger.error("busy", crash, 0);
  const counted = ledger.allow({ trouble: "terminate", errors: /crashed/, most: 1 });
  for (let client = 0; client < 2; client++) ledger.error("busy", "08P01 server conn crashed?", 0);
  expect(counted.used).toBe(1);
  expect([...ledger.calledFor]).toEqual([
    ["kill", 2],
    ["terminate", 1],
  ]);
  expect(ledger.complaints.map(({ at, database, error }) => [at, database, error])).toEqual([
    [0, "crowd", crash],
    [0, "busy", "08P01 server conn crashed?"],
    [10_001, "busy", crash],
    [10_001, "busy", "08P01 server conn crashed?"],
  ]);
});

test("a trouble of many does not use up what one client's trouble calls for, whose error comes later", () => {
  const ledger = new Ledger(() => 0);
  const errors = /^08P01 admin forced disconnect$/;
  const one = ledger.allow({ trouble: "kill_client", errors, most: 1 });
  ledger.allow({ trouble: "kill", errors, database: "busy" });
  ledger.error("busy", "08P01 admin forced disconnect", 0);
  expect(one.used).toBe(0);
  ledger.error("sticky", "08P01 admin forced disconnect", 0);
  expect([one.used, ledger.complaints]).toEqual([1, []]);
});

test("what ends every connection explains an error however late, but only of those that were open then", () => {
  let now = 0;
  const ledger = new Ledger(() => now);
  const removed = "08P01 database removed";
  const open = ledger.allow({ trouble: "kill", errors: /removed/, everybody: true });
  now = 5_000;
  ledger.close(open);
  now = 60_000;
  ledger.error("busy", removed, 4_000);
  ledger.error("busy", removed, 6_000);
  expect(open.used).toBe(1);
  expect(ledger.complaints).toHaveLength(1);
});

test("query_wait_timeout is called for by a wait as long as that, and by no shorter one", () => {
  const ledger = new Ledger(() => 60_000);
  const errors = /^08P01 query_wait_timeout$/;
  const open = ledger.allow({ trouble: "query_wait_timeout", errors, after: 50_000 });
  ledger.error("sticky", "08P01 query_wait_timeout", 0, 10_000);
  ledger.error("sticky", "08P01 query_wait_timeout", 0, 10_001);
  ledger.error("sticky", "08P01 query_wait_timeout", 0);
  expect(open.used).toBe(1);
  expect(ledger.complaints).toHaveLength(2);
});

const MIB = 1 << 20;

/** A thousand samples, a second apart. */
const samples = (bytes: (index: number) => number): Sample[] =>
  Array.from({ length: 1_000 }, (_, index) => ({ at: 1_000 * index, bytes: bytes(index) }));

for (const [what, bytes, flat] of [
  ["the same all the time", () => 120 * MIB, true],
  ["peaks that the collector takes back", (i: number) => (120 + (i % 40)) * MIB, true],
  ["a warm-up", (i: number) => Math.min(120, 60 + i) * MIB, true],
  ["7 MiB more in the end, within the slack", (i: number) => 120 * MIB + (7 / 750) * i * MIB, true],
  ["12 MiB more in the end", (i: number) => 120 * MIB + (12 / 750) * i * MIB, false],
  ["peaks that grow with what lies below", (i: number) => (120 + (i % 40) + i / 20) * MIB, false],
] as const)
  test(`memory: ${what} is ${flat ? "flat" : "growth"}`, () => {
    expect(trendOf(samples(bytes))?.flat).toBe(flat);
  });

test("memory: of a few samples nothing is said", () => {
  expect(trendOf(samples(() => MIB).slice(0, 100))).toBeUndefined();
});

const asking: Asking = { word: "mine", draw: () => 0.5, rest: async () => undefined };

/** A client whose every question gets this answer. */
function answering(answer: Answer): Talker {
  const talker = { exchange: async () => answer, socket: { pause() {}, resume() {} } };
  return talker as unknown as Talker;
}

for (const [what, answer] of [
  ["another's row", { values: ["yours"], errors: [] }],
  ["no row", { values: [], errors: [] }],
  ["a row too many", { values: ["mine", "mine"], errors: [] }],
  ["an error", { values: ["mine"], errors: [{ sqlstate: "XX000", text: "" }] }],
] as const)
  test(`a question notices ${what}`, async () => {
    const talker = answering(answer as unknown as Answer);
    await expect(ask.simple(talker, asking)).rejects.toThrow(WrongAnswer);
    await expect(ask.slow(talker, asking)).rejects.toThrow(WrongAnswer);
  });
