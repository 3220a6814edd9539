/** What a real database says about its limits, for those who have to stay below them. */
import { parseDsn, showAddress } from "./dsn.ts";
import { OutsideError } from "./errors.ts";
import { withClient } from "./index.ts";

/** Times in nanoseconds; 0 is off. */
export interface DatabaseLimits {
  max_connections: number;
  /** superuser_reserved_connections, and reserved_connections from PostgreSQL 16 on. */
  reserved: number;
  user_limits: Map<string, number>;
  database_limits: Map<string, number>;
  /** Timeouts as a new session of this user has them, by their names. */
  timeouts: Record<string, number>;
}

const MILLISECOND = 1e6;
const UNITS: Readonly<Record<string, number>> = { ms: MILLISECOND, s: 1000 * MILLISECOND };

const SETTINGS = `select name, setting, unit from pg_settings where name in ('max_connections',
  'superuser_reserved_connections', 'reserved_connections', 'statement_timeout',
  'transaction_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout')`;
const USERS = "select rolname as name, rolconnlimit as most from pg_roles where rolconnlimit >= 0";
const DATABASES =
  "select datname as name, datconnlimit as most from pg_database where datconnlimit >= 0";

type Limit = { name: string; most: number };

/** Asks a database. Errors: ConfigError for a malformed dsn, OutsideError when it does not answer. */
export async function databaseLimits(dsn: string): Promise<DatabaseLimits> {
  const address = parseDsn(dsn);
  try {
    return await withClient(address, async (client) => {
      const { rows } = await client.query<{ name: string; setting: string; unit: string | null }>(
        SETTINGS,
      );
      const users = await client.query<Limit>(USERS);
      const databases = await client.query<Limit>(DATABASES);
      const numbers = new Map(rows.map(({ name, setting }) => [name, Number(setting)]));
      const timeouts = rows.flatMap(({ name, setting, unit }) => {
        const scale = UNITS[unit ?? ""];
        return scale === undefined ? [] : [[name, Number(setting) * scale] as const];
      });
      return {
        max_connections: numbers.get("max_connections") ?? 0,
        reserved:
          (numbers.get("superuser_reserved_connections") ?? 0) +
          (numbers.get("reserved_connections") ?? 0),
        user_limits: byName(users.rows),
        database_limits: byName(databases.rows),
        timeouts: Object.fromEntries(timeouts),
      };
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new OutsideError(`no answer from ${showAddress(address)}: ${reason}`, "", error);
  }
}

function byName(rows: readonly Limit[]): Map<string, number> {
  return new Map(rows.map(({ name, most }) => [name, most]));
}
