/**
 * What a server connection must be told because it does not know its client: live, through our pooler, and
 * simulated on the same draws. Clients take turns on one server, so that both sides see them in one order.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { STAT } from "../../engine/core/index.ts";
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

interface Played {
  result: LiveResult;
  sets: string[];
  stats: Record<string, string>;
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

  /** Played through our pooler; `sets`: the SET queries in its log; `stats`: its SHOW STATS. */
  async function live(load: Workload): Promise<Played> {
    const logfile = join(directory, `log${logs++}`);
    const { max_prepared_statements = 200 } = load;
    const pool = { pool_mode: "transaction", default_pool_size: 1, max_prepared_statements };
    const settings = { ...pool, verbose: 1, logfile };
    const running = await stage.pooler({ settings, here: true });
    try {
      const length = { duration: ms(1_000), warmup: 0 };
      const place = { target: running.target, admin: running.admin, direct: stage.database };
      const plan = { workload: load, seed: SEED, poolMode: "transaction" } as const;
      const result = await runLive({ ...plan, ...length, ...place });
      expect(result).toMatchObject({ errors: [], unfinished: 0 });
      expect(result.transactions.length).toBe(TURNS * load.clients.length);
      const rows = await running.tell("SHOW STATS");
      const stats = rows.find(({ database }) => database === "app") ?? {};
      const lines = readFileSync(logfile, "utf8").split("\n");
      const sets = lines.flatMap((line) => line.split("varcache_apply: ")[1] ?? []);
      return { result, sets, stats };
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

  describe("prepared statements", () => {
    // Three clients with the same statements, and one with its own; two statements a transaction.
    const two = { prepared: { statements: 5, parse: 0 } };
    const [uses, kinds] = [
      4 * TURNS * 2,
      [two, two, { prepared: { statements: 1, parse: 0 } }, two],
    ];
    for (const [max_prepared_statements, why] of [
      [200, "each once"],
      [3, "the least recently used is forgotten"],
      [1, "only the one before is known"],
    ] as const)
      test(`max_prepared_statements ${max_prepared_statements}: ${why}`, async () => {
        const load = { ...turns(...kinds), max_prepared_statements };
        const { stats } = simulate(load, { seed: SEED, duration: ms(5_000) });
        const played = (await live(load)).stats;
        const [parses, binds] = [stats[STAT.server_parse_count], stats[STAT.bind_count]];
        expect([Number(played.total_server_parse_count), Number(played.total_bind_count)]).toEqual([
          parses,
          binds,
        ]);
        expect(binds).toBe(uses);
        expect(parses).toBeLessThan(uses);
      });
  });
});
