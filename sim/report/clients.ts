/** `compare --clients`: the most clients that each mode carries, as a sentence, a table and a chart. */
import type { MostClients } from "../study/results/index.ts";
import { nounFor } from "../study/words.ts";
import { type Chart, chart } from "./charts/chart.ts";
import { between } from "./figures.ts";
import type { Table } from "./tables.ts";
import { MODE_COLOURS } from "./theme.ts";
import { digits, durations, NOTHING, percent, whole } from "./units.ts";

/** How many each mode carries, and how many times as many as session mode. */
export function mostFindings(most: readonly MostClients[]): string[] {
  if (most.length === 0) return [];
  const session = most.find(({ pool_mode }) => pool_mode === "session");
  const least = session !== undefined && isLeast(session);
  const any = most.find(({ any_number }) => any_number !== undefined)?.any_number;
  const parts = most.map((each) => {
    const times = each.load / (session?.load ?? 0);
    const ratio =
      each.pool_mode === "session" ||
      least ||
      each.any_number ||
      !Number.isFinite(times) ||
      times === 0
        ? ""
        : ` (${isLeast(each) ? "at least " : ""}${digits(times)} times as many)`;
    return `${each.pool_mode} mode ${carried(each)}${ratio}`;
  });
  return [
    `Within the objective, with confidence: ${parts.join(", ")}.`,
    ...(any === undefined ? [] : [whyAny(any.app_connections)]),
  ];
}

const whyAny = (connections: number): string =>
  `Any number: the application's pools let at most ${whole(connections)} ` +
  `${nounFor(connections, "transaction")} through at a time; their users wait there, which no objective bounds.`;

function carried(most: MostClients): string {
  const { clients, load, any_number } = most;
  if (any_number !== undefined) return "any number of clients";
  const least = isLeast(most) ? "at least " : "";
  if (clients === null) return `${least}${digits(load)} x the arrivals`;
  return `${least}${whole(clients)} ${nounFor(clients, "client")}`;
}

/** Loads of arrivals alone are looked at in steps of a per cent. */
const STEP = 0.01;

/** The search ended before it looked at the next load: more may be carried. */
function isLeast({ load, beyond, any_number }: MostClients): boolean {
  if (any_number !== undefined) return true;
  if (beyond === null) return true;
  const step = beyond.clients === null ? STEP : beyond.load / Math.max(1, beyond.clients);
  return beyond.load - load > 1.5 * step;
}

/** One row for each mode; no table where nothing was searched for. */
export function mostTables(most: readonly MostClients[] = []): Table[] {
  if (most.length === 0) return [];
  const tails = durations(most.map((each) => each.wait_p99_ms ?? Number.NaN));
  return [
    {
      title: "Most clients that meet the objective",
      head: [
        ...["", "clients", "times the load", "wait, p99", "95 % interval"],
        ...["throughput", "in use", "next looked at"],
      ],
      align: ["left", "right", "right", "right", "right", "right", "right", "left"],
      rows: most.map((each, i) => [
        each.pool_mode,
        clientsText(each),
        each.any_number === undefined ? digits(each.load) : NOTHING,
        tails[i] as string,
        between(each.wait_p99_ms_ci95, durations),
        each.throughput_tps === undefined ? NOTHING : `${digits(each.throughput_tps)}/s`,
        each.utilization === undefined ? NOTHING : percent(each.utilization),
        next(each),
      ]),
    },
  ];
}

function clientsText({ clients, any_number }: MostClients): string {
  if (any_number !== undefined) return "any number";
  return clients === null ? NOTHING : whole(clients);
}

/** `312: wait_p99 missed`, or `303: wait_p99 within the error`. */
function next({ beyond }: MostClients): string {
  if (beyond === null) return NOTHING;
  const size = beyond.clients === null ? `${digits(beyond.load)} x` : whole(beyond.clients);
  return `${size}: ${beyond.term ?? ""} ${beyond.sure ? "missed" : "within the error"}`;
}

/** A bar for each mode; no chart where nothing was searched for. */
export function mostCharts(workload: string, most: readonly MostClients[] = []): Chart[] {
  if (most.length === 0) return [];
  const open = most.every(({ clients }) => clients === null);
  const values = most.map((each) => ({
    mode: each.pool_mode,
    value: open ? each.load : (each.clients ?? 0),
    text: open ? digits(each.load) : clientsText(each),
  }));
  const title = open ? "Load, as a multiple of the workload's" : "Clients";
  const modes = values.map(({ mode }) => mode);
  const words = most.map((each) => `${each.pool_mode} mode ${carried(each)}`);
  const y = { field: "mode", type: "nominal", title: null, sort: modes };
  const x = { field: "value", type: "quantitative", title, axis: { tickCount: 5 } };
  const colours = modes.map((mode) => MODE_COLOURS[mode]);
  const color = { field: "mode", legend: null, scale: { domain: modes, range: colours } };
  return [
    chart(
      `Most clients within the objective: ${workload}`,
      ["found with confidence, on the same draws in each mode"],
      `Bar chart of the most clients that meet the objective: ${words.join(", ")}.`,
      {
        width: 480,
        height: 26 * values.length,
        data: { values },
        encoding: { y },
        layer: [
          {
            mark: { type: "bar", height: 14 },
            encoding: { x, color: { ...color, type: "nominal" } },
          },
          {
            mark: { type: "text", align: "left", dx: 5 },
            encoding: { x, text: { field: "text" } },
          },
        ],
      },
    ),
  ];
}
