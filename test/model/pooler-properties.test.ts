/**
 * What is true of every run whatever the pooler is like: any discipline, several processes, messages that
 * cost work, statements that must be parsed. PROPERTY_RUNS sets how many workloads are tried.
 */
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { simulate, type Trace } from "../../sim/model/index.ts";
import { MS, SECOND } from "../../sim/study/theory/textbook.ts";
import {
  type PoolerModel,
  QUEUE_DISCIPLINES,
  type Workload,
} from "../../workloads/schema/workload.ts";
import { any, patient } from "./any-workload.ts";

const numRuns = Math.ceil(Number(process.env.PROPERTY_RUNS ?? 150) / 3);
const DURATION = 2 * SECOND;

const poolers: fc.Arbitrary<PoolerModel> = fc.record({
  discipline: fc.constantFrom(...QUEUE_DISCIPLINES),
  wake_up: fc.constantFrom(0.1 * MS, 20 * MS),
  sleep: fc.constantFrom(5 * MS, 50 * MS),
  processes: fc.integer({ min: 1, max: 3 }),
  cpu_per_message: fc.constantFrom(0, 0, 0.01 * MS, MS),
});

const preparations = fc.record({
  prepared: fc.option(
    fc.record({ statements: fc.integer({ min: 1, max: 5 }), parse: fc.constant(MS) }),
    {
      nil: undefined,
    },
  ),
  parameters: fc.option(fc.constantFrom("x", "y"), { nil: undefined }),
});

/** `workloads` with a pooler of any sort. */
function poolered(workloads: fc.Arbitrary<Workload>): fc.Arbitrary<Workload> {
  const parts = fc.tuple(workloads, poolers, preparations, fc.integer({ min: 0, max: 3 }));
  return parts.map(([workload, pooler, preparation, max_prepared_statements]) => {
    const clients = workload.clients.map((kind) => ({ ...kind, ...preparation }));
    return { ...workload, clients, pooler, max_prepared_statements };
  });
}

function holds(
  workloads: fc.Arbitrary<Workload>,
  claim: (of: Workload, seed: number) => void,
): void {
  fc.assert(fc.property(poolered(workloads), fc.nat(), claim), { numRuns });
}

test("in order of arrival each transaction is completed once, if nothing can drop it", () => {
  holds(patient, (drawn, seed) => {
    // Any other order leaves some to wait for ever where more comes than can be served.
    const workload = {
      ...drawn,
      pooler: { ...(drawn.pooler as PoolerModel), discipline: "fifo" as const },
    };
    const result = simulate(workload, { seed, duration: DURATION, trace: true });
    const trace = result.trace as Trace;
    const last = new Map<string, number>();
    trace.client.forEach((client, i) => {
      const of = `${trace.kind[i]} ${client}`;
      // A client numbers its transactions, and has one at a time.
      expect(trace.transaction[i]).toBe((last.get(of) ?? -1) + 1);
      last.set(of, trace.transaction[i] as number);
    });
    expect(result.unfinished).toBe(0);
    expect(result.all.errors).toEqual({});
  });
});

test("waits lie within responses, transactions within the window, and the queue empties", () => {
  holds(any, (workload, seed) => {
    const result = simulate(workload, { seed, duration: DURATION, trace: true });
    const trace = result.trace as Trace;
    expect(trace.wait.every((wait, i) => wait >= 0 && wait <= (trace.response[i] ?? 0))).toBe(true);
    expect(trace.sent.every((sent) => sent >= 0 && sent < DURATION)).toBe(true);
    expect(result.unfinished).toBe(0);
  });
});

test("limits hold in each process: so many server connections, and no more", () => {
  holds(any, (workload, seed) => {
    const { settings, clients, pooler } = workload;
    const result = simulate(workload, { seed, warmup: SECOND, duration: DURATION });
    const pools = clients.length * (settings.default_pool_size + settings.reserve_pool_size);
    const each = settings.max_db_connections > 0 ? Math.min(3, pools) : pools;
    expect(result.server_connections.max).toBeLessThanOrEqual(each * (pooler?.processes ?? 1));
  });
});

test("the same seed gives the same run, with a dashboard or without", () => {
  holds(any, (workload, seed) => {
    const options = { seed, warmup: 100 * MS, duration: SECOND, trace: true };
    const blind = simulate(workload, options);
    const watched = simulate(workload, { ...options, dashboard: { every: 100 * MS } });
    expect(isDeepStrictEqual(watched.trace, blind.trace)).toBe(true);
    const { truth } = watched.dashboard ?? {};
    expect(truth?.count).toBe(blind.all.wait.count + (truth?.unserved ?? 0));
  });
});
