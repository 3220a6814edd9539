/** What a workload says and no simulation of it can show. */
import { describe, expect, test } from "vitest";
import { overlooked } from "../../sim/study/overlooked.ts";
import { study } from "../../sim/study/run.ts";
import { sizePool } from "../../sim/study/size/size.ts";
import { sloOutcome } from "../../sim/study/slo.ts";
import type { ClientKind, Workload } from "../../workloads/schema/workload.ts";
import { closedWorkload, kindOf, timeLimit } from "./workload.ts";

const MILLISECOND = 1e6;
const SECOND = 1e9;
const plain = closedWorkload(kindOf(10, 100, 5), 5);
const base: Workload = { ...plain, run: { ...plain.run, duration: 20 * SECOND } };
const peak = { for: SECOND, clients: "clients", factor: 3 };
const clients = kindOf(10, 95, 5);
const withSession = (transactions: number): ClientKind => ({
  ...clients,
  session: { ...clients.session, transactions: { kind: "constant", value: transactions } },
});
const server = { ...base.server, max_connections: 100 };

describe("overlooked", () => {
  for (const [why, change, want] of [
    ["everything has an effect", {}, []],
    ["a peak within the run", { schedule: [{ ...peak, at: 19 * SECOND }] }, []],
    [
      "a peak after it",
      { schedule: [{ ...peak, at: 500 * SECOND }] },
      [/load of clients x 3 begins at 500 s, after the 20 s that are simulated: .*--duration$/],
    ],
    [
      "a peak that is there as soon as it is over",
      { schedule: [{ ...peak, at: 20 * SECOND }] },
      [/begins at 20 s, after the 20 s that are simulated/],
    ],
    [
      "a peak after it that rises within it",
      { schedule: [{ ...peak, at: 24 * SECOND, over: 5 * SECOND }] },
      [],
    ],
    [
      "a fault after it",
      { faults: [{ at: 60 * SECOND, for: SECOND, fault: "restart" }] },
      [/fault: restart begins at 60 s/],
    ],
    [
      "sessions that last",
      { clients: [withSession(100)] },
      [/^sessions are out of step after 50 s, and the warm-up is .*, 5 s: it may be too short/],
    ],
    ["sessions that last less", { clients: [withSession(20)] }, []],
    [
      "sessions that last, and a warm-up of one's own",
      { clients: [withSession(100)], run: { ...base.run, warmup: SECOND } },
      [],
    ],
    ["a share of no cores", { server: { ...server, cpu_share: 0.5 } }, [/cpu_share has no effect/]],
    ["a share of cores", { server: { ...server, cpu_share: 0.5, cores: 2 } }, []],
    ["as many as are admitted", { server: { ...server, max_connections: 5 } }, []],
    [
      "more than are admitted",
      { server: { ...server, max_connections: 4 } },
      [/^default_pool_size is 5, and server.max_connections 4: the database refuses/],
    ],
    [
      "more than are admitted, of a database",
      { server, settings: { ...base.settings, databases: [{ name: "app", pool_size: 101 }] } },
      [/^pool_size of app is 101, and server.max_connections 100: the database refuses/],
    ],
  ] as [string, Partial<Workload>, RegExp[]][])
    test(why, () =>
      expect(overlooked({ ...base, ...change })).toEqual(
        want.map((each) => expect.stringMatching(each)),
      ),
    );
});

test("a run in which nothing was done meets no objective", async () => {
  const slo = { wait_p99: 10 * MILLISECOND };
  const { run } = await study(base, { replications: 1 });
  expect(sloOutcome(slo, run)?.met).toBe(true);
  expect(sloOutcome(slo, { ...run, transactions: 0 })?.met).toBe(false);
  expect(sloOutcome({}, { ...run, transactions: 0 })).toBeUndefined();
});

test("size says which pools default_pool_size does not size, and how to size them", async () => {
  const [kind] = base.clients as [Workload["clients"][0]];
  const [app] = base.settings.databases as [Workload["settings"]["databases"][0]];
  const databases = [
    { ...app, name: "shop", pool_size: 1 },
    { ...app, name: "other", pool_size: undefined },
  ];
  const clients = ["shop", "other"].map((name) => ({ ...kind, name, database: name, count: 60 }));
  const workload: Workload = {
    ...base,
    slo: { wait_p99: MILLISECOND },
    settings: { ...base.settings, databases },
    clients,
  };
  const { verdict, reasons = [] } = await sizePool(workload, { timeLimit });
  expect(verdict).toBe("fail");
  const said = reasons.filter((text) => text.includes("not sized by default_pool_size"));
  expect(said).toEqual([
    expect.stringMatching(
      /of shop are not .* has pool_size = 1 .*--vary databases\.shop\.pool_size=A\.\.B$/,
    ),
  ]);
});
