/** The settings that `check` finds in force in a pool are those by which the scheduler goes. */
import { expect, test } from "vitest";
import { coreSettings, parseIni } from "../../engine/config/index.ts";
import { configuredPool } from "../../engine/core/index.ts";
import { instanceOf } from "../../sim/study/check/instance.ts";
import { NOTHING_KNOWN } from "../../sim/study/check/surroundings.ts";

test("mode and sizes, whoever says them", () => {
  const OWN = " pool_mode=session pool_size=3 reserve_pool_size=1";
  const FORCED = [" user=u", ""];
  for (const entry of ["", OWN, ...FORCED.map((user) => OWN + user)])
    for (const user of ["", " pool_mode=statement", " pool_size=0 reserve_pool_size=2"]) {
      const text = `[databases]\ndb = host=h${entry}\n[users]\nu =${user}\n[pgbouncer]\n`;
      const config = parseIni("a.ini", () => text);
      const files = {
        logins: { is: "read", names: ["u"] },
        loginRules: { is: "not asked for" },
      } as const;
      const { pools } = instanceOf(config, 1, files, NOTHING_KNOWN);
      const { mode, size, reserve_size } = configuredPool(coreSettings(config), "db", "u");
      const [found] = pools;
      const seen = [found?.pool_mode, found?.pool_size, found?.reserve_pool_size];
      expect(seen.map((placed) => placed?.value)).toEqual([mode, size, reserve_size]);
    }
});
