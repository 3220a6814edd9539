/** `compare --clients` in words, as a table, a chart and CSV. */
import { describe, expect, test } from "vitest";
import { mostCharts, mostFindings, mostTables } from "../../sim/report/clients.ts";
import { csvOf } from "../../sim/report/csv.ts";
import { compileChart } from "../../sim/report/render.ts";
import { comparisonReport, comparisonText } from "../../sim/report/reports.ts";
import { terminal } from "../../sim/report/terminal.ts";
import type { MostClients } from "../../sim/study/results/index.ts";
import { sampleComparison } from "./fixture.ts";

const session: MostClients = {
  pool_mode: "session",
  clients: 30,
  load: 0.1,
  wait_p99_ms: 0,
  wait_p99_ms_ci95: [0, 0],
  throughput_tps: 138,
  utilization: 1,
  beyond: { clients: 31, load: 31 / 300, term: "unserved", sure: true },
};
const transaction: MostClients = {
  pool_mode: "transaction",
  clients: 1308,
  load: 4.36,
  wait_p99_ms: 18.8,
  wait_p99_ms_ci95: [18.1, 19.9],
  throughput_tps: 1383,
  utilization: 0.921,
  beyond: { clients: 1309, load: 4.363, term: "wait_p99", sure: false },
};
const most = [session, transaction];
const open = most.map(({ beyond, ...each }) => ({
  ...each,
  clients: null,
  beyond: beyond && { ...beyond, clients: null },
}));
const one = { clients: 1, load: 1 / 300, term: "unserved", sure: true };
const none = { ...session, clients: 0, load: 0, beyond: one };
const cut = { ...transaction, beyond: null };

describe("the sentence", () => {
  // what was found, what is said, why
  const cases = [
    [
      most,
      "session mode 30 clients, transaction mode 1,308 clients (43.6 times as many)",
      "beside session mode",
    ],
    [
      open,
      "session mode 0.100 x the arrivals, transaction mode 4.36 x the arrivals (43.6 times as many)",
      "all come from outside",
    ],
    [
      [none, transaction],
      "session mode 0 clients, transaction mode 1,308 clients",
      "no ratio to nothing",
    ],
    [[{ ...session, clients: 1 }], "session mode 1 client", "one client"],
    [
      [session, cut],
      "session mode 30 clients, transaction mode at least 1,308 clients (at least 43.6 times as many)",
      "the time was up before too many were looked at",
    ],
    [
      [{ ...session, beyond: { ...one, clients: 60, load: 0.2 } }, cut],
      "session mode at least 30 clients, transaction mode at least 1,308 clients",
      "no ratio to what is not known",
    ],
  ] as const;
  for (const [found, want, why] of cases)
    test(why, () =>
      expect(mostFindings(found)).toEqual([`Within the objective, with confidence: ${want}.`]),
    );
});

test("the table: load, what it is like there, and what ends it", () => {
  const [table] = mostTables([...most, { ...none, pool_mode: "statement" }]);
  if (table === undefined) throw new Error("no table");
  expect(table.rows.every((row) => row.length === table.head.length)).toBe(true);
  const lines = terminal(table).split("\n");
  expect(lines[3]).toMatch(/^session +30 +0\.100 .* 100 % +31: unserved missed$/);
  expect(lines[4]).toMatch(
    /^transaction +1,308 +4\.36 .* 1,383\/s +92\.1 % +1,309: wait_p99 within the error$/,
  );
  expect(lines[5]).toMatch(/^statement +0 +0 .* 1: unserved missed$/);
  expect(mostTables(open)[0]?.rows[0]?.at(-1)).toBe("0.103 x: unserved missed");
});

test("any number is no number, in the sentence, the table and CSV", () => {
  const any = [session, { ...transaction, beyond: null, any_number: { app_connections: 20 } }];
  expect(mostFindings(any)).toEqual([
    "Within the objective, with confidence: session mode 30 clients, transaction mode any number of clients.",
    "Any number: the application's pools let at most 20 transactions through at a time; their users wait " +
      "there, which no objective bounds.",
  ]);
  const [table] = mostTables(any);
  expect(table?.rows[1]?.slice(0, 3)).toEqual(["transaction", "any number", "-"]);
  const rows = csvOf({ ...sampleComparison(), most_clients: any }).split("\r\n");
  expect(rows[2]?.split(",").slice(-2)).toEqual(["inf", "inf"]);
});

test("the chart compiles without a warning and says what it shows", async () => {
  for (const found of [most, open]) {
    const [chart] = mostCharts("checkout", found);
    if (chart === undefined) throw new Error("no chart");
    expect((await compileChart(chart)).warnings).toEqual([]);
    expect(chart.description).toContain("session mode");
  }
});

test("reports have it only where it was asked for", () => {
  const plain = sampleComparison();
  const result = { ...plain, most_clients: most };
  expect(comparisonText(plain, false)).not.toContain("Most clients");
  expect(comparisonText(result, false)).toContain("Most clients that meet the objective");
  expect(comparisonReport(result).charts.length).toBe(comparisonReport(plain).charts.length + 1);
});

test("CSV: two more columns, each run with those of its mode", () => {
  const plain = sampleComparison();
  const [head, ...rows] = csvOf({ ...plain, most_clients: most }).split("\r\n");
  expect(head).toBe(`${csvOf(plain).split("\r\n")[0]},most_clients,most_load`);
  expect(rows.map((row) => row.split(",").slice(-2))).toEqual([
    ["30", "0.1"],
    ["1308", "4.36"],
    ["", ""],
  ]);
});
