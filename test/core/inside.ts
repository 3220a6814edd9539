/** A look into the core's records, which no view shows: tests recount and walk the lists themselves. */
import type { Core } from "../../engine/core/index.ts";
import type { World as Memory } from "../../engine/core/world.ts";

/** The memory of a core. It is `protected` there, so that hosts keep out; tests may look. */
export const memory = (core: Core): Memory => (core as unknown as { world: Memory }).world;

/** Handles of a list of clients or servers, from the head on. */
export function walk(ints: Int32Array, head: number): number[] {
  const NEXT = 3;
  const handles: number[] = [];
  for (let at = head; at >= 0; at = ints[(at << 4) + NEXT] as number) handles.push(at);
  return handles;
}
