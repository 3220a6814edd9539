/** Random numbers by name: the same name, the same number; other names, independent ones. */
import fc from "fast-check";
import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { replicationSeed, Stream } from "../../sim/kernel/streams.ts";
import { correlation, distance, unevenness } from "./chance.ts";

const uint = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const name = fc.string({ maxLength: 12 });

/** `count` numbers of a stream along one of its indices. */
function series(count: number, number: (i: number) => number): number[] {
  return Array.from({ length: count }, (_, i) => number(i));
}

describe("a number is a function of its name", () => {
  test("same seed, kind, purpose, client, draw and part: same number, in any order of drawing", () => {
    const places = fc.array(fc.tuple(uint, uint, uint), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(uint, name, name, places, uint, (seed, kind, purpose, wanted, turn) => {
        const one = new Stream(seed, kind, purpose);
        const first = wanted.map((place) => one.word(...place));
        const start = turn % wanted.length;
        const turned = [...wanted.slice(start), ...wanted.slice(0, start)];
        const other = new Stream(seed, kind, purpose);
        for (const place of turned.reverse()) other.word(...place);
        expect(wanted.map((place) => other.word(...place))).toEqual(first);
      }),
    );
  });

  test("names are not glued together: kind ab, purpose c is not kind a, purpose bc", () => {
    fc.assert(
      fc.property(uint, name, name, (seed, kind, purpose) => {
        fc.pre(purpose.length > 0);
        const moved = new Stream(seed, kind + purpose.slice(0, 1), purpose.slice(1));
        const words = series(4, (i) => moved.word(0, i, 0));
        const plain = new Stream(seed, kind, purpose);
        expect(words).not.toEqual(series(4, (i) => plain.word(0, i, 0)));
      }),
    );
  });

  test("a word is a signed integer of 32 bits, a uniform lies strictly between 0 and 1", () => {
    fc.assert(
      fc.property(uint, uint, uint, uint, (seed, client, draw, part) => {
        const stream = new Stream(seed, "web", "think");
        expect(stream.word(client, draw, part)).toBe(stream.word(client, draw, part) | 0);
        const uniform = stream.uniform(client, draw, part);
        expect(uniform > 0 && uniform < 1).toBe(true);
      }),
    );
  });

  test("the extreme words give numbers that are still inside (0, 1)", () => {
    for (const word of [0, -1, 2 ** 31 - 1, -(2 ** 31)]) {
      const stream = new Stream(1, "", "");
      stream.word = () => word;
      const uniform = stream.uniform(0, 0, 0);
      expect(uniform).toBeGreaterThan(0);
      expect(uniform).toBeLessThan(1);
      expect(-Math.log(uniform)).toBeGreaterThan(0);
    }
  });

  test("drawing leaves the global generator alone", () => {
    const before = seedrandom("x")();
    new Stream(1, "web", "think").word(0, 0, 0);
    expect(seedrandom("x")()).toBe(before);
  });
});

const COUNT = 100_000;
const STREAM = new Stream(1, "web", "think");

describe("equidistribution", () => {
  // The i-th number, and what it is a series of. Few bits change from one index to the next.
  const cases: readonly (readonly [string, (i: number) => number])[] = [
    ["draws of one client", (i) => STREAM.uniform(17, i, 0)],
    ["first draws of many clients", (i) => STREAM.uniform(i, 0, 0)],
    ["parts of one draw", (i) => STREAM.uniform(17, 3, i)],
    ["further words of a draw", (i) => STREAM.uniform(17, i >> 4, (i & 15) << 16)],
    ["draws of clients in turn", (i) => STREAM.uniform(i % 100, Math.floor(i / 100), 0)],
    ["clients a power of two apart", (i) => STREAM.uniform(i << 12, 0, 0)],
    ["first draws of seeds in a row", (i) => SEEDED[i % 1000]?.uniform(0, i / 1000, 0) ?? 0],
  ];
  const SEEDED = series(1000, (i) => i).map((seed) => new Stream(seed, "web", "think"));

  for (const [what, number] of cases) {
    test(`${what} are uniform, in value, in pairs and in every bit`, () => {
      const values = series(COUNT, number);
      expect(distance(values, (x) => Math.min(1, Math.max(0, x)))).toBeLessThan(1);
      expect(unevenness(cells(values, 4096))).toBeLessThan(1);
      expect(unevenness(pairs(values, 64))).toBeLessThan(1);
      for (let bit = 0; bit < 32; bit++) {
        const ones = values.filter((value) => (value * 2 ** (bit + 1)) % 2 >= 1).length;
        expect(unevenness([ones, COUNT - ones])).toBeLessThan(1);
      }
    });

    test(`${what} do not follow from those before: lags 1 to 10`, () => {
      const values = series(COUNT, number);
      for (let lag = 1; lag <= 10; lag++) {
        expect(correlation(values.slice(lag), values.slice(0, -lag))).toBeLessThan(1);
      }
    });
  }

  test("every bit of the three indices turns about half of the word's bits", () => {
    for (const [index, bit] of [0, 1, 2].flatMap((i) => series(20, (b) => b).map((b) => [i, b]))) {
      const flips = new Float64Array(32);
      const samples = 4000;
      for (let i = 0; i < samples; i++) {
        const place: [number, number, number] = [i, i * 3, i & 7];
        const turned: [number, number, number] = [...place];
        turned[index as 0 | 1 | 2] ^= 1 << (bit as number);
        const change = STREAM.word(...place) ^ STREAM.word(...turned);
        for (let b = 0; b < 32; b++) flips[b] = (flips[b] ?? 0) + ((change >>> b) & 1);
      }
      for (const count of flips) expect(unevenness([count, samples - count])).toBeLessThan(1);
    }
  });
});

describe("independence of", () => {
  // The same place under two names.
  const other = (seed: number, kind: string, purpose: string) => new Stream(seed, kind, purpose);
  const streams: readonly (readonly [string, Stream])[] = [
    ["two purposes", other(1, "web", "service")],
    ["two kinds", other(1, "batch", "think")],
    ["two seeds in a row", other(2, "web", "think")],
    ["a replication", other(replicationSeed(1, 1), "web", "think")],
    ["a seed with one bit more", other(1 + 2 ** 31, "web", "think")],
  ];
  for (const [what, stream] of streams) {
    test(`${what}: uncorrelated, and pairs fill the square evenly`, () => {
      for (const number of [
        (from: Stream, i: number) => from.uniform(0, i, 0),
        (from: Stream, i: number) => from.uniform(i, 0, 0),
      ]) {
        const a = series(COUNT, (i) => number(STREAM, i));
        const b = series(COUNT, (i) => number(stream, i));
        expect(correlation(a, b)).toBeLessThan(1);
        expect(unevenness(square(a, b, 64))).toBeLessThan(1);
        for (const lag of [1, 2, 7]) {
          expect(correlation(a.slice(lag), b.slice(0, -lag))).toBeLessThan(1);
        }
      }
    });
  }

  test("clients: 500 neighbours, any two uncorrelated (the largest of 124,750 correlations)", () => {
    const draws = 400;
    const centred = series(500, (i) => i).map((client) => {
      const values = series(draws, (i) => STREAM.uniform(client, i, 0) - 0.5);
      const size = Math.hypot(...values);
      return Float64Array.from(values, (value) => value / size);
    });
    let most = 0;
    for (let a = 0; a < centred.length; a++) {
      for (let b = 0; b < a; b++) {
        let product = 0;
        for (let i = 0; i < draws; i++)
          product += (centred[a]?.[i] as number) * (centred[b]?.[i] as number);
        most = Math.max(most, Math.abs(product));
      }
    }
    // 6.7 standard errors: 124,750 times P(|normal| > 6.7) is 3e-6.
    expect(most * Math.sqrt(draws)).toBeLessThan(6.7);
  });

  // Were draws added to the client's hash, all clients would walk through one cycle of 2^32 words from
  // different starts, and two who start near each other would draw the same, shifted.
  test("no two of 15,000 clients draw the same two words in a row, in 150 draws each", () => {
    const [clients, draws] = [15_000, 150];
    const seen = new Float64Array(clients * draws);
    for (let i = 0; i < seen.length; i++) {
      const [client, draw] = [Math.floor(i / draws), i % draws];
      const high = STREAM.word(client, draw, 0) >>> 0;
      seen[i] = high * 2 ** 21 + (STREAM.word(client, draw + 1, 0) >>> 11);
    }
    seen.sort();
    let doubles = 0;
    for (let i = 1; i < seen.length; i++) if (seen[i] === seen[i - 1]) doubles++;
    // By chance n^2 / 2^54 = 3e-4 are expected: P(two or more) < 1e-6.
    expect(doubles).toBeLessThan(2);
  });
});

test("a thousand statements of a thousand transactions: no more equal words than chance has it", () => {
  const seen = new Int32Array(1_000_000);
  for (let i = 0; i < seen.length; i++) seen[i] = STREAM.word(17, i % 1000, Math.floor(i / 1000));
  seen.sort();
  let doubles = 0;
  for (let i = 1; i < seen.length; i++) if (seen[i] === seen[i - 1]) doubles++;
  // Poisson with mean n^2 / 2^33 = 116.4: P(above 175) < 1e-6. Fewer is no harm.
  expect(doubles).toBeLessThan(175);
});

describe("seeds", () => {
  test("of replications: the first is the seed itself, others follow from it and differ", () => {
    const all = series(1000, (i) => replicationSeed(42, i));
    expect(all[0]).toBe(42);
    expect(new Set(all).size).toBe(1000);
    expect(series(1000, (i) => replicationSeed(42, i))).toEqual(all);
    expect(all.some((seed, i) => i > 0 && seed === replicationSeed(43, i))).toBe(false);
    expect(all.every((seed) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)).toBe(true);
  });
});

/** How many values fall into each of `count` equal cells. */
function cells(values: readonly number[], count: number): Float64Array {
  const found = new Float64Array(count);
  for (const value of values) {
    const cell = Math.floor(value * count);
    found[cell] = (found[cell] ?? 0) + 1;
  }
  return found;
}

/** Values and their successors, in `side` by `side` cells; each value is in one pair only. */
function pairs(values: readonly number[], side: number): Float64Array {
  const even = values.filter((_, i) => i % 2 === 0);
  return square(
    even,
    values.filter((_, i) => i % 2 === 1),
    side,
  );
}

function square(a: readonly number[], b: readonly number[], side: number): Float64Array {
  const row = a.map((x) => Math.floor(x * side));
  return cells(
    b.map((y, i) => ((row[i] as number) + Math.floor(y * side) / side) / side + 1e-9),
    side * side,
  );
}
