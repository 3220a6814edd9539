/** What the tests of the core share: settings, times, and a pool that is warm already. */
import { type CoreSettings, DEFAULTS, type Nanos, SECOND } from "../../engine/core/index.ts";

/** As a time: only when the test says so. */
export const HAND = -1;
export const seconds = (value: number): Nanos => Math.round(value * SECOND);

/** Transaction mode, one database "db", no users; `changes` win. */
export function settings(changes: Partial<CoreSettings> = {}): CoreSettings {
  return {
    ...DEFAULTS,
    pool_mode: "transaction",
    databases: [{ name: "db" }],
    users: [],
    ...changes,
  };
}
