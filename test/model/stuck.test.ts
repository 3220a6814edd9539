/** A run ends when nobody who is pending can ever be served, and not before. */
import { expect, test } from "vitest";
import { type RunResult, simulate } from "../../sim/model/index.ts";
import { closedKind, constant, MS, SECOND, textbook } from "../../sim/study/theory/textbook.ts";
import type { ClientKind, Workload } from "../../workloads/schema/workload.ts";

const kind = closedKind(5, constant(10), constant(20));
const FOR_EVER = { pool_mode: "session", query_wait_timeout: 0 } as const;

function run(kinds: ClientKind[], settings: Partial<Workload["settings"]>): RunResult {
  return simulate(textbook(kinds, 2, settings), { duration: 2 * SECOND, trace: true });
}

/** A run that goes on for 600 s has more events: the two holders alone make 80,000. */
const LONG = 20_000;

const session = kind.session;
const CASES: readonly [
  name: string,
  kinds: ClientKind[],
  settings: Partial<Workload["settings"]>,
  unfinished: number,
  long: boolean,
][] = [
  ["three wait for servers that are never given back", [kind], FOR_EVER, 3, false],
  ["everybody has a server", [{ ...kind, count: 2 }], FOR_EVER, 0, false],
  ["in transaction mode all are served", [kind], { query_wait_timeout: 0 }, 0, false],
  [
    "somebody has a timeout of its own, and leaves",
    [kind, { ...kind, name: "hasty", count: 1, timeout: 50 * MS }],
    FOR_EVER,
    3,
    true,
  ],
  [
    "a pool that may open one more may yet serve",
    [kind],
    { ...FOR_EVER, reserve_pool_size: 1, reserve_pool_timeout: 3600 * SECOND },
    3,
    true,
  ],
  [
    "sessions that end after an hour may free a server",
    [{ ...kind, session: { ...session, duration: constant(3_600_000) } }],
    FOR_EVER,
    3,
    true,
  ],
  [
    "a client that idles for an hour is dropped",
    [kind],
    { ...FOR_EVER, client_idle_timeout: 3600 * SECOND },
    3,
    true,
  ],
];
for (const [name, kinds, settings, unfinished, long] of CASES)
  test(`${name}: ${unfinished} unfinished`, () => {
    const result = run(kinds, settings);
    expect(result.unfinished).toBe(unfinished);
    expect(result.events > LONG).toBe(long);
  });

test("what is measured is the same as after ten minutes more", () => {
  const short = run([kind], FOR_EVER);
  const hour = { ...FOR_EVER, client_idle_timeout: 3600 * SECOND };
  const { events, ...rest } = run([kind], hour);
  expect({ ...short, events: 0 }).toEqual({ ...rest, events: 0 });
  expect(short.events).toBeLessThan(events / 50);
});
