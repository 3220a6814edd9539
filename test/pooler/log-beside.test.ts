/**
 * The log beside PgBouncer's, scene by scene: who searches it for a reason must find the same lines. Which of
 * two that end together is told first, is not compared. Skipped without PgBouncer.
 */
import type { Server } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NO_PGBOUNCER, PGBOUNCER_VERSION } from "../pgbouncer.ts";
import { COMINGS } from "./beside/comings.ts";
import { GOINGS } from "./beside/goings.ts";
import { ORDERS } from "./beside/orders.ts";
import { type Places, places, type Scene } from "./beside/scene.ts";
import { type Side, startSide } from "./beside/side.ts";
import { Stage, until } from "./stage.ts";

/** Ours follows it; older ones have other words. */
const OLDEST = 1_025;

let stage: Stage;
let found: Places;
let servers: Server[] = [];

async function start(name: Side["name"], scene: Scene): Promise<Side> {
  const { settings, users, rules, far } = scene;
  const entry = typeof far === "function" ? far(found) : far;
  const files = {
    ...(users === undefined ? {} : { auth_file: stage.file(users) }),
    ...(rules === undefined ? {} : { auth_hba_file: stage.file(rules) }),
  };
  const more = entry === undefined ? "" : `far = ${entry}`;
  return await startSide(name, stage, { ...settings, ...files }, more);
}

/** Where TCP is refused, PgBouncer has this line only if the system says so at once. */
const EXTRA = /^WARNING sbuf_connect failed to connect to 127/;

const linesOf = (side: Side): string[] => side.lines.filter((line) => !EXTRA.test(line)).sort();

const same = ([ours, theirs]: readonly string[][]): boolean =>
  JSON.stringify(ours) === JSON.stringify(theirs);

describe.skipIf(NO_PGBOUNCER !== "" || PGBOUNCER_VERSION < OLDEST)("the log, beside", () => {
  beforeAll(async () => {
    stage = await Stage.open();
    [found, servers] = await places(stage);
  });
  afterAll(async () => {
    for (const server of servers) server.close();
    await stage?.close();
  });

  test.each(Object.entries({ ...COMINGS, ...GOINGS, ...ORDERS }))("%s", async (_, scene) => {
    const sides = await Promise.all([start("ours", scene), start("theirs", scene)]);
    await Promise.all(sides.map((side) => scene.play(side)));
    // What is said last may take until the next tick.
    await until(() => same(sides.map(linesOf))).catch(() => undefined);
    const [ours, theirs] = sides.map(linesOf);
    for (const side of sides) await side.stop();
    expect(ours).toEqual(theirs);
  });
});
