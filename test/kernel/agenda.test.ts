/** The event queue: whatever is pushed, and whenever, comes out by (time, sequence). */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Agenda } from "../../sim/kernel/agenda.ts";

const SECOND = 1e9;
const DAY = 86_400 * SECOND;

/** The agenda beside a sorted list, which is slow and plainly right. */
class Pair {
  readonly agenda: Agenda;
  private readonly list: { time: number; item: number }[] = [];
  private pushed = 0;

  constructor(gap?: number) {
    this.agenda = new Agenda(gap);
  }

  get size(): number {
    return this.list.length;
  }

  /** Items are numbered in the order of their pushes, so they show the order among ties. */
  push(delay: number): void {
    const time = this.agenda.now + delay;
    const item = this.pushed++;
    this.agenda.push(time, item);
    let [low, high] = [0, this.list.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.list[middle]?.time ?? 0) <= time) low = middle + 1;
      else high = middle;
    }
    this.list.splice(low, 0, { time, item });
  }

  pop(): void {
    const want = this.list.shift();
    const item = this.agenda.pop();
    // Plain comparisons: `expect` is too slow for every event.
    if (item !== (want?.item ?? -1) || (want !== undefined && this.agenda.now !== want.time)) {
      expect({ item, time: this.agenda.now }).toEqual(want ?? { item: -1 });
    }
  }

  count(): void {
    expect(this.agenda.size).toBe(this.list.length);
  }

  drain(): void {
    while (this.size > 0) this.pop();
    this.pop();
    this.count();
  }
}

/** A delay of any scale, and those next to a power of two, where slots, windows and turns end. */
const delays = fc.oneof(
  fc.constantFrom(0, 0, 1),
  fc.integer({ min: 0, max: 20 }),
  fc
    .tuple(fc.integer({ min: 0, max: 52 }), fc.integer({ min: -2, max: 2 }))
    .map(([power, off]) => Math.max(0, 2 ** power + off)),
  fc
    .tuple(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 1, max: 99 }))
    .map(([power, digits]) => Math.floor(10 ** power * (digits / 10)))
    .filter((delay) => delay <= 100 * DAY),
);
const gaps = fc.constantFrom(undefined, 0, 1, 3e3, 1e6, 1e12);

type Step = { push: number[] } | { pop: number } | { peek: true };
const steps = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ push: fc.array(delays, { maxLength: 12 }) }) },
    { weight: 4, arbitrary: fc.record({ pop: fc.integer({ min: 1, max: 15 }) }) },
    { weight: 2, arbitrary: fc.constant({ peek: true as const }) },
  ),
  { minLength: 1, maxLength: 60, size: "max" },
);

function play(pair: Pair, step: Step): void {
  if ("push" in step) for (const delay of step.push) pair.push(delay);
  else if ("pop" in step) for (let i = 0; i < step.pop; i++) pair.pop();
  else pair.count();
}

describe("order by (time, sequence), as a sorted list has it", () => {
  test("any pushes, pops and counts, at any scale, with any first guess of the rate", () => {
    fc.assert(
      fc.property(gaps, steps, (gap, all) => {
        const pair = new Pair(gap);
        for (const step of all) play(pair, step);
        pair.drain();
      }),
      { numRuns: 400 },
    );
  });

  test("bursts of hundreds, ties among them, while events are being taken", () => {
    const burst = fc.tuple(
      delays,
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 0, max: 3 }),
    );
    fc.assert(
      fc.property(gaps, fc.array(burst, { minLength: 1, maxLength: 12 }), (gap, bursts) => {
        const pair = new Pair(gap);
        for (const [delay, count, apart] of bursts) {
          for (let i = 0; i < count; i++) pair.push(delay + i * apart);
          for (let i = 0; i < count / 2; i++) pair.pop();
        }
        pair.drain();
      }),
      { numRuns: 60 },
    );
  });

  test("each event that is taken begets another, as in a simulation: the rate changes under way", () => {
    const phase = fc.tuple(fc.integer({ min: 0, max: 14 }), fc.integer({ min: 1, max: 9 }));
    const seeds = fc.integer({ min: 1, max: 2 ** 31 - 2 });
    fc.assert(
      fc.property(seeds, fc.array(phase, { minLength: 2, maxLength: 5 }), (seed, phases) => {
        const pair = new Pair();
        let state = seed;
        // Lehmer's generator, so that a failure can be repeated from what fast-check prints.
        const random = (): number => {
          state = (state * 48_271) % 2_147_483_647;
          return state / 2_147_483_647;
        };
        for (let i = 0; i < 200; i++) pair.push(Math.floor(random() * 1e6));
        for (const [power, factor] of phases) {
          for (let i = 0; i < 600; i++) {
            pair.pop();
            pair.push(Math.floor(random() * factor * 10 ** power));
          }
        }
        pair.drain();
      }),
      { numRuns: 60 },
    );
  });

  test("what is pushed before the time that was looked at comes first", () => {
    fc.assert(
      fc.property(delays, fc.array(delays, { maxLength: 20 }), (far, nearer) => {
        const pair = new Pair();
        pair.push(far);
        pair.count();
        for (const delay of nearer) pair.push(Math.min(delay, far));
        pair.drain();
      }),
    );
  });
});

describe("edges", () => {
  // Widths of slots, windows and turns are powers of two; so is each of these times.
  // delays, why
  const cases: readonly (readonly [readonly number[], string])[] = [
    [[0, 0, 0], "three at the present instant, first in, first out"],
    [[2 ** 13, 2 ** 13 - 1, 2 ** 13, 2 ** 13 + 1], "both sides of a slot's edge"],
    [[2 ** 27, 2 ** 27 - 1, 2 ** 27 + 1, 2 ** 27], "both sides of a window's edge"],
    [[2 ** 39, 2 ** 39 - 1, 2 ** 39 + 1, 2 ** 39], "both sides of a turn's edge"],
    [[2 ** 40, 2 ** 40 - 1, 2 ** 41, 2 ** 40], "several turns away"],
    [[100 * DAY, 0, 1, 100 * DAY - 1, 100 * DAY], "a hundred days beside a nanosecond"],
    [[2 ** 53 - 1, 2 ** 53 - 2, 0, 2 ** 53 - 1], "the last integers that a double holds"],
    [[Number.MAX_SAFE_INTEGER, 1], "nothing between now and a hundred days from now"],
  ];
  for (const [times, why] of cases) {
    for (const gap of [1, 100_000, 1e10]) {
      test(`${why}; first guess ${gap} ns`, () => {
        const pair = new Pair(gap);
        for (const time of times) pair.push(time);
        pair.drain();
      });
    }
  }

  test("nothing to take: -1, time stands still, and it goes on", () => {
    const agenda = new Agenda();
    expect(agenda.pop()).toBe(-1);
    expect(agenda.now).toBe(0);
    agenda.push(7, 1);
    expect([agenda.pop(), agenda.now, agenda.size]).toEqual([1, 7, 0]);
    expect([agenda.pop(), agenda.now]).toEqual([-1, 7]);
    agenda.push(7, 2);
    expect([agenda.pop(), agenda.now]).toEqual([2, 7]);
  });

  test("an item may be any whole number of 31 bits", () => {
    const agenda = new Agenda();
    const items = [0, 1, 2 ** 27, 2 ** 30, 2 ** 31 - 1];
    for (const item of items) agenda.push(5, item);
    expect(items.map(() => agenda.pop())).toEqual(items);
  });
});

describe("growth", () => {
  // One list each for the near window, the windows of the turn, and what lies beyond.
  for (const [length, spread, place] of [
    [10_000, 1, "one instant"],
    [100_000, 1e7, "one window"],
    [100_000, 1e11, "one turn"],
    [100_000, 100 * DAY, "many turns"],
  ] as const) {
    test(`${length} events within ${place}`, () => {
      const agenda = new Agenda();
      const times = Array.from({ length }, (_, i) => (i * 7_368_787) % spread);
      for (const [item, time] of times.entries()) agenda.push(time, item);
      expect(agenda.size).toBe(times.length);
      const want = times.map((_, item) => item).sort((a, b) => order(times, a, b));
      const found = times.map(() => agenda.pop());
      expect(found.every((item, i) => item === want[i])).toBe(true);
      expect([agenda.size, agenda.pop()]).toEqual([0, -1]);
    });
  }

  test("100,000 events that each come again 10 times, and none is lost or doubled", () => {
    const agenda = new Agenda();
    const left = new Uint8Array(100_000).fill(10);
    for (let item = 0; item < left.length; item++) agenda.push(item * 1013, item);
    let last = 0;
    let early = 0;
    for (let item = agenda.pop(); item >= 0; item = agenda.pop()) {
      if (agenda.now < last) early++;
      last = agenda.now;
      const count = (left[item] ?? 0) - 1;
      left[item] = count;
      if (count > 0) agenda.push(last + ((item * 7919 + count) % 1e8), item);
    }
    expect(early).toBe(0);
    expect(left.every((count) => count === 0)).toBe(true);
  });
});

test("who wants to know hears of every event that comes from afar, once, before it is due", () => {
  const heard = new Uint8Array(50_000);
  const agenda = new Agenda(1000, 16, (items, from, to) => {
    for (let i = from; i < to; i++) heard[items[i] ?? -1] = (heard[items[i] ?? -1] ?? 0) + 1;
  });
  // The first window is 2^21 ns: what begins behind it comes from afar.
  for (let item = 0; item < heard.length; item++) agenda.push(1e7 + item * 1013, item);
  let late = 0;
  for (let item = agenda.pop(); item >= 0; item = agenda.pop()) if (heard[item] !== 1) late++;
  expect(late).toBe(0);
  expect(heard.every((times) => times === 1)).toBe(true);
});

function order(times: readonly number[], a: number, b: number): number {
  return (times[a] ?? 0) - (times[b] ?? 0) || a - b;
}
