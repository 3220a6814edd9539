/** The table of simulated beside exact: it holds, it can fail, and its judge is right. */
import seedrandom from "seedrandom";
import { describe, expect, test, vi } from "vitest";
import { normality, standardErrors } from "../../../sim/study/theory/judge.ts";
import { SYSTEMS, theory } from "../../../sim/study/theory/theory.ts";

// Ten seconds of work, and minutes where six others share the processor.
vi.setConfig({ testTimeout: 300_000 });

test("there are at least 40 systems of at least 12 families, each with a name of its own", () => {
  const systems = SYSTEMS.map((make) => make());
  expect(systems.length).toBeGreaterThanOrEqual(40);
  expect(new Set(systems.map(({ family }) => family)).size).toBeGreaterThanOrEqual(12);
  expect(new Set(systems.map(({ name }) => name)).size).toBe(systems.length);
});

test("the quick table holds: every figure, and the errors of all as chance has them", async () => {
  const { rows, spread, systems } = await theory({ quick: true });
  expect(rows.filter((row) => !row.met)).toEqual([]);
  expect(spread.filter((each) => !each.met)).toEqual([]);
  expect(spread.map(({ figure }) => figure)).toEqual(
    expect.arrayContaining(["mean", "waits", "p95", "p99"]),
  );
  expect(systems).toBeGreaterThanOrEqual(40);
});

test("a model that is 3 % too slow is found out", async () => {
  const systems = SYSTEMS.slice(0, 4).map((make) => () => {
    const system = make();
    const { service } = system.workload.clients[0].transaction;
    if (service.kind !== "exponential") throw new Error("the first systems are Erlang's");
    const slower = { ...service, mean: 1.03 * service.mean };
    const [kind] = system.workload.clients;
    const clients = [{ ...kind, transaction: { ...kind.transaction, service: slower } }];
    return { ...system, workload: { ...system.workload, clients } };
  });
  const { rows, met } = await theory({ systems });
  expect(met).toBe(false);
  expect(rows.filter((row) => Math.abs(row.z) > 3).length).toBeGreaterThan(0);
});

test("one family can be asked for; another seed gives other numbers of the same law", async () => {
  const [one, other] = [
    await theory({ family: "D/M/1", quick: true }),
    await theory({ family: "D/M/1", quick: true, seed: 2 }),
  ];
  expect(new Set(one.rows.map((row) => row.family))).toEqual(new Set(["D/M/1"]));
  expect(one.rows.map((row) => row.exact)).toEqual(other.rows.map((row) => row.exact));
  expect(one.rows.map((row) => row.z)).not.toEqual(other.rows.map((row) => row.z));
});

describe("the judge", () => {
  const normal = (random: () => number): number =>
    Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

  test("distances of 12 skewed replications are standard normal", () => {
    const random = seedrandom("judge");
    const gamma = (): number => -Math.log(random() * random() * random() * random()) / 4;
    const z = Array.from({ length: 3000 }, () =>
      standardErrors(
        Array.from({ length: 12 }, () => [gamma(), 1] as const),
        1,
      ),
    );
    expect(normality(z.slice(0, 200)).chance).toBeGreaterThan(0.01);
    expect(z.filter((each) => Math.abs(each) > 3).length / 3000).toBeLessThan(0.01);
  });

  test("an error of five standard errors is called that; no spread and no error is 0", () => {
    const random = seedrandom("five");
    const pairs = Array.from({ length: 4000 }, () => [normal(random), 1] as const);
    expect(standardErrors(pairs, -5 / Math.sqrt(4000))).toBeGreaterThan(3);
    expect(
      standardErrors(
        [
          [2, 1],
          [4, 2],
        ],
        2,
      ),
    ).toBe(0);
    expect(
      standardErrors(
        [
          [2, 1],
          [4, 2],
        ],
        2.1,
      ),
    ).toBeLessThan(-10);
  });

  test("Anderson and Darling's printed points: 2.492 is the 5 % point, 3.857 the 1 % point", () => {
    // Ten points whose statistic is known only by the formula, shifted until it passes the two.
    const random = seedrandom("ad");
    const sample = Array.from({ length: 500 }, () => normal(random));
    let before = 1;
    for (let shift = 0; shift < 0.3; shift += 0.002) {
      const { statistic, chance } = normality(sample.map((x) => x + shift));
      if (statistic > 2.4 && statistic < 2.6)
        expect(Math.abs(chance - 0.05 * Math.exp((2.492 - statistic) * 1.18))).toBeLessThan(0.002);
      if (statistic > 3.8 && statistic < 3.9)
        expect(Math.abs(chance - 0.01 * Math.exp((3.857 - statistic) * 1.15))).toBeLessThan(0.0005);
      before = Math.min(before, chance);
    }
    expect(before).toBeLessThan(0.01);
  });

  test("too narrow and too wide are both found", () => {
    const random = seedrandom("width");
    const sample = Array.from({ length: 200 }, () => normal(random));
    expect(normality(sample).chance).toBeGreaterThan(0.01);
    expect(normality(sample.map((x) => x * 1.4)).chance).toBeLessThan(0.001);
    expect(normality(sample.map((x) => x / 1.6)).chance).toBeLessThan(0.001);
  });
});
