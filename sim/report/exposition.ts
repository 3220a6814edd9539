/**
 * A run's counters in the text format of OpenMetrics, under the names of pgbouncer_exporter and with the
 * times of the scrapes, so that existing boards and alarms can be tried on a simulated day:
 * `promtool tsdb create-blocks-from openmetrics FILE`. Source: the OpenMetrics specification 1.0.
 */
import { DATABASE_COLUMNS } from "../../engine/show/databases.ts";
import {
  CONFIG_METRICS,
  LIST_METRICS,
  METRIC_TABLES,
  type MetricRow,
  type MetricTable,
} from "../../engine/show/metrics-table.ts";
import { POOL_COLUMNS } from "../../engine/show/pools.ts";
import { STATS_TOTALS_COLUMNS } from "../../engine/show/stats.ts";
import type { Value } from "../../engine/show/table.ts";
import type { DashboardView, Scrape } from "../study/dashboard.ts";

const COLUMNS = {
  databases: DATABASE_COLUMNS,
  stats_totals: STATS_TOTALS_COLUMNS,
  pools: POOL_COLUMNS,
} as const;

/** One family: its samples by labels, each with all of its times, as the format wants them. */
class Family {
  private readonly head: string[];
  private readonly samples = new Map<string, string[]>();

  constructor(name: string, type: "gauge" | "counter", help: string) {
    // A family of counters has its samples' name without `_total`.
    const family = type === "counter" ? name.replace(/_total$/, "") : name;
    this.head = [`# TYPE ${family} ${type}`, `# HELP ${family} ${help}`];
  }

  add(sample: string, value: number, seconds: number): void {
    const list = this.samples.get(sample) ?? [];
    this.samples.set(sample, list);
    list.push(`${sample} ${value} ${seconds}`);
  }

  get lines(): string[] {
    return this.samples.size === 0 ? [] : [...this.head, ...[...this.samples.values()].flat()];
  }
}

/**
 * The text of all scrapes; `start` is the time of day at which the window begins. What the simulation
 * has no number for (bytes, look-ups of names) is zero or left out.
 */
export function exposition({ scrapes }: Pick<DashboardView, "scrapes">, start: Date): string {
  const at = (scrape: Scrape): number => start.getTime() / 1000 + scrape.at / 1e9;
  const families = [
    constant("pgbouncer_up", "The pooler answers", scrapes, at),
    ...METRIC_TABLES.flatMap((table) =>
      table.metrics.map((row) => tabled(table, row, scrapes, at)),
    ),
    ...LIST_METRICS.map((row) => listed(row, "lists", scrapes, at)),
    ...CONFIG_METRICS.map((row) => listed(row, "config", scrapes, at)),
  ];
  return `${[...families.flatMap((family) => family.lines), "# EOF"].join("\n")}\n`;
}

type Clock = (scrape: Scrape) => number;

function constant(name: string, help: string, scrapes: readonly Scrape[], at: Clock): Family {
  const family = new Family(name, "gauge", help);
  for (const scrape of scrapes) family.add(name, 1, at(scrape));
  return family;
}

/** A sample for each row of a table. */
function tabled(
  { show, prefix, labels, type }: MetricTable,
  [column, name, help, factor = 1]: MetricRow,
  scrapes: readonly Scrape[],
  at: Clock,
): Family {
  const full = `${prefix}${name}`;
  const family = new Family(full, type, help);
  const place = (wanted: string): number => COLUMNS[show].findIndex((each) => each.name === wanted);
  const [value, places] = [place(column), labels.map((label) => [label, place(label)] as const)];
  for (const scrape of scrapes)
    for (const row of scrape[show]) {
      const pairs = places.map(([label, i]) => `${label}="${escaped(row[i] ?? "")}"`);
      family.add(`${full}{${pairs.join(",")}}`, Number(row[value]) * factor, at(scrape));
    }
  return family;
}

/** A sample of one row of a table of names and values, where it is there. */
function listed(
  [key, name, help]: MetricRow,
  show: "lists" | "config",
  scrapes: readonly Scrape[],
  at: Clock,
): Family {
  const family = new Family(name, "gauge", help);
  for (const scrape of scrapes) {
    const row = scrape[show].find(([first]) => first === key);
    if (row !== undefined) family.add(name, Number(row[1]), at(scrape));
  }
  return family;
}

const escaped = (value: Value): string =>
  String(value).replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
