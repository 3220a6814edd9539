/** The simulator and the live driver play the very same transactions. */
import { expect, test } from "vitest";
import { IDEAL, simulate } from "../../sim/model/index.ts";
import { embeddedPackage } from "../../workloads/database/embedded.ts";
import { resolveDatabase } from "../../workloads/database/index.ts";
import { runLive } from "../../workloads/live/index.ts";
import { constant, exponential, kind, ms, workload } from "./helpers.ts";

const installed = (await embeddedPackage()) !== undefined;
const SEED = 11;

// Where nothing queues, a simulated response is the transaction's own service time: live and
// simulated ones must be equal to the nanosecond, client by client and transaction by transaction.
test.skipIf(!installed)(
  "the k-th transaction of every client is the same (skipped: no database)",
  async () => {
    const statements = { kind: "uniform", min: 1, max: 4 } as const;
    const transaction = { statements, service: exponential(ms(2)), gap: constant(0) };
    const session = { transactions: constant(3), away: exponential(ms(5)) };
    const load = workload(kind({ think: exponential(ms(10)), transaction, session }));
    load.settings = { ...load.settings, pool_mode: "transaction", default_pool_size: 50 };

    const machine = { ...IDEAL, granularity: ms(1) };
    const { trace } = simulate(load, { seed: SEED, duration: ms(2_000), machine, trace: true });
    const simulated = new Map<string, number>();
    trace?.client.forEach((client, row) => {
      simulated.set(`${client}/${trace.transaction[row]}`, trace.response[row] ?? Number.NaN);
    });

    const database = await resolveDatabase({ env: { PATH: process.env.PATH } });
    try {
      const fixed = { target: database, direct: database, poolMode: "transaction" } as const;
      const times = { seed: SEED, duration: ms(800), warmup: 0 };
      const { transactions } = await runLive({ workload: load, ...fixed, ...times });
      let both = 0;
      for (let row = 0; row < transactions.length; row++) {
        const name = `${transactions.client[row]}/${transactions.number[row]}`;
        if (!simulated.has(name) || Number.isNaN(transactions.response[row])) continue;
        expect([name, transactions.service[row]]).toEqual([name, simulated.get(name)]);
        both++;
      }
      expect(both).toBeGreaterThan(20);
    } finally {
      await database.stop();
    }
  },
);
