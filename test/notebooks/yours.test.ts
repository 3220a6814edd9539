/** What "Your turn" makes of SHOW STATS: held against a run whose truth is known, with its own SHOW STATS. */
import { expect, test } from "vitest";
import { readFigures } from "../../notebooks/lib/yours.ts";
import { simulate } from "../../sim/model/index.ts";
import { parseWorkload } from "../../workloads/schema/load.ts";

const file = (settings: string, session: string): string => `name: known
pgbouncer: { ${settings} }
clients:
  - name: web
    count: 60
    think: { exponential: 100 ms }
    session: { ${session} }
    transaction: { service: { exponential: 20 ms } }
server: { connect_time: 0 ms }
network: { client: 0 ms, server: 0 ms }
`;

/** As psql prints a row of SHOW STATS after `\x`. */
function shown(text: string) {
  const workload = parseWorkload(text, "known.yaml");
  const { all, dashboard } = simulate(workload, { duration: 300e9, dashboard: { every: 300e9 } });
  const { columns, rows } = dashboard?.stats ?? { columns: [], rows: [] };
  const lines = columns.map(({ name }, i) => `${name} | ${rows[0]?.[i]}`);
  return { wait_ms: all.wait.mean / 1e6, lines: [...lines, "cl_active | 50", "cl_waiting | 10"] };
}

const off = (value = Number.NaN, truth: number): number => Math.abs(value / truth - 1);

// settings, session, why
for (const [settings, session, why] of [
  ["pool_mode: transaction, default_pool_size: 11", "transactions: forever", "a wait in each"],
  ["pool_mode: session, default_pool_size: 50", "transactions: 20, away: 0 ms", "one a session"],
] as const)
  test(`service, wait and pause are those of the workload (${why})`, () => {
    const { wait_ms, lines } = shown(file(settings, session));
    const { value } = readFigures(lines.join("\n"));
    expect(wait_ms).toBeGreaterThan(4);
    expect(off(value?.wait_ms, wait_ms)).toBeLessThan(0.15); // Of the last minute or two, not of five.
    expect(off(value?.transaction_ms, 20)).toBeLessThan(0.03);
    expect(off(value?.pause_ms, 100)).toBeLessThan(0.03);
  });

const GOOD = ["clients | 300", "avg_xact_count | 310", "avg_xact_time | 58000"];

test("without a count of assignments each transaction has one, and without waits none has waited", () => {
  const { value } = readFigures([...GOOD, "avg_wait_time | 4100"].join("\n"));
  expect(value).toMatchObject({ clients: 300, rate: 310, wait_ms: 4.1, transaction_ms: 53.9 });
  expect(readFigures(GOOD.join("\n")).value).toMatchObject({ wait_ms: 0, transaction_ms: 58 });
});

test.each([
  [["avg_wait_time | 58000"], "avg_wait_time cannot be all of avg_xact_time"],
  [["avg_xact_time | 1000000"], "at most 300. Are all figures of the same time and database?"],
  [["avg_xact_time | 0"], "There is no avg_xact_time (microseconds) above 0."],
])("%j is refused", (lines, problem) => {
  expect(readFigures([...GOOD, ...lines].join("\n")).problem).toContain(problem);
});
