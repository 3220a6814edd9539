/**
 * Events per CPU-second of the simulator, with all rules and statistics, beside a bare loop without the
 * core in the same run. An event is the end of a think time or of a service: two for each transaction.
 */
import { DEFAULTS } from "../../engine/core/index.ts";
import { simulate } from "../../sim/model/index.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import { type BareQueue, bareLoop } from "./bare.ts";

const SECOND = 1e9;

/** Clients, servers, and simulated seconds of one measurement (think 1 s, utilisation 0.99). */
const CASES = [
  [100, 2, 10_000],
  [10_000, 100, 100],
  [1_000_000, 10_000, 2],
] as const;

export interface SimulatorRow {
  clients: number;
  servers: number;
  /** Millions of events per CPU-second. */
  simulator: number;
  bare: number;
  /** Bytes by which the first run made the process grow, for each client; undefined where it is lost in the noise. */
  bytes: number | undefined;
}

/** The best of `repeats` measurements each: a busy machine only slows, and the first ones are compiled still. */
export function benchSimulator(repeats = 8): SimulatorRow[] {
  say("simulator: millions of events per CPU-second, best of", `${repeats}`);
  say("   clients  servers  simulator  bare loop  simulator/bare  bytes/client");
  return CASES.map(([clients, servers, seconds]) => {
    const queue = { clients, servers, think: 1, service: (0.99 * servers) / clients };
    const { rate, bytes } = measure(queue, seconds, repeats);
    const row = { clients, servers, simulator: rate, bare: bare(queue, repeats), bytes };
    say(
      `${clients}`.padStart(10),
      `${servers}`.padStart(8),
      row.simulator.toFixed(2).padStart(10),
      row.bare.toFixed(2).padStart(10),
      (row.simulator / row.bare).toFixed(2).padStart(15),
      (bytes?.toFixed(0) ?? "-").padStart(13),
    );
    return row;
  });
}

function measure(queue: BareQueue, seconds: number, repeats: number) {
  const workload = closed(queue);
  const run = (duration: number) =>
    simulate(workload, { seed: 1, warmup: 0, duration: duration * SECOND });
  const before = process.resourceUsage().maxRSS;
  run(0.001);
  const grown = 1024 * (process.resourceUsage().maxRSS - before);
  // The start (logins, the first think times) costs as much as many events: it is measured and taken off.
  let rate = 0;
  for (let repeat = 0; repeat < repeats; repeat++) {
    const [start, begin] = cpu(() => run(0.001).events);
    const [whole, events] = cpu(() => run(seconds).events);
    rate = Math.max(rate, (events - begin) / (whole - start));
  }
  return { rate, bytes: queue.clients < 100_000 ? undefined : grown / queue.clients };
}

function bare(queue: BareQueue, repeats: number): number {
  const events = 4_000_000;
  let rate = 0;
  for (let repeat = 0; repeat < repeats; repeat++) {
    const [start] = cpu(() => bareLoop(queue, 1));
    const [whole] = cpu(() => bareLoop(queue, events));
    rate = Math.max(rate, events / (whole - start));
  }
  return rate;
}

/** CPU time in microseconds, of all threads, and the result. */
function cpu<T>(work: () => T): [number, T] {
  const before = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(before);
  return [user + system, result];
}

function closed({ clients, servers, think, service }: BareQueue): Workload {
  const constant = (value: number) => ({ kind: "constant", value }) as const;
  const exponential = (seconds: number) =>
    ({ kind: "exponential", mean: seconds * SECOND }) as const;
  return {
    name: "bench",
    description: "",
    file: "bench",
    settings: {
      ...DEFAULTS,
      pool_mode: "transaction",
      default_pool_size: servers,
      max_client_conn: 2 * clients,
      query_wait_timeout: 0,
      databases: [{ name: "app" }],
      users: [],
    },
    clients: [
      {
        name: "clients",
        database: "app",
        user: "app",
        count: clients,
        session: { transactions: "forever", away: constant(0) },
        think: exponential(think),
        transaction: {
          statements: constant(1),
          service: exponential(service),
          gap: constant(0),
        },
      },
    ],
    server: {
      max_connections: 2 * servers,
      connect_time: constant(0),
      memory_per_connection: 0,
      cpu_share: 1,
    },
    network: { client: 0, server: 0 },
    schedule: [],
    slo: {},
    run: { duration: 10 * SECOND, warmup: 0, seed: 1, precision: 0.05 },
  };
}

function say(...words: string[]): void {
  process.stdout.write(`${words.join(" ")}\n`);
}
