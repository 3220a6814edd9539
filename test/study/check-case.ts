/** What the tables of cases for `check` are made of. */
import type { Surroundings } from "../../sim/study/check/surroundings.ts";

export type Around = Partial<Surroundings>;

/**
 * Id, settings that break the rule, settings that do not, why the boundary is there, surroundings. A
 * text with sections is a whole file; any other is about the one pool of ONE_POOL.
 */
export type Case = [id: string, bad: string, good: string, why: string, around?: Around];

export const ONE_POOL = "[databases]\napp = host=db user=u\n[pgbouncer]\n";
/** No user in the entry: whoever is in [users] has a pool. */
export const TWO_USERS = "[databases]\napp = host=db\n[users]\nann =\nbob =\n[pgbouncer]\n";
export const SECOND = 1e9;
export const transaction = "pool_mode = transaction";

export function lines(...settings: string[]): string {
  return settings.join("\n");
}
