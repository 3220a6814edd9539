/** A pool whose servers are all open and idle: where most tests begin. */
import { expect } from "vitest";
import type { CoreSettings } from "../../engine/core/index.ts";
import { World, type WorldOptions } from "./world.ts";

/**
 * `size` clients w1, w2, ... and as many idle servers s1, s2, ..., released in that order (in session mode
 * still linked: s1 to w1, and so on).
 */
export function warm(size: number, changes: Partial<CoreSettings> = {}): World {
  return warmed(size, changes, {});
}

/** The same with times for connecting and answering, which hold from the warm state on. */
export function warmed(size: number, changes: Partial<CoreSettings>, options: WorldOptions): World {
  const { discipline } = options;
  const world = new World(
    { default_pool_size: size, ...changes },
    { ...(discipline && { discipline }) },
  );
  const names = Array.from({ length: size }, (_, i) => `w${i + 1}`).join(" ");
  world.logins(names).request(names).finish(names).quiet();
  world.connectTime = options.connect ?? 0;
  world.answerTime = options.answer ?? 0;
  return world;
}

/** Fails unless the only thing that happens up to `tick` is `want`, at that very tick. */
export function expectAt(world: World, tick: number, want: string[]): void {
  world.tick(tick - 1);
  expect(world.take()).toEqual([]);
  world.tick(tick);
  expect(world.take()).toEqual(want);
}
