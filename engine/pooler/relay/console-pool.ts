/** The pool of the console, which the scheduler knows nothing of: counters for SHOW STATS, client limits. */
import { REASON, STAT, STAT_NAMES } from "../../core/index.ts";
import type { ConsoleCounters, HostRole } from "./roles.ts";

export class ConsolePool implements ConsoleCounters {
  /** In the order of STAT. A command counts as a query and as a transaction, as in PgBouncer. */
  readonly stats = new Float64Array(STAT_NAMES.length);

  loggedIn(): void {
    this.add(STAT.client_login_count);
  }

  asked(): void {
    this.add(STAT.query_count);
    this.add(STAT.xact_count);
  }

  private add(index: number): void {
    this.stats[index] = (this.stats[index] as number) + 1;
  }
}

/**
 * The limit that keeps a user off the console, a number of REASON; undefined: none does. Sessions count for
 * their user like other clients. Source: PgBouncer 1.25.2 src/client.c, finish_set_pool().
 */
export function consoleLimit(host: HostRole, user: string): number | undefined {
  const { max_db_client_connections, max_user_client_connections } = host.core.settings;
  const known = host.core.users.find(({ settings }) => settings.name === user);
  const most = known?.settings.max_user_client_connections || max_user_client_connections;
  if (max_db_client_connections > 0 && host.consoles.size >= max_db_client_connections)
    return REASON.max_db_client_connections;
  return most > 0 && (known?.clients ?? 0) >= most ? REASON.max_user_client_connections : undefined;
}
