/** Processor sharing: against a plain walk through all jobs, and what must hold by its definition. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Speed } from "../../sim/kernel/shares.ts";
import { Sharing } from "../../sim/kernel/sharing.ts";

const numRuns = Number(process.env.PROPERTY_RUNS ?? 300);

/** Jobs as [arrival, work]; completions as [time, job], by the heap. */
function byHeap(jobs: readonly (readonly [number, number])[], speed: Speed) {
  const sharing = new Sharing(speed);
  const out: [number, number][] = [];
  let now = 0;
  for (const [job, [arrival, work]] of jobs.entries()) {
    finishAll(sharing, now, arrival, out);
    now = arrival;
    sharing.start(arrival, job, work);
  }
  finishAll(sharing, now, Number.MAX_VALUE, out);
  return out;
}

/** Takes what is done from `from` until `to`. */
function finishAll(sharing: Sharing, from: number, to: number, out: [number, number][]): void {
  for (let now = sharing.next(from); now <= to; now = sharing.next(now))
    out.push([now, sharing.finish(now)]);
}

/** The same by taking from each job what it attains between two events. */
function byWalking(jobs: readonly (readonly [number, number])[], speed: Speed) {
  const left = new Map<number, number>();
  const out: [number, number][] = [];
  let now = 0;
  let next = 0;
  while (next < jobs.length || left.size > 0) {
    const rate = left.size === 0 ? 0 : speed(left.size) / left.size;
    const least = Math.min(...left.values());
    const [arrival, work] = jobs[next] ?? [Number.POSITIVE_INFINITY, 0];
    const done = left.size === 0 ? Number.POSITIVE_INFINITY : now + least / rate;
    const to = Math.min(done, arrival);
    for (const [job, rest] of left) left.set(job, rest - (to - now) * rate);
    now = to;
    if (done <= arrival) {
      const [job] = [...left].reduce((a, b) => (b[1] < a[1] - 1e-9 ? b : a));
      left.delete(job);
      out.push([now, job]);
    } else {
      left.set(next++, work);
    }
  }
  return out;
}

const jobs = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 50_000 }), fc.integer({ min: 1, max: 30_000 })), {
    maxLength: 40,
  })
  .map((list) => {
    let at = 0;
    return list.map(([gap, work]) => {
      at += gap;
      return [at, work] as const;
    });
  });

test("completions are those of a walk through all jobs, to the rounding of each", () => {
  fc.assert(
    fc.property(jobs, fc.integer({ min: 1, max: 6 }), (list, cores) => {
      const speed: Speed = (n) => Math.min(n, cores);
      const when = (rows: [number, number][]) => {
        const times = new Array<number>(list.length).fill(-1);
        for (const [time, job] of rows) times[job] = time;
        return times;
      };
      const [heap, walk] = [when(byHeap(list, speed)), when(byWalking(list, speed))];
      // Times are whole numbers here: each event may move those after it by half a unit and its rate.
      for (const [i, time] of heap.entries())
        expect(Math.abs(time - (walk[i] as number))).toBeLessThan(list.length);
    }),
    { numRuns },
  );
});

test("as long as there is a core for each, everybody takes exactly its own time", () => {
  fc.assert(
    fc.property(jobs, (list) => {
      for (const [time, job] of byHeap(list, (n) => Math.min(n, 40))) {
        const [arrival, work] = list[job] as readonly [number, number];
        expect(time).toBe(arrival + work);
      }
    }),
    { numRuns },
  );
});

test("work is conserved: what was done is what was brought", () => {
  fc.assert(
    fc.property(jobs, (list) => {
      const sharing = new Sharing((n) => Math.min(n, 2));
      const out: [number, number][] = [];
      let now = 0;
      for (const [job, [arrival, work]] of list.entries()) {
        finishAll(sharing, now, arrival, out);
        now = arrival;
        sharing.start(arrival, job, work);
      }
      finishAll(sharing, now, Number.MAX_VALUE, out);
      now = out.at(-1)?.[0] ?? 0;
      const brought = list.reduce((sum, [, work]) => sum + work, 0);
      expect(Math.abs(sharing.measured(now).worked - brought)).toBeLessThan(2 * list.length + 1);
    }),
    { numRuns },
  );
});

test("stopped, nothing advances; resumed, everything goes on", () => {
  const sharing = new Sharing((n) => Math.min(n, 1));
  sharing.start(0, 7, 100);
  sharing.stop(40);
  expect(sharing.next(60)).toBe(Number.POSITIVE_INFINITY);
  sharing.resume(1000);
  expect(sharing.next(1000)).toBe(1060);
  expect(sharing.finish(1060)).toBe(7);
});

test("equal jobs that come together are done together, in the order in which they came", () => {
  const same = Array.from({ length: 9 }, () => [5, 100] as const);
  expect(byHeap(same, (n) => Math.min(n, 3))).toEqual(same.map((_, i) => [305, i]));
});
