/** Every distribution: draws against the closed form, at a chance of a false alarm of 1e-6 each. */
import fc from "fast-check";
import { probit } from "simple-statistics";
import { describe, expect, test } from "vitest";
import { type DistributionSpec, mean, sampler, scaled } from "../../sim/kernel/distributions.ts";
import { Stream } from "../../sim/kernel/streams.ts";
import { distributionOf } from "../../workloads/schema/distribution.ts";
import { correlation, distance, moments, unevenness, Z } from "./chance.ts";
import { lawOf } from "./laws.ts";

const MS = 1e6;
const COUNT = 100_000;
/** A time so long that rounding to nanoseconds cannot be seen. */
const LONG = 2 ** 40;

/** Draws of many clients, each of its first ones. */
function draws(spec: DistributionSpec, count = COUNT, seed = 1): number[] {
  const from = sampler(spec, new Stream(seed, "web", "service"));
  return Array.from({ length: count }, (_, i) => from.draw(i % 100, Math.floor(i / 100), 0));
}

const bounded: DistributionSpec = { kind: "pareto", min: MS, max: 1e4 * MS, shape: 2.5 };
const CONTINUOUS: readonly (readonly [string, DistributionSpec])[] = [
  ["exponential", { kind: "exponential", mean: 10 * MS }],
  ["erlang, k 1", { kind: "erlang", mean: 10 * MS, k: 1 }],
  ["erlang, k 2", { kind: "erlang", mean: 10 * MS, k: 2 }],
  ["erlang, k 20", { kind: "erlang", mean: 10 * MS, k: 20 }],
  ["hyperexponential", { kind: "hyperexponential", means: [5 * MS, 55 * MS], weights: [0.9, 0.1] }],
  ["weights of 9 to 1", { kind: "hyperexponential", means: [5 * MS, 55 * MS], weights: [9, 1] }],
  ["gamma, cv 0.3", { kind: "gamma", mean: 10 * MS, cv: 0.3 }],
  ["gamma, cv 1: exponential", { kind: "gamma", mean: 10 * MS, cv: 1 }],
  ["gamma, cv 1.5: shape below 1", { kind: "gamma", mean: 10 * MS, cv: 1.5 }],
  ["lognormal, cv 0.5", { kind: "lognormal", mean: 10 * MS, cv: 0.5 }],
  ["lognormal, cv 1", { kind: "lognormal", mean: 10 * MS, cv: 1 }],
  ["weibull, shape 2", { kind: "weibull", scale: 10 * MS, shape: 2 }],
  ["weibull, shape 1: exponential", { kind: "weibull", scale: 10 * MS, shape: 1 }],
  ["weibull, shape 0.7", { kind: "weibull", scale: 10 * MS, shape: 0.7 }],
  ["pareto, shape 2.5", bounded],
  ["pareto, shape 1", { ...bounded, kind: "pareto", max: 20 * MS, shape: 1 }],
  ["pareto, shape 0.5, a narrow range", { ...bounded, kind: "pareto", max: 3 * MS, shape: 0.5 }],
  ["uniform", { kind: "uniform", min: MS, max: 9 * MS }],
  [
    "mixture of mixtures",
    {
      kind: "mixture",
      parts: [
        { weight: 3, of: { kind: "erlang", mean: 4 * MS, k: 3 } },
        {
          weight: 1,
          of: {
            kind: "mixture",
            parts: [
              { weight: 0.5, of: { kind: "uniform", min: 0, max: 30 * MS } },
              { weight: 0.5, of: { kind: "exponential", mean: 20 * MS } },
            ],
          },
        },
      ],
    },
  ],
];

describe("mean, spread and shape", () => {
  for (const [name, spec] of CONTINUOUS) {
    test(name, () => {
      const law = lawOf(spec);
      const sample = draws(spec);
      const found = moments(sample);
      expect(Math.abs(found.mean - mean(spec))).toBeLessThan(Z * found.meanError);
      expect(Math.abs(found.deviation - law.cv * mean(spec))).toBeLessThan(
        Z * found.deviationError,
      );
      expect(distance(sample, law.below)).toBeLessThan(1);
      expect(sample.every((value) => Number.isInteger(value) && value >= 0)).toBe(true);
    });
  }

  // Their fourth moments are too large for a sample's spread to mean anything.
  for (const [name, spec] of [
    ["lognormal, cv 3", { kind: "lognormal", mean: 10 * MS, cv: 3 }],
    ["gamma, cv 2", { kind: "gamma", mean: 10 * MS, cv: 2 }],
    ["weibull, shape 0.3", { kind: "weibull", scale: 10 * MS, shape: 0.3 }],
    ["pareto, shape 1.2, to 10 s", { ...bounded, kind: "pareto", shape: 1.2 }],
  ] as const) {
    test(`${name}: the shape alone`, () => {
      // Rounding makes an atom at 0, beside which there is nothing to compare: so a larger scale.
      const large = "mean" in spec ? { ...spec, mean: LONG } : spec;
      expect(distance(draws(large), lawOf(large).below)).toBeLessThan(1);
    });
  }
});

describe("mean() by formula", () => {
  // Numerically: the integral of 1 - P(X <= x).
  for (const [name, spec] of CONTINUOUS) {
    test(`${name}: the integral of the tail`, () => {
      const { below } = lawOf(spec);
      const end = "max" in spec ? spec.max : 2000 * MS;
      // Equal steps of the logarithm, from where the tail is 1 to rounding.
      const [low, steps] = [1, 200_000];
      const factor = (end / low) ** (1 / steps);
      let sum = low;
      for (let i = 0, x = low; i < steps; i++, x *= factor)
        sum += x * (factor - 1) * (1 - below(x * Math.sqrt(factor)));
      expect(sum / mean(spec)).toBeCloseTo(1, 5);
    });
  }

  // distribution, mean, why
  const cases: readonly (readonly [DistributionSpec, number, string])[] = [
    [{ kind: "constant", value: 0 }, 0, "nothing at all"],
    [{ kind: "weibull", scale: 5, shape: 0.5 }, 10, "Gamma(3) = 2"],
    [{ kind: "weibull", scale: 2, shape: 2 }, Math.sqrt(Math.PI), "Gamma(1.5) = sqrt(pi) / 2"],
    [{ kind: "pareto", min: 1, max: Math.E, shape: 1 }, 1 / (1 - 1 / Math.E), "ln(max / min) = 1"],
    [{ kind: "pareto", min: 1, max: 2, shape: 2 }, 4 / 3, "2 (1 - 1/2) / (1 - 1/4)"],
    [{ kind: "empirical", values: [1, 1, 4] }, 2, "each value has the same share"],
    [
      {
        kind: "quantiles",
        points: [
          [0, 0],
          [100, 10],
        ],
      },
      5,
      "uniform",
    ],
    [
      {
        kind: "quantiles",
        points: [
          [0, 0],
          [50, 10],
          [100, 30],
        ],
      },
      12.5,
      "(5 + 20) / 2",
    ],
    [
      {
        kind: "quantiles",
        points: [
          [50, 10],
          [90, 20],
        ],
      },
      13,
      "flat outside: 5 + 6 + 2",
    ],
    [
      {
        kind: "mixture",
        parts: [
          { weight: 9, of: { kind: "constant", value: 1 } },
          { weight: 1, of: { kind: "exponential", mean: 11 } },
        ],
      },
      2,
      "weights need not add up to 1",
    ],
  ];
  for (const [spec, want, why] of cases) {
    test(`${JSON.stringify(spec)}: ${why}`, () => expect(mean(spec)).toBeCloseTo(want, 8));
  }
});

describe("distributions with atoms", () => {
  test("a constant is itself, zero included, rounded to whole nanoseconds", () => {
    for (const [value, want] of [
      [0, 0],
      [7, 7],
      [2.5 * MS, 2.5 * MS],
      [1.4, 1],
      [1e17, 1e17],
    ] as const)
      expect(new Set(draws({ kind: "constant", value }, 100))).toEqual(new Set([want]));
  });

  test("empirical: every value in its share, doubles twice", () => {
    const found = new Map<number, number>();
    for (const value of draws({ kind: "empirical", values: [1, 5, 5, 9, 100] }))
      found.set(value, (found.get(value) ?? 0) + 1);
    expect([...found.keys()].sort((a, b) => a - b)).toEqual([1, 5, 9, 100]);
    const five = (found.get(5) ?? 0) / 2;
    expect(unevenness([found.get(1) ?? 0, found.get(9) ?? 0, found.get(100) ?? 0])).toBeLessThan(1);
    expect(Math.abs(five * 5 - COUNT)).toBeLessThan(Z * Math.sqrt(1.5 * COUNT));
  });

  test("empirical of one value, mixture of one part: that one", () => {
    expect(new Set(draws({ kind: "empirical", values: [3] }, 100))).toEqual(new Set([3]));
    const part = { weight: 0.1, of: { kind: "constant", value: 4 } } as const;
    expect(new Set(draws({ kind: "mixture", parts: [part] }, 100))).toEqual(new Set([4]));
  });

  test("quantiles: linear between the points, and flat beyond the outer ones", () => {
    const points: [number, number][] = [
      [0, MS],
      [50, 4 * MS],
      [99, 60 * MS],
      [100, 2000 * MS],
    ];
    const below = (x: number): number => {
      for (let i = 1; i < points.length; i++) {
        const [from, low] = points[i - 1] as [number, number];
        const [to, high] = points[i] as [number, number];
        if (x <= high) return Math.max(0, from + ((to - from) * (x - low)) / (high - low)) / 100;
      }
      return 1;
    };
    expect(distance(draws({ kind: "quantiles", points }), below)).toBeLessThan(1);
    const inner = draws({ kind: "quantiles", points: points.slice(1, 3) });
    const [half, last] = [4 * MS, 60 * MS].map((end) => inner.filter((x) => x === end).length);
    expect(unevenness([half ?? 0, COUNT - (half ?? 0)])).toBeLessThan(1);
    expect(Math.abs((last ?? 0) - 0.01 * COUNT)).toBeLessThan(Z * Math.sqrt(0.0099 * COUNT));
  });

  test("equal quantiles make an atom", () => {
    const points: [number, number][] = [
      [0, 1000],
      [40, 5000],
      [80, 5000],
      [100, 6000],
    ];
    const sample = draws({ kind: "quantiles", points });
    const atom = sample.filter((x) => x === 5000).length;
    expect(Math.abs(atom - 0.4 * COUNT)).toBeLessThan(0.002 * COUNT + Z * Math.sqrt(0.24 * COUNT));
  });
});

describe("bounds", () => {
  const ratio = fc.double({ min: 1.01, max: 1e6, noNaN: true });
  const shape = fc.double({ min: 0.1, max: 10, noNaN: true });
  test("a bounded pareto and a uniform keep to their bounds", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), ratio, shape, fc.nat(), (min, r, s, seed) => {
        const max = Math.ceil(min * r);
        for (const spec of [
          { kind: "pareto", min, max, shape: s },
          { kind: "uniform", min, max },
        ] as const) {
          const sample = draws(spec, 200, seed);
          expect(Math.min(...sample)).toBeGreaterThanOrEqual(min);
          expect(Math.max(...sample)).toBeLessThanOrEqual(max);
          expect(mean(spec)).toBeGreaterThan(min);
          expect(mean(spec)).toBeLessThan(max);
        }
      }),
    );
  });
});

describe("lognormal by its median and 99th percentile", () => {
  for (const [p50, p99] of [
    ["4 ms", "60 ms"],
    ["1 s", "1.1 s"],
  ] as const) {
    test(`${p50} and ${p99} are met, by formula and by draws`, () => {
      const place = { at: "w.yaml:1", name: "service", file: "w.yaml" };
      const spec = distributionOf({ lognormal: { p50, p99 } }, place);
      const [low, high] = [p50, p99].map((text) => distributionOf(text, place));
      const { below } = lawOf(spec);
      for (const [limit, share] of [
        [mean(low as DistributionSpec), 0.5],
        [mean(high as DistributionSpec), 0.99],
      ] as const) {
        expect(below(limit)).toBeCloseTo(share, 6);
        const count = draws(spec).filter((x) => x <= limit).length;
        expect(Math.abs(count - share * COUNT)).toBeLessThan(
          Z * Math.sqrt(share * (1 - share) * COUNT),
        );
      }
      expect(
        Math.log(mean(high as DistributionSpec) / mean(low as DistributionSpec)) / probit(0.99),
      ).toBeCloseTo(Math.sqrt(Math.log(1 + ("cv" in spec ? spec.cv : 0) ** 2)), 2);
    });
  }
});

describe("the exponential by ziggurat", () => {
  const sample = draws({ kind: "exponential", mean: LONG }, 1_500_000).map((x) => x / LONG);

  test("a thousand cells of equal chance, and the lowest of them in a hundred more", () => {
    const cells = new Float64Array(1000);
    const low = new Float64Array(100);
    for (const x of sample) {
      const cell = Math.min(999, Math.floor(-Math.expm1(-x) * 1000));
      cells[cell] = (cells[cell] ?? 0) + 1;
      const share = Math.floor(-Math.expm1(-x) * 1e5);
      if (share < 100) low[share] = (low[share] ?? 0) + 1;
    }
    expect(unevenness(cells)).toBeLessThan(1);
    expect(unevenness(low)).toBeLessThan(1);
  });

  test("the tail beyond 7.697, which has code of its own, is as heavy and as long as it should be", () => {
    const edge = 7.69711747013105;
    const tail = sample.filter((x) => x > edge);
    const expected = sample.length * Math.exp(-edge);
    expect(Math.abs(tail.length - expected)).toBeLessThan(Z * Math.sqrt(expected));
    expect(distance(tail, (x) => 1 - Math.exp(edge - x))).toBeLessThan(1);
    // No 32-bit word gives more than edge + 33 ln 2.
    expect(Math.max(...tail)).toBeLessThan(edge + 33 * Math.LN2);
  });

  test("moments 1 to 4 are 1, 2, 6 and 24", () => {
    for (const [power, want, variance] of [
      [1, 1, 1],
      [2, 2, 20],
      [3, 6, 684],
      [4, 24, 39_744],
    ] as const) {
      let sum = 0;
      for (const x of sample) sum += x ** power;
      const error = Math.sqrt(variance / sample.length);
      expect(Math.abs(sum / sample.length - want)).toBeLessThan(Z * error);
    }
  });

  test("draws of one client do not follow from those before, nor statements from one another", () => {
    const from = sampler({ kind: "exponential", mean: MS }, new Stream(1, "web", "think"));
    const series = (draw: (i: number) => number) =>
      Array.from({ length: COUNT }, (_, i) => draw(i));
    const next = series((i) => from.draw(17, i + 1, 0));
    expect(
      correlation(
        series((i) => from.draw(17, i, 0)),
        next,
      ),
    ).toBeLessThan(1);
    expect(
      correlation(
        series((i) => from.draw(17, i, 1)),
        next,
      ),
    ).toBeLessThan(1);
    expect(
      correlation(
        series((i) => from.draw(18, i, 0)),
        next,
      ),
    ).toBeLessThan(1);
  });
});

test("a draw is a function of its place: samplers keep nothing between draws", () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(1000), fc.nat(1000), fc.nat(5), (seed, client, draw, part) => {
      for (const [, spec] of CONTINUOUS) {
        const one = sampler(spec, new Stream(seed, "web", "think"));
        const other = sampler(spec, new Stream(seed, "web", "think"));
        other.draw(client + 1, draw + 2, part);
        expect(other.draw(client, draw, part)).toBe(one.draw(client, draw, part));
      }
    }),
  );
});

describe("a scaled distribution draws the same, scaled", () => {
  const specs: DistributionSpec[] = [
    { kind: "constant", value: 1e9 },
    { kind: "exponential", mean: 1e9 },
    { kind: "erlang", mean: 1e9, k: 3 },
    { kind: "hyperexponential", means: [1e8, 1e10], weights: [0.9, 0.1] },
    { kind: "gamma", mean: 1e9, cv: 2 },
    { kind: "lognormal", mean: 1e9, cv: 2 },
    { kind: "weibull", scale: 1e9, shape: 0.7 },
    { kind: "pareto", min: 1e8, max: 1e10, shape: 1.2 },
    { kind: "uniform", min: 1e8, max: 1e10 },
    { kind: "empirical", values: [1e8, 1e9] },
    {
      kind: "quantiles",
      points: [
        [0, 1e8],
        [100, 1e9],
      ],
    },
    { kind: "mixture", parts: [{ weight: 1, of: { kind: "exponential", mean: 1e9 } }] },
  ];
  for (const spec of specs)
    test(spec.kind, () => {
      const stream = new Stream(1, "kind", "purpose");
      const [plain, thrice] = [sampler(spec, stream), sampler(scaled(spec, 3), stream)];
      for (let draw = 0; draw < 50; draw++)
        // Both are rounded to whole nanoseconds.
        expect(Math.abs(thrice.draw(7, draw, 0) - 3 * plain.draw(7, draw, 0))).toBeLessThan(2.1);
    });
});
