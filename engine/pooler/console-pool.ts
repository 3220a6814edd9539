/** The pool of the console, which the scheduler knows nothing of: counters for SHOW STATS. */
import { STAT, STAT_NAMES } from "../core/index.ts";

export class ConsolePool {
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
