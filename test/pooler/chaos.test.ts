/**
 * Many clients at once while clients vanish and servers are killed: nobody gets what was meant for
 * somebody else, nothing crashes, and in the end everything is back in its place. PROPERTY_SEED sets what the
 * clients do, PROPERTY_RUNS how many servers are killed.
 */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import type pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { replayJournal } from "../../engine/core/index.ts";
import { type Pooler, startPooler } from "../../engine/pooler/main.ts";
import { query, startupMessage } from "../../engine/wire/writer.ts";
import { Raw } from "./raw.ts";
import { Stage, until } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
  await (await stage.direct()).query("grant pg_signal_backend to bob");
});
afterAll(() => stage.close());

/** A generator with a seed, so that a failure can be run again. */
function draws(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** One statement of client `tag`, and whether the answer is its own. */
async function ask(client: pg.Client, tag: string, step: number, kind: number): Promise<boolean> {
  const value = `${tag}-${step}`;
  const long = "x".repeat(Math.floor(kind * 1_000_000) % 30_000);
  switch (Math.floor(kind * 5)) {
    case 0:
      return (await client.query(`select '${value}' as v`)).rows[0]?.v === value;
    case 1:
      return (
        (await client.query("select $1::text as v", [value + long])).rows[0]?.v === value + long
      );
    case 2:
      return (
        (
          await client.query({
            name: "same name",
            text: `select '${tag}' || $1 as v`,
            values: [`-${step}`],
          })
        ).rows[0]?.v === value
      );
    case 3: {
      await client.query("begin");
      await client.query(`select set_config('my.tag', '${value}', true)`);
      await client.query("select pg_sleep(0.001)");
      const { rows } = await client.query("select current_setting('my.tag') as v");
      await client.query("commit");
      return rows[0]?.v === value;
    }
    default: {
      const rows = (await client.query(`select '${value}' as v from generate_series(1, 200)`)).rows;
      return rows.length === 200 && rows.every((row) => row.v === value);
    }
  }
}

interface Playing {
  pooler: Pooler;
  tag: string;
  seed: number;
  ending(): boolean;
  onAnswer(): void;
}

/** Plays client `tag` until `ending`: it connects, asks, vanishes in the middle, comes again. */
async function play({ pooler, tag, seed, ending, onAnswer }: Playing): Promise<void> {
  const draw = draws(seed);
  while (!ending()) {
    let client: pg.Client | undefined;
    try {
      client = await stage.client(pooler, { user: "alice", application_name: tag });
      const steps = Math.floor(draw() * 40);
      for (let step = 0; step < steps && !ending(); step++) {
        const answer = ask(client, tag, step, draw());
        if (draw() < 0.01) {
          (
            client as unknown as { connection: { stream: { destroy(): void } } }
          ).connection.stream.destroy();
          await answer;
        }
        if (!(await answer))
          throw new Error(`seed ${seed}: client ${tag} got somebody else's answer at ${step}`);
        onAnswer();
      }
      await client.end();
    } catch (error) {
      if ((error as Error).message.includes("somebody else")) throw error;
      await client?.end().catch(() => undefined);
      await sleep(5);
    }
  }
}

for (const pool_mode of ["transaction", "session"]) {
  test(`${pool_mode}: each of 24 clients gets its own answers while clients and servers die`, async () => {
    const seed = Number(process.env.PROPERTY_SEED ?? Date.now());
    const rounds = Number(process.env.PROPERTY_RUNS ?? 30);
    const path = stage.file("");
    const config = stage.ini({
      pool_mode,
      default_pool_size: 5,
      server_login_retry: 0,
      server_lifetime: 1,
    });
    const pooler = await startPooler({ config, journal: path, quiet: true });
    const direct = await stage.direct();
    let over = false;
    let answers = 0;
    const onAnswer = (): void => void answers++;
    const players = Array.from({ length: 24 }, (_, index) =>
      play({ pooler, tag: `c${index}`, seed: seed + index, ending: () => over, onAnswer }),
    );
    const all = Promise.all(players);
    all.catch(() => undefined);
    for (let round = 0; round < rounds; round++) {
      const before = answers;
      await sleep(100);
      await until(
        () => answers > before + 3,
        () => ({ seed, answers }),
      );
      await direct.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'alice' order by random() limit 1",
      );
    }
    over = true;
    await all;
    const console = await stage.console(pooler);
    // A client that vanished while it waited is noticed when its turn comes, which may want a login.
    let pool: Record<string, string> = {};
    const busy = ["cl_active", "cl_waiting", "sv_active", "sv_login", "sv_tested"];
    await until(
      async () => {
        pool = await console.pool("app");
        return busy.every((name) => Number(pool[name]) === 0);
      },
      () => ({ seed, pool }),
    );
    await console.client.end();
    await pooler.close();
    const replayed = replayJournal(readFileSync(path));
    expect(replayed.checks).toBeGreaterThan(1);
    expect(replayed.cut).toBe(0);
  });
}

test("whatever bytes strangers send, the pooler stays up and serves others", async () => {
  const pooler = await stage.pooler({ client_login_timeout: 1 });
  const good = await stage.client(pooler);
  const garbage = fc.uint8Array({ maxLength: 300 });
  const start = startupMessage([
    ["user", "alice"],
    ["database", "app"],
  ]);
  await fc.assert(
    fc.asyncProperty(garbage, fc.constantFrom("first", "later"), async (bytes, when) => {
      const raw = new Raw(pooler);
      if (when === "later") {
        raw.send(start);
        await raw.until("Z");
      }
      raw.send(Buffer.from(bytes));
      raw.socket.end();
      await raw.end();
      expect((await good.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    }),
    { numRuns: 200 },
  );
});

test("a message that claims two gigabytes does not take them", async () => {
  const pooler = await stage.pooler({ default_pool_size: 1 });
  const holder = await stage.client(pooler, { user: "alice" });
  await holder.query("begin");
  const before = process.memoryUsage().external;
  const raw = await Raw.login(pooler, "alice");
  raw.send(Buffer.from([0x51, 0x7f, 0xff, 0xff, 0xfe]), query("x"));
  raw.send(Buffer.alloc(3_000_000));
  await sleep(100);
  expect(process.memoryUsage().external - before).toBeLessThan(10_000_000);
  raw.socket.destroy();
});
