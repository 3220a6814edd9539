/** A waiter that looks for a server by itself. See `discipline.ts`. */
import { activate, firstIdle, isPaused, poolOfClient } from "./matching.ts";
import { rouse } from "./rousing.ts";
import { CLIENT } from "./states.ts";
import type { World } from "./world.ts";

/** True: `client` has one. Else it waits on, and is perhaps told to look again. */
export function seek(world: World, client: number): boolean {
  if (world.clients.ints[client << 4] !== CLIENT.waiting) return false;
  const pool = poolOfClient(world, client);
  if (!isPaused(world, pool) && firstIdle(world, pool) >= 0) {
    activate(world, pool, client);
    return true;
  }
  if (world.discipline?.rouses === "each") rouse(world, client);
  return false;
}
