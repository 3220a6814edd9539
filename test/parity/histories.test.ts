/**
 * Scripted histories, played on our pooler and on Debian's PgBouncer: both must show what the script
 * says. And what ours has decided meanwhile, its journal must give again.
 */
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { replay } from "../../sim/study/replay.ts";
import { NO_PGBOUNCER, PGBOUNCER, PGBOUNCER_VERSION } from "../pgbouncer.ts";
import { commands, everything } from "./histories/console.ts";
import type { Group, History } from "./histories/history.ts";
import { brief, impatient, mortal, reserve, strict } from "./histories/limits.ts";
import { modes } from "./histories/modes.ts";
import { fast, newer, notified, replicating, shutdowns } from "./histories/newer.ts";
import { fill, play } from "./histories/player.ts";
import { queueing, roundRobin } from "./histories/queue.ts";
import { suspended } from "./histories/suspended.ts";
import { type Running, Stage } from "./stage.ts";

const GROUPS = [
  ...[queueing, roundRobin, reserve, impatient, mortal, strict, brief],
  ...[commands, everything, modes, newer, notified, fast, replicating, suspended, ...shutdowns],
];

/** What this PgBouncer is too old for, only ours plays. */
const plays = (side: string, { since = 0 }: { since?: number }): boolean =>
  side === "ours" || PGBOUNCER_VERSION >= since;

/** This PgBouncer is one that still says some things differently. */
const OLDER = PGBOUNCER_VERSION < 1_025;

const SIDES = [
  ["ours", undefined],
  ...(NO_PGBOUNCER === "" ? [["theirs", PGBOUNCER] as const] : []),
] as const;

let stage: Stage;
let direct: pg.Client;
/** By group and side. */
const running = new Map<string, Running>();
beforeAll(async () => {
  stage = await Stage.open();
  direct = await stage.direct();
  const users = GROUPS.flatMap((group) => Object.keys(group.users ?? {}));
  for (const name of new Set(["alice", "bob", "carol", "single", ...users]))
    await direct.query(`create role ${name} login`);
  const places = GROUPS.flatMap((group) =>
    SIDES.filter(([side]) => plays(side, group)).map((side) => [group, ...side] as const),
  );
  await Promise.all(
    places.map(async ([group, side, pgbouncer]) => {
      running.set(`${group.name} ${side}`, await start(group, side, pgbouncer));
    }),
  );
});
afterAll(async () => {
  const journals = await Promise.all([...running.values()].map((one) => one.stop()));
  await direct?.end();
  await stage?.close();
  const ours = journals.filter(({ length }) => length > 0);
  expect(ours.map((journal) => replay(journal, "journal").equal)).toEqual(GROUPS.map(() => true));
});

/** What is a history's own goes by names that begin with this. */
const prefixOf = (group: Group, side: string, at: number): string =>
  `${side}${GROUPS.indexOf(group)}_${at}_`;

async function start(group: Group, side: string, pgbouncer: string | undefined): Promise<Running> {
  const entries: Record<string, string> = {};
  const own = group.histories.map((_, at) => `${prefixOf(group, side, at)}own`);
  group.histories.forEach((history, at) => {
    if (!plays(side, history)) return;
    const prefix = prefixOf(group, side, at);
    for (const [name, more] of Object.entries(history.entries ?? { app: "" }))
      entries[prefix + name] = fill(more, prefix);
  });
  const users = { alice: "", bob: "", carol: "", single: "", ghost: "", ...group.users };
  for (const name of own) await direct.query(`drop role if exists ${name}`);
  for (const name of own) await direct.query(`create role ${name} login`);
  const names = [...Object.keys(users), ...own];
  const { settings } = group;
  return await stage.pooler({
    settings,
    entries,
    users: group.users,
    names,
    pgbouncer,
    here: true,
  });
}

for (const group of GROUPS) {
  const both = async (history: History, at: number): Promise<void> => {
    const sides = SIDES.filter(([side]) => plays(side, group) && plays(side, history));
    const played = sides.map(async ([side]) => {
      const prefix = prefixOf(group, side, at);
      const one = running.get(`${group.name} ${side}`) as Running;
      return await play({
        running: one,
        direct,
        history,
        prefix,
        older: side === "theirs" && OLDER,
      });
    });
    const [ours, theirs] = await Promise.all(played);
    expect(ours?.seen, "our pooler").toEqual(ours?.expected);
    expect(theirs?.seen, "PgBouncer").toEqual(theirs?.expected);
  };
  const together = group.alone ? describe : describe.concurrent;
  together(group.name, () => {
    group.histories.forEach((history, at) => {
      test(history.claim, () => both(history, at));
    });
  });
}
