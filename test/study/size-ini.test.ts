/** `size`: the lines of a pgbouncer.ini that it recommends. */
import { expect, test } from "vitest";
import { DEFAULTS } from "../../engine/core/index.ts";
import { iniOf, iniWithSize } from "../../sim/study/size/ini.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import { closedWorkload, kindOf } from "./workload.ts";

const SECOND = 1e9;

test("the ini names what differs from PgBouncer's defaults, in its units", () => {
  const { settings } = closedWorkload(kindOf(1, 1, 1), 9);
  const more = { ...settings, reserve_pool_size: 3, query_wait_timeout: 5e9 };
  expect(iniOf(more)).toBe(
    "[pgbouncer]\npool_mode = transaction\ndefault_pool_size = 9\nmax_client_conn = 100000\n" +
      "reserve_pool_size = 3\nquery_wait_timeout = 5\n",
  );
});

test("the ini has every setting that moves the simulation", () => {
  const { settings } = closedWorkload(kindOf(1, 1, 1), 9);
  const all = Object.entries(DEFAULTS).map(([name, value]) => {
    if (name === "pool_mode") return [name, "statement"];
    return [name, typeof value === "boolean" ? !value : (value as number) + 7 * SECOND];
  });
  const { databases, users } = settings;
  const ini = iniOf({ ...Object.fromEntries(all), databases, users });
  // Of those that are left out no waiting client notices anything.
  const unseen = ["query_wait_notify", "pool_idle_timeout", "autodb_idle_timeout"];
  const written = ini.split("\n").map((line) => line.split(" ")[0]);
  const wanted = Object.keys(DEFAULTS).filter((name) => !unseen.includes(name));
  expect(written.slice(1, -1).sort()).toEqual(wanted.sort());
});

test("what goes before the ini's lines stands beside them", () => {
  const workload = closedWorkload(kindOf(50, 1000, 5), 3);
  const ini = (databases: Workload["settings"]["databases"], clients = workload.clients): string =>
    iniWithSize({ ...workload, clients, settings: { ...workload.settings, databases } }, 7);
  expect(ini([{ name: "app", pool_size: 4, pool_mode: "session" }])).toMatch(
    /\n; \[databases\] app keeps pool_mode = session\n; take pool_size = 4 out of \[databases\] app: /,
  );
  const admins = { ...kindOf(5, 1000, 5), name: "admins", database: "admin" };
  expect(
    ini([{ name: "app" }, { name: "admin", pool_size: 4 }], [...workload.clients, admins]),
  ).toMatch(/\n; \[databases\] admin keeps pool_size = 4\n$/);
  expect(ini([{ name: "app" }])).not.toContain(";");
});
