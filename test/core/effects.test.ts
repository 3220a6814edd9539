/** The queue of effects: first in, first out, whether an effect stands in the operands or in the table. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { EFFECT, EffectQueue } from "../../engine/core/index.ts";

type Effect = [kind: number, client: number, server: number, detail: number];

const effect = fc.tuple(fc.nat(17), fc.nat(99), fc.nat(99), fc.nat(99));
/** What is done to a queue: effects are pushed, or `next` is called. */
const step = fc.oneof(effect, fc.constant("next" as const));

const read = (queue: EffectQueue): Effect => [queue.kind, queue.client, queue.server, queue.detail];

test("what is pushed comes out in its order, whenever it is taken", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const queue = new EffectQueue();
      const list: Effect[] = [];
      for (const one of steps) {
        if (one === "next") {
          expect(queue.next()).toBe(list.length > 0);
          const first = list.shift();
          if (first !== undefined) expect(read(queue)).toEqual(first);
        } else {
          queue.push(...one);
          list.push(one);
        }
        expect(queue.length).toBe(list.length);
      }
    }),
    { seed: 1 },
  );
});

test.each([0, 1, 70])(
  "behind %i effects: an unlink and a grant, or one pass, by the same hash",
  (before) => {
    const [apart, joined] = [new EffectQueue(), new EffectQueue()];
    joined.joining = true;
    for (const queue of [apart, joined]) {
      queue.hashing = true;
      for (let i = 0; i < before; i++) queue.push(EFFECT.wait, i, -1, 3);
      queue.push(EFFECT.unlink, 7, 9, 2);
      queue.pass(8, 9);
      for (let i = 0; i < before; i++) queue.next();
    }
    expect([joined.length, joined.next(), ...read(joined)]).toEqual([
      1,
      true,
      EFFECT.pass,
      7,
      9,
      8,
    ]);
    expect([apart.length, apart.next(), ...read(apart)]).toEqual([2, true, EFFECT.unlink, 7, 9, 2]);
    expect([apart.next(), ...read(apart)]).toEqual([true, EFFECT.grant, 8, 9, -1]);
    expect(joined.hash).toBe(apart.hash);
  },
);
