/** Whose turn it is under another discipline than PgBouncer's, and who is told to look. See `discipline.ts`. */
import * as effects from "./effects.ts";
import type { Pool } from "./pool.ts";
import * as states from "./states.ts";
import type { World } from "./world.ts";

const { EFFECT } = effects;
const { CLIENT } = states;

/** The waiter who is to have an idle server now; -1: none, they look for themselves. Somebody must wait. */
export function turnOf(world: World, pool: Pool): number {
  const { discipline } = world;
  const client = pool.waiting.head;
  // Whoever waits for the welcome takes no server away from anybody.
  if (discipline === null || world.clients.ints[client << 4] !== CLIENT.waiting) return client;
  return discipline.next(pool.waiting);
}

/** A waiter is told to look for a server by itself. */
export function rouse(world: World, client: number): void {
  world.effects.push(EFFECT.rouse, client, -1, -1);
}

/** The first waiter is woken, and so leaves its place; if it finds nothing it is the last. */
export function rouseFirst(world: World, pool: Pool): void {
  const client = pool.waiting.head;
  pool.waiting.remove(world.clients.ints, client);
  pool.waiting.append(world.clients.ints, client);
  pool.ordered = false;
  rouse(world, client);
}
