/**
 * What a server connection must be told because it does not know its client: live, through our pooler, and
 * simulated on the same draws. Clients take turns on one server, so that both sides see them in one order.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { simulate } from "../../sim/model/index.ts";
import { embeddedPackage } from "../../workloads/database/embedded.ts";
import { type LiveResult, runLive } from "../../workloads/live/index.ts";
import type { ClientKind, Workload } from "../../workloads/schema/workload.ts";
import { Stage } from "../parity/stage.ts";
import { constant, kind, ms, workload } from "./helpers.ts";

const installed = (await embeddedPackage()) !== undefined;
const [SEED, TURNS] = [5, 8];
const HOUR = 3_600_000;

/** Clients of `kinds`, one each: `TURNS` transactions in one session; each is back before its turn comes. */
function turns(...kinds: Partial<ClientKind>[]): Workload {
  const session = { transactions: constant(TURNS), away: constant(ms(HOUR)) };
  const transaction = { statements: constant(2), service: constant(ms(5)), gap: constant(ms(1)) };
  const load = workload(
    ...kinds.map((each, i) => ({
      ...kind({ name: `kind ${i}`, database: "app", count: 1, session, transaction }),
      ...{ think: constant(ms(2 * i + 2)), ...each },
    })),
  );
  const pool = { pool_mode: "transaction", default_pool_size: 1, min_pool_size: 1 } as const;
  return { ...load, settings: { ...load.settings, ...pool, databases: [{ name: "app" }] } };
}

describe.skipIf(!installed)("on one server (skipped: no database)", () => {
  let stage: Stage;
  const directory = mkdtempSync(join(tmpdir(), "pwl-"));
  let logs = 0;
  beforeAll(async () => {
    stage = await Stage.open();
  });
  afterAll(async () => {
    await stage?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Played through our pooler; `said`: what its log has on SET queries. */
  async function live(load: Workload): Promise<{ result: LiveResult; sets: string[] }> {
    const logfile = join(directory, `log${logs++}`);
    const settings = { pool_mode: "transaction", default_pool_size: 1, verbose: 1, logfile };
    const running = await stage.pooler({ settings, here: true });
    try {
      const length = { duration: ms(1_000), warmup: 0 };
      const place = { target: running.target, admin: running.admin, direct: stage.database };
      const plan = { workload: load, seed: SEED, poolMode: "transaction" } as const;
      const result = await runLive({ ...plan, ...length, ...place });
      expect(result).toMatchObject({ errors: [], unfinished: 0 });
      expect(result.transactions.length).toBe(TURNS * load.clients.length);
      const lines = readFileSync(logfile, "utf8").split("\n");
      return { result, sets: lines.flatMap((line) => line.split("varcache_apply: ")[1] ?? []) };
    } finally {
      await running.stop();
    }
  }

  /** Transactions of the simulated run that took a round trip longer than the others. */
  function simulatedSets(load: Workload): number {
    const network = { client: 0, server: ms(0.5) };
    const options = { seed: SEED, duration: ms(5_000), trace: true };
    const { trace } = simulate({ ...load, network }, options);
    const held = (trace?.response ?? []).map((each, i) => each - (trace?.wait[i] ?? 0));
    expect(held).toHaveLength(TURNS * load.clients.length);
    return held.filter((each) => each > ms(2 * 5.5 + 1)).length;
  }

  describe("parameters", () => {
    const [berlin, tokyo] = ["TimeZone=Europe/Berlin", "TimeZone=Asia/Tokyo"];
    for (const [parameters, sets, why] of [
      [[berlin, berlin, undefined], 2 * TURNS, "only a server of others is told"],
      [[berlin, tokyo, "application_name=web; DateStyle=SQL, DMY"], 3 * TURNS, "one SET for all"],
      [[undefined, undefined, undefined], 0, "nothing said, nothing set"],
    ] as const)
      test(`${parameters.join(" | ")}: ${sets} SETs: ${why}`, async () => {
        const load = turns(...parameters.map((each) => ({ parameters: each })));
        expect(simulatedSets(load)).toBe(sets);
        expect((await live(load)).sets).toHaveLength(sets);
      });
  });
});
