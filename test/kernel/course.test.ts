/** A course of time: its integral by small steps, and that the inverse is one. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Course, type Piece } from "../../sim/kernel/course.ts";

const numRuns = Number(process.env.PROPERTY_RUNS ?? 200);
const factor = fc.oneof(
  fc.constant(0),
  fc.constant(1),
  fc.double({ min: 0.1, max: 5, noNaN: true }),
);
const pieces: fc.Arbitrary<Piece[]> = fc
  .array(fc.record({ gap: fc.integer({ min: 1, max: 500 }), from: factor, to: factor }), {
    minLength: 1,
    maxLength: 6,
  })
  .map((list) => {
    let at = 0;
    return list.map(({ gap, from, to }, i) => {
      if (i > 0) at += gap;
      return { at, from, to: i === list.length - 1 ? from : to };
    });
  });

/** The integral of the factor by the midpoints of steps of 1, exact for straight lines between whole times. */
function area(course: Course, from: number, to: number): number {
  let sum = 0;
  for (let time = from; time < to; time++) sum += course.factor(time + 0.5);
  return sum;
}

test("a pause is over when the factor's integral has grown by its length", () => {
  fc.assert(
    fc.property(
      pieces,
      fc.option(fc.integer({ min: 600, max: 3000 }), { nil: undefined }),
      fc.integer({ min: -300, max: 3000 }),
      fc.integer({ min: 0, max: 2000 }),
      fc.integer({ min: 0, max: 1000 }),
      (list, more, start, length, origin) => {
        const period = more === undefined ? undefined : (list.at(-1)?.at ?? 0) + more;
        const course = new Course(list, origin, period);
        const end = course.after(start, length);
        if (end - start > 50_000) return; // It stands still, or nearly.
        // The end is rounded to a whole time: up to half a step at the factor there.
        expect(Math.abs(area(course, start, end) - length)).toBeLessThanOrEqual(2.51);
      },
    ),
    { numRuns },
  );
});

describe("a spike of three from 100 to 200", () => {
  const spike = new Course(
    [
      { at: 0, from: 1, to: 1 },
      { at: 100, from: 3, to: 3 },
      { at: 200, from: 1, to: 1 },
    ],
    1000,
  );
  // start, pause, end, why
  for (const [start, pause, end, why] of [
    [0, 90, 90, "before it, time passes as it does"],
    [1000, 60, 1060, "over before it begins"],
    [1050, 110, 1120, "under way when it begins: 50, then 60 in a third of the time"],
    [1100, 90, 1130, "within"],
    [1190, 50, 1220, "under way when it ends: 30 in 10, then 20"],
    [1050, 400, 1250, "50, 300 in 100, and 50 after it"],
    [1300, 7, 1307, "after it"],
  ] as const)
    test(`from ${start} a pause of ${pause} lasts until ${end}: ${why}`, () =>
      expect(spike.after(start, pause)).toBe(end));
});

test("where the factor is 0 for ever, a pause never ends within any run", () => {
  const still = new Course([{ at: 0, from: 0, to: 0 }], 0);
  expect(still.after(10, 5)).toBe(Number.MAX_SAFE_INTEGER);
});
