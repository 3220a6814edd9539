/** Counters for Prometheus: the names are the exporter's, the format is that of OpenMetrics. */
import { describe, expect, test } from "vitest";
import { CONFIG_METRICS, METRIC_TABLES } from "../../engine/show/metrics-table.ts";
import { simulate } from "../../sim/model/index.ts";
import { exposition } from "../../sim/report/exposition.ts";
import type { DashboardView } from "../../sim/study/dashboard.ts";
import { closedKind, exponential, SECOND, textbook } from "../../sim/study/theory/textbook.ts";

const kind = closedKind(20, exponential(100), exponential(10));
const workload = textbook([{ ...kind, user: 'o"hara\\' }], 2);
const START = new Date("2026-01-01T00:00:00Z");

const result = simulate(workload, { duration: SECOND, dashboard: { every: SECOND / 4 } });
const view = result.dashboard as DashboardView;
const lines = exposition(view, START).split("\n");
const samples = lines
  .filter((line) => /^[^#]/.test(line))
  .map((line) => {
    const [, name, labels, value, at] = /^(\w+)(\{.*\})? (\S+) (\S+)$/.exec(line) ?? [];
    return { name, labels, value: Number(value), at: Number(at) };
  });

describe("exposition", () => {
  test("it has every metric that the pooler has, but for what a simulation has not", () => {
    const names = new Set(samples.map(({ name }) => name));
    for (const { prefix, metrics } of METRIC_TABLES)
      for (const [, name] of metrics) expect(names).toContain(`${prefix}${name}`);
    for (const [, name] of CONFIG_METRICS) expect(names).toContain(name);
    expect(names).toContain("pgbouncer_used_clients");
    expect(names).not.toContain("pgbouncer_cached_dns_names");
  });

  test("labels are the exporter's, with quotes and backslashes escaped", () => {
    const [first] = samples.filter(
      ({ name }) => name === "pgbouncer_pools_client_waiting_connections",
    );
    expect(first?.labels).toBe('{database="app",user="o\\"hara\\\\"}');
  });

  test("each sample has the times of all scrapes, in order", () => {
    const of = samples.filter(({ name }) => name === "pgbouncer_stats_queries_pooled_total");
    const begin = START.getTime() / 1000;
    expect(of.map(({ at }) => at - begin)).toEqual([0, 0.25, 0.5, 0.75, 1]);
    expect(of.map(({ value }) => value)).toEqual(
      [...of.map(({ value }) => value)].sort((a, b) => a - b),
    );
    expect(of.at(-1)?.value).toBe(view.scrapes.at(-1)?.stats_totals[0]?.[3]);
  });

  test("families stand together, counters under their name without _total, and # EOF ends it", () => {
    const families = lines.flatMap((line) => /^# TYPE (\S+) /.exec(line)?.[1] ?? []);
    expect(new Set(families).size).toBe(families.length);
    expect(families).toContain("pgbouncer_stats_queries_pooled");
    expect(lines.slice(-2)).toEqual(["# EOF", ""]);
    let family = "";
    for (const line of lines) {
      family = /^# TYPE (\S+) /.exec(line)?.[1] ?? family;
      if (/^[^#]/.test(line)) expect(line.startsWith(family)).toBe(true);
    }
  });
});
