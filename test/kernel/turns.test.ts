/** Round robin: against a plain walk from turn to turn, and what it becomes at both ends. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Shares } from "../../sim/kernel/shares.ts";
import { Sharing } from "../../sim/kernel/sharing.ts";
import { Turns } from "../../sim/kernel/turns.ts";

type Jobs = readonly (readonly [arrival: number, work: number])[];

/** Completions as [time, job]. */
function finished(shares: Shares, jobs: Jobs): [number, number][] {
  const out: [number, number][] = [];
  let now = 0;
  const until = (to: number): void => {
    for (let due = shares.next(now); due <= to; due = shares.next(now)) {
      now = due;
      const job = shares.finish(now);
      if (job >= 0) out.push([now, job]);
    }
  };
  for (const [job, [arrival, work]] of jobs.entries()) {
    until(arrival);
    now = arrival;
    shares.start(arrival, job, work);
  }
  until(Number.MAX_VALUE);
  return out;
}

/** The same at full speed, by steps of one unit of work: whoever has a slot gets one. */
function byUnits(jobs: Jobs, slots: number, quantum: number): [number, number][] {
  const left = jobs.map(([, work]) => work);
  const out: [number, number][] = [];
  const queue: number[] = [];
  let running: { job: number; since: number; begun: number }[] = [];
  let [begun, arrived] = [0, 0];
  for (let now = 0; out.length < jobs.length; now++) {
    // Turns end in the order in which they began, and before anybody arrives at the same time.
    for (const turn of [...running].sort((a, b) => a.begun - b.begun)) {
      const { job, since } = turn;
      if ((left[job] as number) > 0 && now - since < quantum) continue;
      running = running.filter((other) => other !== turn);
      if (left[job] === 0) out.push([now, job]);
      else queue.push(job);
      const next = queue.shift();
      if (next !== undefined) running.push({ job: next, since: now, begun: begun++ });
    }
    for (; arrived < jobs.length && (jobs[arrived]?.[0] as number) <= now; arrived++) {
      if (running.length < slots) running.push({ job: arrived, since: now, begun: begun++ });
      else queue.push(arrived);
    }
    for (const { job } of running) left[job] = (left[job] as number) - 1;
  }
  return out;
}

const few = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 1, max: 40 })), {
    minLength: 1,
    maxLength: 25,
  })
  .map((list): Jobs => {
    let at = 0;
    return list.map(([gap, work]) => {
      at += gap;
      return [at, work] as const;
    });
  });
const slots = fc.integer({ min: 1, max: 4 });
const speedOf = (cores: number) => (jobs: number) => Math.min(jobs, cores);

test("every job is done when a walk from turn to turn says so", () => {
  fc.assert(
    fc.property(few, slots, fc.integer({ min: 1, max: 50 }), (jobs, cores, quantum) => {
      const turns = new Turns({ speed: speedOf(cores), slots: cores, quantum });
      expect(finished(turns, jobs)).toEqual(byUnits(jobs, cores, quantum));
    }),
  );
});

test("as long as there is a slot for each, it is processor sharing", () => {
  const speed = (jobs: number): number => jobs / (1 + 0.1 * (jobs - 1));
  fc.assert(
    fc.property(few, fc.integer({ min: 1, max: 50 }), (jobs, quantum) => {
      const large: Jobs = jobs.map(([at, work]) => [1000 * at, 1000 * work]);
      const turns = finished(new Turns({ speed, slots: 25, quantum: 1000 * quantum }), large);
      const shared = finished(new Sharing(speed), large);
      const times = (done: [number, number][]) => [...done].sort((a, b) => a[1] - b[1]);
      for (const [i, [at, job]] of times(turns).entries()) {
        expect(job).toBe(i);
        // Each turn's end is rounded to a whole unit.
        expect(Math.abs(at - (times(shared)[i]?.[0] as number))).toBeLessThan(100);
      }
    }),
  );
});

describe("three jobs of 30, 10 and 20 at once on one slot, by the quantum", () => {
  const jobs: Jobs = [
    [0, 30],
    [0, 10],
    [0, 20],
  ];
  for (const [quantum, want, why] of [
    [
      100,
      [
        [30, 0],
        [40, 1],
        [60, 2],
      ],
      "first come, first served",
    ],
    [
      10,
      [
        [20, 1],
        [50, 2],
        [60, 0],
      ],
      "a turn of 10 each",
    ],
    [
      1,
      [
        [29, 1],
        [50, 2],
        [60, 0],
      ],
      "nearly processor sharing: 30, 50 and 60",
    ],
  ] as const)
    test(`${quantum}: ${why}`, () => {
      const turns = new Turns({ speed: () => 1, slots: 1, quantum });
      expect(finished(turns, jobs)).toEqual(want.map((each) => [...each]));
    });
});

test("together they are as fast as the speed says, be that a little more than one for each slot", () => {
  fc.assert(
    fc.property(few, slots, fc.integer({ min: 50, max: 105 }), (jobs, cores, percent) => {
      const full = (percent / 100) * cores;
      const speed = (busy: number): number => Math.min(busy, full);
      const turns = new Turns({ speed, slots: cores, quantum: 1000 });
      for (const [job, [, work]] of jobs.entries()) turns.start(0, job, 1000 * work);
      const backlog = jobs.length - cores;
      let now = 0;
      for (let done = 0; done < backlog; ) {
        now = turns.next(now);
        if (turns.finish(now) >= 0) done++;
      }
      // Each turn's end is rounded to a whole unit.
      const { worked } = turns.measured(now);
      expect(Math.abs(worked - full * now)).toBeLessThan(1 + 1e-6 * now);
    }),
  );
});

test("what stands still, is forgotten, and is measured", () => {
  const turns = new Turns({ speed: speedOf(2), slots: 2, quantum: 10 });
  for (let job = 0; job < 100; job++) turns.start(0, job, 10);
  expect(turns.max).toBe(100);
  turns.measure(0);
  expect(turns.next(0)).toBe(10);
  turns.stop(4);
  expect(turns.next(20)).toBe(Number.POSITIVE_INFINITY);
  turns.resume(20);
  expect(turns.next(20)).toBe(26);
  expect(turns.finish(26)).toBe(0);
  expect(turns.measured(26)).toEqual({ area: 2600, worked: 20 });
  turns.clear(26);
  expect(turns.next(26)).toBe(Number.POSITIVE_INFINITY);
  turns.start(30, 7, 5);
  expect(turns.next(30)).toBe(35);
  expect(turns.finish(35)).toBe(7);
});

test("a job that is dropped as it comes might as well not have come", () => {
  const works = fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 25 });
  const shares = [
    (): Shares => new Sharing(speedOf(2)),
    (): Shares => new Turns({ speed: speedOf(2), slots: 2, quantum: 30 }),
  ];
  fc.assert(
    fc.property(works, fc.nat(), (work, which) => {
      const dropped = which % work.length;
      for (const make of shares) {
        const [all, others] = [make(), make()];
        for (const [job, length] of work.entries()) all.start(0, job, 1000 * length);
        all.drop(0, dropped);
        for (const [job, length] of work.entries())
          if (job !== dropped) others.start(0, job, 1000 * length);
        expect(finished(all, [])).toEqual(finished(others, []));
      }
    }),
  );
});
