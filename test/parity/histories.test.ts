/**
 * Scripted histories, played on our pooler and on Debian's PgBouncer: both must show what the script
 * says. And what ours has decided meanwhile, its journal must give again.
 */
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { replay } from "../../sim/study/replay.ts";
import { commands, everything } from "./histories/console.ts";
import type { Group, History } from "./histories/history.ts";
import { brief, crowded, impatient, mortal, reserve, strict } from "./histories/limits.ts";
import { modes } from "./histories/modes.ts";
import { fill, play } from "./histories/player.ts";
import { queueing, roundRobin } from "./histories/queue.ts";
import { NO_PGBOUNCER, PGBOUNCER, type Running, Stage } from "./stage.ts";

const GROUPS = [
  ...[queueing, roundRobin, crowded, reserve, impatient, mortal, strict, brief],
  ...[commands, everything, modes],
];

const SIDES = [
  ["ours", undefined],
  ...(NO_PGBOUNCER === "" ? [["theirs", PGBOUNCER] as const] : []),
] as const;

let stage: Stage;
let direct: pg.Client;
beforeAll(async () => {
  stage = await Stage.open();
  direct = await stage.direct();
  for (const name of ["alice", "bob", "carol", "single"])
    await direct.query(`create role ${name} login`);
});
afterAll(async () => {
  await direct?.end();
  await stage?.close();
});

/** What is a history's own goes by names that begin with this. */
const prefixOf = (side: string, at: number): string => `${side}${at}_`;

async function start(group: Group, side: string, pgbouncer: string | undefined): Promise<Running> {
  const entries: Record<string, string> = {};
  const own = group.histories.map((_, at) => `${prefixOf(side, at)}own`);
  group.histories.forEach((history, at) => {
    const prefix = prefixOf(side, at);
    for (const [name, more] of Object.entries(history.entries ?? { app: "" }))
      entries[prefix + name] = fill(more, prefix);
  });
  const users = { alice: "", bob: "", carol: "", single: "", ghost: "", ...group.users };
  for (const name of own) await direct.query(`drop role if exists ${name}`);
  for (const name of own) await direct.query(`create role ${name} login`);
  const names = [...Object.keys(users), ...own];
  const { settings } = group;
  return await stage.pooler({ settings, entries, users: group.users, names, pgbouncer });
}

for (const group of GROUPS)
  describe(group.name, () => {
    const running = new Map<string, Running>();
    beforeAll(async () => {
      const started = SIDES.map(async ([side, pgbouncer]) =>
        running.set(side, await start(group, side, pgbouncer)),
      );
      await Promise.all(started);
    });
    afterAll(async () => {
      const journals = await Promise.all([...running.values()].map((one) => one.stop()));
      expect(replay(journals[0] as Uint8Array, "journal").equal).toBe(true);
    });

    const both = async (history: History, at: number): Promise<void> => {
      const played = SIDES.map(async ([side]) => {
        const prefix = prefixOf(side, at);
        const older = side === "theirs";
        const one = running.get(side) as Running;
        return await play({ running: one, direct, history, prefix, older });
      });
      const [ours, theirs] = await Promise.all(played);
      expect(ours?.seen, "our pooler").toEqual(ours?.expected);
      expect(theirs?.seen, "PgBouncer").toEqual(theirs?.expected);
    };
    const run = group.alone ? test : test.concurrent;
    group.histories.forEach((history, at) => {
      run(history.claim, () => both(history, at));
    });
  });
