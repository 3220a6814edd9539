/**
 * An HTTP endpoint for Prometheus, off unless asked for. What PgBouncer counts has the names that
 * pgbouncer_exporter gives it; beside that there is what PgBouncer does not have: how long clients waited,
 * as a histogram, so that a quantile over any time can be asked for.
 */
import { createServer, type Server } from "node:http";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { ConfigError } from "../config/index.ts";
import type { Nanos, Pool } from "../core/index.ts";
import {
  CONFIG_METRICS,
  LIST_METRICS,
  METRIC_TABLES,
  type MetricRow,
  type MetricTable,
} from "../show/metrics-table.ts";
import type { Table, Value } from "../show/table.ts";
import { SHOW } from "./console/show.ts";
import type { HostRole, WaitObserver } from "./relay/roles.ts";
import { OutsideError } from "./system/errors.ts";
import { VERSION } from "./system/names.ts";

/** Upper ends of the histogram, seconds: from a hand-off's tenth of a millisecond to query_wait_timeout. */
const BUCKETS = [
  0, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
  10, 30, 60, 120,
];
const ADDRESS = "PORT or HOST:PORT";
/** Where it listens when only a port is given: nobody outside this machine is to see it by accident. */
const LOOPBACK = "127.0.0.1";

export class Metrics implements WaitObserver {
  /** Where the endpoint listens, `host:port`; empty until it does. */
  place = "";
  private readonly registry = new Registry();
  private readonly waits: Histogram<"database" | "user">;
  /** When the wait of each waiting client began. */
  private readonly since = new Map<number, Nanos>();
  private server: Server | undefined;

  constructor(host: HostRole) {
    const registers = [this.registry];
    this.waits = new Histogram({
      name: "poolwise_client_wait_seconds",
      help: "Time from asking for a server to having one, or, at the first login, to the welcome",
      labelNames: ["database", "user"],
      buckets: BUCKETS,
      registers,
    });
    constant(registers, "pgbouncer_up", "The pooler answers", {});
    constant(registers, "pgbouncer_version_info", "Version that is followed", { version: VERSION });
    for (const table of METRIC_TABLES) fromTable(registers, host, table);
    fromRows(registers, () => SHOW.lists(host), LIST_METRICS);
    fromRows(registers, () => SHOW.config(host), CONFIG_METRICS);
  }

  waiting(client: number, now: Nanos): void {
    this.since.set(client, now);
  }

  served(client: number, pool: Pool, now: Nanos, always: boolean): void {
    const since = this.since.get(client);
    if (since === undefined && !always) return;
    this.since.delete(client);
    const labels = { database: pool.database.settings.name, user: pool.user.settings.name };
    this.waits.observe(labels, (now - (since ?? now)) / 1e9);
  }

  dropped(client: number): void {
    this.since.delete(client);
  }

  /**
   * Opens the endpoint at `host:port` or `port`. Errors: ConfigError if it is neither, OutsideError if it is
   * not to be had.
   */
  async open(address: string): Promise<void> {
    const [, host = LOOPBACK, port] = /^(?:(.+):)?(\d+)$/.exec(address) ?? [];
    if (port === undefined || Number(port) > 65_535)
      throw new ConfigError({ at: "--metrics", name: "address", got: address, expected: ADDRESS });
    const server = createServer((request, response) => {
      if (request.url?.split("?")[0] !== "/metrics") {
        response.writeHead(404).end("see /metrics\n");
        return;
      }
      this.registry.metrics().then(
        (text) => response.writeHead(200, { "content-type": this.registry.contentType }).end(text),
        (error: unknown) => response.writeHead(500).end(`${String(error)}\n`),
      );
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) =>
        reject(new OutsideError(`cannot serve metrics on ${host}:${port}: ${error.message}`)),
      );
      server.listen(Number(port), host.replace(/^\[(.*)\]$/, "$1"), resolve);
    });
    // Out of file descriptors, for one: who asks goes without, the pooler goes on.
    server.on("error", () => {});
    this.server = server;
    const bound = server.address();
    this.place = `${host}:${typeof bound === "object" ? bound?.port : port}`;
  }

  async close(): Promise<void> {
    const { server } = this;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

function constant(
  registers: Registry[],
  name: string,
  help: string,
  labels: Record<string, string>,
): void {
  new Gauge({ name, help, labelNames: Object.keys(labels), registers }).set(labels, 1);
}

/** A sample for each row of a table, read when Prometheus asks. */
function fromTable(registers: Registry[], host: HostRole, table: MetricTable): void {
  for (const [column, name, help, factor = 1] of table.metrics) {
    const options = { name: `${table.prefix}${name}`, help, labelNames: table.labels, registers };
    const samples = (): [Record<string, string>, number][] => {
      host.begin();
      const { columns, rows } = SHOW[table.show](host);
      const at = (wanted: string): number => columns.findIndex((one) => one.name === wanted);
      const labels = table.labels.map((label) => [label, at(label)] as const);
      return rows.map((row) => [
        Object.fromEntries(labels.map(([label, place]) => [label, String(row[place] ?? "")])),
        Number(row[at(column)]) * factor,
      ]);
    };
    if (table.type === "gauge")
      new Gauge({
        ...options,
        collect() {
          this.reset();
          for (const [labels, value] of samples()) this.set(labels, value);
        },
      });
    else
      new Counter({
        ...options,
        collect() {
          this.reset();
          for (const [labels, value] of samples()) this.inc(labels, value);
        },
      });
  }
}

/** A metric for each wanted row of a table of names and values. */
function fromRows(registers: Registry[], table: () => Table, wanted: readonly MetricRow[]): void {
  for (const [key, name, help] of wanted)
    new Gauge({
      name,
      help,
      registers,
      collect() {
        const row = table().rows.find(([first]: Value[]) => first === key);
        this.set(Number(row?.[1]));
      },
    });
}
