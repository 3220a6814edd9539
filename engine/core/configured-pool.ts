/** Which pool clients would come to, for those who only read settings: the scheduler itself is asked. */
import type { Pool } from "./pool.ts";
import type { CoreSettings } from "./settings.ts";
import { START } from "./units.ts";
import { World } from "./world.ts";

/**
 * The pool of clients of `database` who log in as `login`, empty, with its user and its settings resolved.
 * A database that no entry names, not even `*`, has the global settings.
 */
export function configuredPool(settings: CoreSettings, database: string, login: string): Pool {
  const autodb = settings.autodb ?? { name: database };
  const world = new World({ ...settings, autodb }, START);
  return world.pool(world.database(database), world.user(login));
}
