/** `size`: the search by itself, then the whole against the exact answer of closed pools. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DistributionSpec } from "../../sim/kernel/distributions.ts";
import { closedPool } from "../../sim/study/analytic/index.ts";
import { resultSchema } from "../../sim/study/results/index.ts";
import { Interrupted, type Study, study } from "../../sim/study/run.ts";
import { HERE, type Simulator } from "../../sim/study/simulator.ts";
import { Probes } from "../../sim/study/size/probes.ts";
import { holdings, whyNone } from "../../sim/study/size/reason.ts";
import { type Judge, search, undecided } from "../../sim/study/size/search.ts";
import { sizePool } from "../../sim/study/size/size.ts";
import {
  largestPool,
  sharedLimit,
  sizedByEntries,
  withPoolSize,
  withService,
} from "../../sim/study/size/variants.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import { sampleRun } from "../report/fixture.ts";
import { closedWorkload, kindOf, timeLimit } from "./workload.ts";

const MILLISECOND = 1e6;
const SECOND = 1e9;

/** A judge for whom sizes from `least` on do, and which counts how often it is asked something new. */
class Oracle implements Judge {
  readonly asked = new Set<number>();
  spent = 0;
  private readonly least: number;
  private readonly busy: number;
  private readonly undecided: ReadonlySet<number>;

  constructor(least: number, busy: number, undecided: ReadonlySet<number> = new Set()) {
    this.least = least;
    this.busy = busy;
    this.undecided = undecided;
  }
  async at(size: number) {
    this.asked.add(size);
    return { run: { utilization: Math.min(1, this.busy / size), pool_size: size } };
  }
  judge(size: number) {
    if (this.undecided.has(size)) return "unsure" as const;
    return size >= this.least ? ("met" as const) : ("missed" as const);
  }
}

/** As much of a study as says that a size was looked at. */
const KNOWN = {};

describe("the search", () => {
  test("finds the smallest size that does, wherever it begins, in few looks", async () => {
    const cases = fc.record({
      largest: fc.integer({ min: 1, max: 20_000 }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      busy: fc.double({ min: 0, max: 20_000, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ largest, share, busy }) => {
        const least = Math.max(1, Math.round(share * largest));
        const oracle = new Oracle(least, busy);
        expect(await search(oracle, largest)).toEqual({ size: least, notes: [] });
        expect(oracle.asked.size).toBeLessThanOrEqual(3 * Math.log2(largest + 1) + 3);
      }),
    );
  });

  test("a look that is given up ends it: what it knows by then is the answer", async () => {
    const oracle = new Oracle(20, 10);
    const at = oracle.at.bind(oracle);
    oracle.at = async (size) => {
      if (oracle.asked.size === 3) throw new Interrupted();
      return at(size);
    };
    const { size, notes } = await search(oracle, 100);
    expect([...oracle.asked]).toEqual([100, 10, 12]);
    expect(size).toBe(100);
    expect(notes.join()).toContain("12 connections are too few, 100 are enough");
  });

  test("nothing does when the largest does not", async () => {
    expect(await search(new Oracle(51, 10), 50)).toEqual({ size: undefined, notes: [] });
  });

  test("an undecided size is no answer, and it is told of the one below that, and of the answer itself", async () => {
    const oracle = new Oracle(20, 18, new Set([20]));
    expect(await search(oracle, 50)).toEqual({ size: 21, notes: [] });
    const told = (size: number): string =>
      undecided(
        {
          judge: (each) => oracle.judge(each),
          known: (each) => (oracle.asked.has(each) ? (KNOWN as Study) : undefined),
        },
        size,
      ).join();
    expect(told(21)).toMatch(/^20 connections may do as well: the interval contains the limit; /);
    expect(told(20)).toMatch(/^20 connections may miss the objective: /);
    expect([told(19), told(22)]).toEqual(["", ""]);
  });

  test("without time it says between which sizes the answer lies", async () => {
    const oracle = new Oracle(20, 10);
    oracle.spent = 2;
    const { size, notes } = await search(oracle, 50);
    expect(size).toBe(50);
    expect(notes.join()).toContain("50 are enough, fewer were not looked at");
  });
});

describe("the smallest pool of a closed pool M/M/c//N is the exact one", () => {
  // clients, think ms, service ms, limit of the p99 wait ms
  for (const [clients, think, service, limit] of [
    [100, 1000, 20, 40],
    [40, 60, 5, 9],
    [400, 300, 10, 18],
  ] as const)
    test(`${clients} clients, ${think} and ${service} ms, at most ${limit} ms`, async () => {
      const tail = (servers: number): number =>
        closedPool({ clients, think, service, servers }).quantile(0.99);
      let exact = 1;
      while (tail(exact) > limit) exact++;
      // The limit must not lie so close to a size's own p99 that chance decides.
      expect(tail(exact) / limit).toBeLessThan(0.85);
      expect(tail(exact - 1) / limit).toBeGreaterThan(1.15);
      const workload = objective(closedWorkload(kindOf(clients, think, service), 3), limit);
      const found = await sizePool(workload, { precision: 0.1, timeLimit });
      expect(found.recommended?.pool_size).toBe(exact);
      expect(found.verdict).toBe("pass");
      const head = { poolwise: "0", command: "size", workload: "closed", seed: 1 };
      expect(resultSchema.safeParse({ ...head, ...found }).error).toBeUndefined();
      const at = (size: number) => found.curve?.find((point) => point.pool_size === size);
      expect([at(exact - 1)?.slo_met, at(exact)?.slo_met]).toEqual([false, true]);
      expect(found.sensitivity?.length).toBe(3);
      expect(found.recommended?.ini).toContain(`default_pool_size = ${exact}\n`);
      expect(found.recommended?.reason).toContain(`${exact} connections are busy`);
    });
});

test("a size whose precise run does not bear the search out is not the answer", async () => {
  const plain = objective(closedWorkload(kindOf(30, 60, 5), 3), 8.2);
  const workload = { ...plain, run: { ...plain.run, duration: 30 * SECOND } };
  // Looks have a window of their own; the precise run has the workload's, and slower statements here.
  const simulator: Simulator = {
    ...HERE,
    run: (each, options) =>
      HERE.run(options.duration === undefined ? withService(each, 1.25) : each, options),
  };
  const least =
    (await sizePool(workload, { precision: 0.1, timeLimit })).recommended?.pool_size ?? 0;
  const found = await sizePool(workload, { precision: 0.1, simulator, timeLimit });
  expect(found.recommended?.pool_size).toBe(least + 1);
  expect(found.verdict).toBe("pass");
  expect(found.runs[0]?.slo?.terms.every(({ met, certain }) => met && certain)).toBe(true);
  const at = (size: number) => found.curve?.find((point) => point.pool_size === size);
  expect([at(least)?.slo_met, at(least + 1)?.slo_met]).toEqual([false, true]);
});

test("what may do as well is not said to be over the limit", async () => {
  const plain = closedWorkload(kindOf(30, 60, 5), 3);
  const short = { ...plain, run: { ...plain.run, duration: 4 * SECOND, warmup: SECOND } };
  const exactly = { replications: 12 };
  const { run } = await study(withPoolSize(short, 3), exactly);
  const { p99, p99_ci95 } = run.wait_ms;
  const limit = 0.995 * p99;
  expect(p99_ci95?.[0]).toBeLessThan(limit);
  const found = await sizePool(objective(short, limit), exactly);
  expect(found.recommended?.pool_size).toBe(4);
  expect(found.notes?.join()).toContain("3 connections may do as well");
  expect(found.recommended?.reason).toMatch(/; with 3 wait_p99 is .*, known too little to be sure/);
  expect(found.recommended?.reason).not.toContain("over its limit");
});

test("pools that share a limit: the largest size starves some, and a smaller one does", async () => {
  const [busy, rare] = [kindOf(60, 60, 10), kindOf(4, 100, 10)];
  const plain = objective(closedWorkload({ ...busy, name: "busy", user: "busy" }, 3), 30);
  const connect_time: DistributionSpec = { kind: "constant", value: 50 * MILLISECOND };
  const workload: Workload = {
    ...plain,
    clients: [...plain.clients, { ...rare, name: "rare", user: "rare" }],
    settings: { ...plain.settings, max_db_connections: 13 },
    server: { ...plain.server, connect_time },
    run: { ...plain.run, duration: 20 * SECOND },
  };
  expect(sharedLimit(workload)).toEqual({ even: 6, most: 13 });
  expect(sharedLimit(plain)).toBeUndefined();
  const found = await sizePool(workload, { precision: 0.1, timeLimit });
  // With 8 the busy ones wait for too long, with 13 they have all connections most of the time.
  expect(found.recommended?.pool_size).toBeGreaterThanOrEqual(8);
  expect(found.recommended?.pool_size).toBeLessThanOrEqual(12);
  expect(found.notes?.join()).toMatch(
    /pools of more than 1\d connections do not meet the objective/,
  );
});

test("a spike late in the window counts, however short the windows that would do without it", async () => {
  const workload = objective(closedWorkload(kindOf(300, 3000, 10), 3), 20);
  const spike = { at: 50 * SECOND, for: 5 * SECOND, clients: "clients", factor: 3 };
  const [calm, stormy] = await Promise.all(
    [[], [spike]].map((schedule) =>
      sizePool({ ...workload, schedule }, { precision: 0.2, timeLimit }),
    ),
  );
  // One connection is busy on average, and three in the spike, which brings a fifth of all transactions.
  expect(calm?.recommended?.pool_size).toBeLessThanOrEqual(4);
  expect(stormy?.recommended?.pool_size).toBeGreaterThan(calm?.recommended?.pool_size ?? 0);
  expect(stormy?.runs[0]?.slo?.met).toBe(true);
});

test("an objective that no pool can meet: no size, and the reason", async () => {
  const workload = closedWorkload(kindOf(20, 100, 10), 3);
  const found = await sizePool({ ...workload, slo: { response_p99: MILLISECOND } }, { timeLimit });
  expect(found.recommended).toBeUndefined();
  expect(found.verdict).toBe("fail");
  expect(found.reasons?.join()).toContain("response_p99 is");
  expect(found.reasons?.join()).toContain("no pool changes");
});

test("more clients than the database admits, in session mode: said so, with the other mode", async () => {
  const workload = closedWorkload(kindOf(50, 1000, 5), 3);
  const session: Workload = {
    ...objective(workload, 10),
    settings: { ...workload.settings, pool_mode: "session" },
    server: { ...workload.server, max_connections: 23 },
  };
  const found = await sizePool(session, { timeLimit });
  expect(found.verdict).toBe("fail");
  expect(found.reasons?.join()).toContain("admits 20 beside its reserved ones");
  expect(found.reasons?.join()).toContain("pool_mode = transaction");
});

test("what all pools together may have is not what one of them has", () => {
  const kind = kindOf(30, 10, 10); // 15 in use, and as many of the other user.
  const plain = closedWorkload(kind, 3);
  const clients = [kind, { ...kind, name: "others", user: "other" }];
  const reasons = (max_connections: number): string => {
    const server = { ...plain.server, max_connections };
    const workload = { ...plain, clients, server };
    return whyNone(workload, sampleRun("transaction", 4), largestPool(workload)).join();
  };
  expect(reasons(43)).not.toContain("admits"); // 20 each.
  expect(reasons(23)).toContain("30 connections would be in use if nobody waited");
  expect(reasons(23)).toContain("max_connections of the database admits 20 beside its reserved");
});

test("the limit that turns clients away is named, not the timeouts beside it", () => {
  const terms = [{ name: "refused", limit: 0, value: 9, unit: "times", met: false, certain: true }];
  const errors = { max_client_conn: 9, query_wait_timeout: 7 };
  const run = { ...sampleRun("session", 4), errors, slo: { met: false, terms } };
  const reasons = whyNone(closedWorkload(kindOf(30, 10, 10), 3), run, 20).join();
  expect(reasons).toContain("turns clients away, whatever the pool (max_client_conn): raise it");
});

test("the largest pool: a client each, or what the database admits", () => {
  const workload = closedWorkload(kindOf(50, 1000, 5), 3);
  expect(largestPool(workload)).toBe(50);
  const full = { ...workload, server: { ...workload.server, max_connections: 33 } };
  expect(largestPool(full)).toBe(30);
  const kind = kindOf(50, 1000, 5);
  const two = { ...full, clients: [kind, { ...kind, name: "few", user: "other", count: 4 }] };
  expect(largestPool(two)).toBe(26); // and 4 for the other pool
  const own = [{ name: "app" }, { name: "admin", pool_size: 10 }];
  const settings = { ...full.settings, databases: own };
  const admins = { ...kind, name: "admins", database: "admin" };
  expect(largestPool({ ...full, settings, clients: [kind, admins] })).toBe(20);
  const pooled = { ...kind, app_pool: { instances: 2, size: 3, timeout: 0 } };
  expect(largestPool({ ...full, clients: [pooled, { ...kind, user: "other" }] })).toBe(24);
});

test("entries with a size of their own give way only when all that are used have one", () => {
  const workload = closedWorkload(kindOf(50, 1000, 5), 3);
  const sized = (databases: Workload["settings"]["databases"]): Workload =>
    withPoolSize({ ...workload, settings: { ...workload.settings, databases } }, 7);
  expect(sized([{ name: "app", pool_size: 4 }]).settings.databases).toEqual([{ name: "app" }]);
  const other = [{ name: "app" }, { name: "admin", pool_size: 4 }];
  expect(sized(other).settings.databases).toEqual(other);
  expect(sized(other).settings.default_pool_size).toBe(7);
});

test("users with a size of their own count as entries that have one", () => {
  const workload = closedWorkload(kindOf(50, 1000, 5), 3);
  const [{ user } = kindOf(1, 1, 1)] = workload.clients;
  const users = [{ name: user, pool_size: 4 }];
  const sized = { ...workload, settings: { ...workload.settings, users } };
  expect(withPoolSize(sized, 7).settings.users).toEqual([{ name: user }]);
  expect(sizedByEntries(sized)).toEqual([expect.stringContaining("every pool has a pool_size")]);
  const other = { ...kindOf(5, 1000, 5), name: "others", user: "other" };
  const two = { ...sized, clients: [...sized.clients, other] };
  expect(withPoolSize(two, 7).settings.users).toEqual(users);
  expect(sizedByEntries(two)).toEqual([`${user} keeps its own pool_size, 4`]);
});

test("the mode of a user is that of its clients", () => {
  const workload = closedWorkload(kindOf(100, 1000, 20), 3);
  const [{ user } = kindOf(1, 1, 1)] = workload.clients;
  const users = [{ name: user, pool_mode: "session" as const }];
  const settings = { ...workload.settings, users, databases: [{ name: "app", forced_user: "x" }] };
  expect(holdings({ ...workload, settings })).toHaveLength(1); // The pool is x's, not the login's.
  const own = { ...workload.settings, users };
  expect(holdings({ ...workload, settings: own })).toHaveLength(2);
});

test("what connections are held for, by Little's law", () => {
  const kind = kindOf(100, 1000, 20);
  const transaction = {
    ...kind.transaction,
    statements: { kind: "constant", value: 2 } as const,
    gap: { kind: "constant", value: 60 * MILLISECOND } as const,
  };
  const workload = closedWorkload({ ...kind, transaction }, 3);
  const rate = 100 / 1100; // a transaction each 1000 + 2 x 20 + 60 ms
  const parts = holdings(workload).map(({ what, connections }) => [what, connections / rate]);
  expect(parts).toEqual([
    ["pauses of clients inside transactions", expect.closeTo(60, 9)],
    ["statements of clients", expect.closeTo(40, 9)],
  ]);
});

test("in session mode the application's own pool holds its connections, not the clients behind it", () => {
  const app_pool = { instances: 8, size: 5, timeout: SECOND };
  const plain = closedWorkload({ ...kindOf(400, 1000, 20), app_pool }, 3);
  const settings = { ...plain.settings, pool_mode: "session" as const };
  const sum = (workload: Workload): number =>
    holdings(workload).reduce((all, { connections }) => all + connections, 0);
  expect(sum(plain)).toBeCloseTo((400 * 20) / 1020, 9);
  expect(sum({ ...plain, settings })).toBeCloseTo(40, 9);
  const hasty = { ...plain, clients: [{ ...kindOf(400, 10, 20), app_pool }] };
  expect(sum(hasty), "and lets no more through").toBeCloseTo(40, 9);
});

test("what would be in use without waiting is said of the load that a schedule multiplies", async () => {
  const plain = objective(closedWorkload(kindOf(20, 100, 10), 3), 20);
  const spike = { at: 30 * SECOND, for: 10 * SECOND, clients: "clients", factor: 2 };
  const [calm, stormy] = await Promise.all(
    [[], [spike]].map((schedule) =>
      sizePool({ ...plain, schedule }, { precision: 0.5, timeLimit }),
    ),
  );
  expect(calm?.recommended?.reason).toMatch(/in use: 100 %/);
  expect(stormy?.recommended?.reason).toMatch(/in use at the load that the schedule multiplies: /);
});

function objective(workload: Workload, limit_ms: number): Workload {
  return { ...workload, slo: { wait_p99: limit_ms * MILLISECOND } };
}

test("a look at a size begins as late as a simulation of it: the clients are out of step", async () => {
  // Sessions of about 4.4 s that all begin together, and take turns at 130 connections for a minute.
  const constant = (ms: number): DistributionSpec => ({
    kind: "constant",
    value: ms * MILLISECOND,
  });
  const kind = kindOf(170, 479, 64);
  const session = { transactions: { kind: "constant", value: 8 } as const, away: constant(100) };
  const plain = closedWorkload({ ...kind, think: constant(479), session }, 130);
  const workload: Workload = {
    ...plain,
    settings: { ...plain.settings, pool_mode: "session" },
    run: { ...plain.run, duration: 60 * SECOND },
    slo: { response_p95: 300 * MILLISECOND },
  };
  const probes = new Probes(workload, { timeLimit });
  const looked = (await probes.at(130)).run;
  const { run } = await study(workload, { replications: 10 });
  expect(looked.simulated_s / looked.replications).toBeLessThan(60);
  expect([looked.warmup_s, run.warmup_s]).toEqual([15, 15]);
});

test("what is looked at begins when the pool is open: a connection for each client is enough", async () => {
  const plain = closedWorkload(kindOf(60, 100, 5), 60);
  const connect_time: DistributionSpec = { kind: "constant", value: 40 * MILLISECOND };
  const workload: Workload = {
    ...plain,
    settings: { ...plain.settings, pool_mode: "session" },
    server: { ...plain.server, connect_time },
    run: { ...plain.run, duration: 30 * SECOND },
    slo: { wait_p99: 10 * MILLISECOND },
  };
  const { recommended, runs } = await sizePool(workload, { timeLimit });
  expect(recommended?.pool_size).toBe(60);
  expect(runs[0]?.warmup_s).toBeCloseTo(1.25 * 60 * 0.04);
  expect(runs[0]?.clients_waiting.mean).toBe(0);
});
