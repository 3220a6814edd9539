/** The values that a slider may take, in the words of a workload file: whole numbers, times, rates. */
import { duration, rateGap } from "../../workloads/schema/units.ts";

/** Mantissas of a decade: near enough to each other that a step is never more than about a fourth. */
const MANTISSAS = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8];

/** Up to here every whole number is a step of its own; beyond, a step is about a hundredth. */
const EVERY = 400;

/** Round numbers about `value`, from a 20th to 20 times, with `value` itself; rising. */
export function around(value: number): number[] {
  const first = Math.floor(Math.log10(value / 20));
  const decades = Array.from({ length: 4 }, (_, i) => first + i);
  const round = decades.flatMap((power) =>
    MANTISSAS.map((each) => Number((each * 10 ** power).toPrecision(2))),
  );
  const near = round.filter((each) => each >= value / 20 && each <= value * 20);
  return rising([...near, value]);
}

/** Whole numbers from `least` to about four times `value`. */
export function wholeNumbers(value: number, least: number): number[] {
  const most = Math.max(40, 4 * value);
  const numbers = [value];
  for (let each = least; each <= most; each += stepFrom(each)) numbers.push(each);
  return rising(numbers);
}

/** 1, 2 or 5 of a power of ten, so that the numbers stay round. */
function stepFrom(number: number): number {
  if (number < EVERY) return 1;
  const power = 10 ** Math.floor(Math.log10(number / 80));
  return power * ([5, 2, 1].find((each) => each * power <= number / 80) ?? 1);
}

/** `10 s` with its neighbours, such as `8 s` and `12 s`; a time of nothing grows from there. */
export function times(text: string): string[] {
  const nanos = duration(text) ?? 0;
  if (nanos === 0) return [text, ...around(1e6).map(spelled)];
  return around(nanos).map((each) => (each === nanos ? text : spelled(each)));
}

/** `200/s` with its neighbours. */
export function rates(text: string): string[] {
  const period = text.slice(text.indexOf("/") + 1).trim();
  const nanos = rateGap(`1/${period}`) ?? 1;
  const rate = nanos / (rateGap(text) ?? nanos);
  return around(Number(rate.toPrecision(12))).map((each) =>
    Math.abs(each / rate - 1) < 1e-9 ? text : `${each}/${period}`,
  );
}

const UNITS = [
  ["h", 3600e9],
  ["min", 60e9],
  ["s", 1e9],
  ["ms", 1e6],
  ["us", 1e3],
] as const;

/** A time in the largest unit of which there is at least one: `1.5 s`. */
function spelled(nanos: number): string {
  const [unit, size] = UNITS.find(([, each]) => nanos >= each) ?? ["ns", 1];
  return `${Number((nanos / size).toPrecision(6))} ${unit}`;
}

/** Each once, the least first. */
export const rising = (numbers: readonly number[]): number[] =>
  [...new Set(numbers)].sort((a, b) => a - b);
