/**
 * Global settings that would hold clients up, or end them, where the machine is measured: there nobody waits
 * for anything but the machine. The pooler's console sets them aside meanwhile, as every version can.
 */
import pg from "pg";
import {
  type CoreSettings,
  DEFAULTS,
  type GlobalSettings,
  SECOND,
} from "../../../engine/core/index.ts";
import type { Address } from "../../../workloads/database/dsn.ts";
import { OutsideError } from "../../../workloads/database/errors.ts";

/** What they are then: without effect, or as they usually are. */
const CALM = {
  query_timeout: 0,
  query_wait_timeout: 0,
  transaction_timeout: 0,
  idle_transaction_timeout: 0,
  client_idle_timeout: 0,
  client_login_timeout: 0,
  server_idle_timeout: 0,
  server_lifetime: DEFAULTS.server_lifetime,
  server_check_delay: DEFAULTS.server_check_delay,
  server_reset_query_always: false,
  min_pool_size: 0,
  reserve_pool_size: 0,
} as const satisfies Partial<GlobalSettings>;

type Values = Record<string, string>;

/** As an ini has it. */
export function written(name: string, value: number | boolean | string): string {
  if (typeof value === "boolean") return value ? "1" : "0";
  return DURATION.test(name) ? String((value as number) / SECOND) : String(value);
}

const DURATION = /_(timeout|lifetime|retry|delay|notify)$/;

/** Those of a workload that are not as usual: calm, and its own. An older PgBouncer may not know others. */
export function disturbances(settings: CoreSettings): { calm: Values; own: Values } {
  const names = Object.keys(CALM) as (keyof typeof CALM)[];
  const some = names.filter((name) => settings[name] !== DEFAULTS[name]);
  const values = (of: Partial<GlobalSettings>): Values =>
    Object.fromEntries(some.map((name) => [name, written(name, of[name] as number | boolean)]));
  return { calm: values(CALM), own: values(settings) };
}

/** Does `work` while they are set aside at these consoles. Errors: OutsideError, those of `work`. */
export async function calmly<T>(
  settings: CoreSettings,
  consoles: readonly Address[],
  work: () => Promise<T>,
): Promise<T> {
  const { calm, own } = disturbances(settings);
  if (Object.keys(calm).length === 0) return work();
  await setAll(consoles, calm);
  const found = await work();
  await setAll(consoles, own);
  return found;
}

async function setAll(consoles: readonly Address[], values: Values): Promise<void> {
  for (const address of consoles) {
    const client = new pg.Client({ ...address, ssl: false });
    client.on("error", () => undefined); // The command under way fails as well, and says so.
    try {
      await client.connect();
      for (const [name, value] of Object.entries(values))
        await client.query(`SET ${name} = '${value}'`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new OutsideError(`the pooler's console takes no SET: ${reason}`, "", error);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}
