/** The runs of a result, or its curve, as CSV (RFC 4180): one line each, numbers without units. */
import type { CurvePoint, Result, Run } from "../study/results/index.ts";

type Cell = string | number | boolean | null | undefined;
type Row = Record<string, Cell>;

/** The curve of `size`, else the runs; names carry their units, as in JSON. */
export function csvOf(result: Result): string {
  const rows = result.curve?.map(curveRow) ?? runRows(result);
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const lines = rows.map((row) => columns.map((column) => cell(row[column])).join(","));
  return [columns.map(cell).join(","), ...lines].join("\r\n");
}

/** The runs; `compare --clients`: each with the most clients of its mode; `diff`: with the file of its settings. */
function runRows({ command, runs, most_clients, differences = [] }: Result): Row[] {
  if (command === "diff") {
    const files = [differences[0]?.from, differences[0]?.to];
    return runs.map((run, i) => ({ file: files[i], ...runRow(run) }));
  }
  if (most_clients === undefined) return runs.map(runRow);
  return runs.map((run) => {
    const most = most_clients.find(({ pool_mode }) => pool_mode === run.pool_mode);
    // Numbers alone; this one is read as endless by what reads CSV.
    const [clients, load] = most?.any_number ? ["inf", "inf"] : [most?.clients, most?.load];
    return { ...runRow(run), most_clients: clients, most_load: load };
  });
}

function runRow(run: Run): Row {
  const { wait_ms: wait, response_ms: response } = run;
  return {
    pool_mode: run.pool_mode,
    pool_size: run.pool_size,
    ...run.settings,
    replications: run.replications,
    precise: run.precise,
    transactions: run.transactions,
    wait_mean_ms: wait.mean,
    ...ends("wait_mean_ms", wait.mean_ci95),
    wait_p50_ms: wait.p50,
    wait_p95_ms: wait.p95,
    ...ends("wait_p95_ms", wait.p95_ci95),
    wait_p99_ms: wait.p99,
    ...ends("wait_p99_ms", wait.p99_ci95),
    wait_max_ms: wait.max,
    wait_probability: run.wait_probability,
    response_mean_ms: response.mean,
    response_p95_ms: response.p95,
    response_p99_ms: response.p99,
    throughput_tps: run.throughput_tps,
    ...ends("throughput_tps", run.throughput_tps_ci95),
    utilization: run.utilization,
    clients_waiting_mean: run.clients_waiting.mean,
    server_connections_max: run.server_connections.max,
    memory_mb: run.memory_mb,
    timeouts: run.timeouts,
    refused: run.refused,
    slo_met: run.slo?.met,
  };
}

function curveRow(point: CurvePoint): Row {
  const { wait_mean_ms_ci95, wait_p99_ms_ci95, throughput_tps_ci95, ...rest } = point;
  const { response_p99_ms_ci95, ...plain } = rest;
  return {
    ...plain,
    ...ends("wait_mean_ms", wait_mean_ms_ci95),
    ...ends("wait_p99_ms", wait_p99_ms_ci95),
    ...ends("throughput_tps", throughput_tps_ci95),
    ...ends("response_p99_ms", response_p99_ms_ci95),
  };
}

function ends(name: string, interval: readonly [number, number] | null | undefined): Row {
  return { [`${name}_low`]: interval?.[0], [`${name}_high`]: interval?.[1] };
}

function cell(value: Cell): string {
  const text = value === undefined || value === null ? "" : `${value}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
