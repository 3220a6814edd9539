/** A journal whose disk fails ends, says so, and takes nothing else with it. */
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startPooler } from "../../engine/pooler/main.ts";
import { startPooler as startProcess } from "../../sim/study/live/pooler-process.ts";
import { Stage } from "./stage.ts";

/** A device of Linux on which every write fails as on a full disk. */
const FULL = "/dev/full";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(() => stage.close());

test.skipIf(!existsSync(FULL))(
  "a full disk: told once and logged, the traffic goes on, the pooler ends in order",
  async () => {
    const log = stage.file("");
    const said: string[] = [];
    const pooler = await startPooler({
      config: stage.ini({ logfile: log }),
      journal: FULL,
      quiet: true,
      onJournalEnd: (message) => said.push(message),
    });
    const client = await stage.client(pooler);
    while (said.length === 0) await sleep(10);
    for (let i = 0; i < 20; i++)
      expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    await pooler.close();
    expect(said).toEqual([expect.stringMatching(/journal \/dev\/full ends early.*ENOSPC/)]);
    expect(readFileSync(log, "utf8")).toContain(`WARNING ${said[0]}`);
  },
);

test.skipIf(!existsSync(FULL))("a full disk: who measures is told, as a note", async () => {
  const { directory } = stage;
  const ini = stage.ini();
  const pooler = await startProcess({ ini, directory, port: 0, journal: FULL });
  while (pooler.notes.length === 0) await sleep(10);
  await pooler.stop();
  expect(pooler.notes).toEqual([expect.stringContaining("journal /dev/full ends early")]);
});
