/** Names under which the pooler presents itself. */

/** The database of the console, and the user who may do everything there. */
export const CONSOLE = "pgbouncer";

/** The PgBouncer whose protocol, settings and tables we follow; clients look at it. */
export const COMPATIBLE = "1.25.2";

/** What SHOW VERSION says. Programs that read it expect PgBouncer's own wording. */
export const VERSION = `PgBouncer ${COMPATIBLE}`;
