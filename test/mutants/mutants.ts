/**
 * Broken variants of the core, one broken rule each. `npm run mutants` shows that the tests of the core
 * catch every one; a variant that survives is a rule that no test holds.
 *
 * The hot path has some rules written out twice (`moves.ts`, `handOn` and `isFull`), so a variant may
 * have to change several places.
 */

/** In `file`, `old`, which must occur exactly once, becomes `replacement`. */
export interface Change {
  file: string;
  old: string;
  replacement: string;
}

export interface Mutant {
  /** What the broken core does, in words. */
  name: string;
  changes: Change[];
}

/** The text with the change made. Throws if the old text is not there exactly once. */
export function changed(text: string, { file, old, replacement }: Change): string {
  const parts = text.split(old);
  if (parts.length !== 2) throw new Error(`${file}: ${parts.length - 1} times, not once: ${old}`);
  return parts.join(replacement);
}

const inCore = (file: string, old: string, replacement: string): Change => ({
  file: `engine/core/${file}.ts`,
  old,
  replacement,
});
const inControl = (old: string, replacement: string) => inCore("control", old, replacement);
const inLaunching = (old: string, replacement: string) => inCore("launching", old, replacement);
const inMatching = (old: string, replacement: string) => inCore("matching", old, replacement);
const inMoves = (old: string, replacement: string) => inCore("moves", old, replacement);
const inPool = (old: string, replacement: string) => inCore("pool", old, replacement);
const inTurn = (old: string, replacement: string) => inCore("turn", old, replacement);
const inUpkeep = (old: string, replacement: string) => inCore("upkeep", old, replacement);

const variant = (name: string, ...changes: Change[]): Mutant => ({ name, changes });

const REPLICATION_AND_PEERS = [
  variant(
    "a replication client served by an idle server",
    inMatching("(isReplication(world, client) || isPaused(world, pool))", "isPaused(world, pool)"),
  ),
  variant(
    "the server of a replication client released at the end of a transaction",
    inMatching("isReplication(world, client) ? -1 : pool.release_reason", "pool.release_reason"),
  ),
  variant(
    "no room made for a replication client in a full pool",
    inLaunching("while (pool.servers >= pool.size) {", "while (oldest >= 0) {\n    return false;"),
  ),
  variant(
    "more room made for a replication client than it needs",
    inLaunching("while (pool.servers >= pool.size) {", "while (pool.idle.tail >= 0) {"),
  ),
  variant(
    "a failed replication login takes all waiters with it",
    inCore("core", "if (dedicated || !fatal", "if (!fatal"),
  ),
  variant(
    "connections to a peer not limited",
    inLaunching("if (servers < pool.size) open(", "open("),
  ),
  variant(
    "a pool forgotten while a client logs in to it",
    inCore("idle", "pool.servers === 0 && !isNamed(world, pool)", "pool.servers === 0"),
  ),
  variant(
    "pool_idle_timeout counts from the start",
    inCore("idle", "pool.last_active = world.now;\n    return false", "return false"),
  ),
];

const ORDER = [
  variant(
    "waiters served last in, first out",
    inMoves(
      "case CLIENT.waiting_login:\n      pool.waiting.append(",
      "case CLIENT.waiting_login:\n      pool.waiting.prepend(",
    ),
    inMoves("pool.clients--;\n  pool.waiting.append(", "pool.clients--;\n  pool.waiting.prepend("),
  ),
  variant(
    "idle servers taken in the other order",
    inMoves(
      "else pool.idle.prepend(ints, server);\n      break",
      "else pool.idle.append(ints, server);\n      break",
    ),
    inMoves("else pool.idle.prepend(ints, server);\n}", "else pool.idle.append(ints, server);\n}"),
  ),
  variant(
    "server_round_robin ignored",
    inMoves("|| world.settings.server_round_robin)\n        pool", ")\n        pool"),
    inMoves("|| world.settings.server_round_robin)\n    pool", ")\n    pool"),
  ),
  variant(
    "a released server not handed to the oldest waiter",
    inMatching("if (!waitsForIdle(world, pool)) {\n    activeToIdle", "{\n    activeToIdle"),
    inMatching("else if (state === SERVER.idle && waits", "else if (state < 0 && waits"),
  ),
  variant(
    "a released server handed to the newest waiter",
    inMatching(
      "const client = pool.waiting.head;\n  if (client < 0 ||",
      "const client = pool.waiting.tail;\n  if (client < 0 ||",
    ),
  ),
];

const SIZES = [
  variant(
    "pool_size + 1",
    inLaunching("servers >= size &&", "servers > size &&"),
    inPool("return active >= size &&", "return active > size &&"),
  ),
  variant("several logins at a time", inLaunching("if (pool.login > 0) return;", "")),
  variant(
    "the reserve opened at once",
    inLaunching("return waited >= timeout &&", "return waited >= 0 &&"),
    inPool("? settings.reserve_pool_timeout || NEVER :", "? 0 :"),
  ),
  variant(
    "the reserve never opened",
    inLaunching("return waited >= timeout &&", "return waited < 0 &&"),
  ),
  variant("min_pool_size ignored", inPool("database.min_pool_size ?? settings.min_pool_size", "0")),
  variant(
    "min_pool_size does not protect from server_idle_timeout",
    inUpkeep("pool.min_size === 0 || pool.connected > pool.min_size", "pool.min_size >= 0"),
  ),
  variant(
    "min_pool_size evicts",
    inUpkeep("REASON.min_pool_size, false", "REASON.min_pool_size, true"),
  ),
  variant(
    "max_db_connections ignored",
    inLaunching("limit = pool.max_db_connections", "limit = 0"),
  ),
  variant(
    "max_user_connections ignored",
    inLaunching("limit = pool.max_user_connections", "limit = 0"),
  ),
  variant(
    "no eviction",
    inLaunching(
      "if (oldest < 0) return false;\n  closeServer",
      "if (oldest >= -1) return false;\n  closeServer",
    ),
  ),
  variant(
    "eviction from pools with other credentials",
    inLaunching("&& !pool.forced && !other.forced", ""),
  ),
  variant(
    "the newest server evicted",
    inLaunching("as number) < (times[(a <<", "as number) > (times[(a <<"),
  ),
  variant(
    "max_client_conn off by one",
    inCore("refusal", "world.connected > max_client_conn", "world.connected >= max_client_conn"),
  ),
  variant(
    "a cancel request bound by pool_size",
    inLaunching("servers < 2 * pool.size", "servers < pool.size"),
  ),
  variant("cancel requests open without limit", inLaunching("&& servers < 2 * pool.size", "")),
];

const SERVERS = [
  variant("no reset before reuse", inPool("return SERVER.tested;", "return SERVER.idle;")),
  variant(
    "server_lifetime ignored",
    inCore("lifetime", "as number) < lifetime)", "as number) >= 0)"),
  ),
  variant(
    "lifetimes not spread",
    inCore("lifetime", "pool.last_lifetime_close >= gap", "pool.last_lifetime_close >= 0"),
  ),
  variant(
    "no pause after a failed login",
    inLaunching(
      "if (!pool.last_connect_failed) return false;",
      "if (pool.size >= 0) return false;",
    ),
  ),
  variant(
    "a sent cancel ends the pause after a failed login",
    inCore(
      "cancelling",
      "moveServer(world, server, SERVER.active_cancel);",
      "pool.last_connect_failed = false;\n  moveServer(world, server, SERVER.active_cancel);",
    ),
  ),
  variant(
    "no check of a long-idle server",
    inUpkeep("idle > server_check_delay &&", "idle < 0 &&"),
  ),
  variant(
    "a failed check is taken for a good one",
    inMatching("if (status === STATUS.idle) release", "if (status >= STATUS.idle) release"),
  ),
  variant(
    "server_idle_timeout ignored",
    inUpkeep("server_idle_timeout > 0 && idle", "server_idle_timeout < 0 && idle"),
  ),
  variant("server_connect_timeout ignored", inUpkeep("age > server_connect_timeout", "age < 0")),
  variant(
    "a server kept after its client vanished inside a transaction",
    inCore(
      "leaving",
      "S.status] === STATUS.idle) {\n    release",
      "S.status] >= 0) {\n    release",
    ),
  ),
  variant(
    "a server released inside a failed transaction",
    inMatching("if (ended >= 0 && status === STATUS.idle)", "if (ended >= 0 && status !== 1)"),
  ),
  variant(
    "a server reused while a cancel for it is under way",
    inMatching("(ints[at | S.cancels] as number) > 0", "(ints[at | S.cancels] as number) < 0"),
  ),
  variant(
    "transactions allowed in statement mode",
    inMatching(
      "if (ended === REASON.statement_end && status !== STATUS.idle)",
      "if (ended === -2)",
    ),
  ),
  variant(
    "idle servers used although they are to be closed",
    inMatching("S.close_needed] !== 0", "S.close_needed] > 1"),
  ),
];

const CLIENTS = [
  variant(
    "waits not counted",
    inMatching(
      "(stats[STAT.wait_time] as number) + (world.now - (times[time] as number))",
      "(stats[STAT.wait_time] as number)",
    ),
  ),
  variant(
    "query_wait_timeout twice as long",
    inUpkeep("if (limit > 0 && age > limit)", "if (limit > 0 && age > 2 * limit)"),
  ),
  variant("query_wait_notify never", inTurn("if (limit === 0) return;", "if (limit >= 0) return;")),
  variant(
    "query_timeout ignored",
    inUpkeep("world.now - query > pool.query_timeout", "query > world.now"),
  ),
  variant(
    "transaction_timeout ignored",
    inUpkeep("world.now - xact > pool.transaction_timeout", "xact > world.now"),
  ),
  variant(
    "idle_transaction_timeout ignored",
    inUpkeep("silent > pool.idle_transaction_timeout", "silent < 0"),
  ),
  variant("client_idle_timeout ignored", inUpkeep("as number) > timeout)", "as number) < 0)")),
  variant(
    "PAUSE still serves",
    inMatching("(world.paused || pool.database.paused)", "world.waiters < 0"),
  ),
  variant(
    "waiters stay after a refused login",
    inCore("core", "while (pool.waiting.head >= 0) endClient", "if (pool.size < 0) endClient"),
  ),
  variant(
    "no quick refusal after a failed login",
    inMatching("&& pool.last_login_failed;", "&& pool.size < 0;"),
  ),
];

const CONSOLE = [
  variant(
    "KILL keeps the pool",
    inControl("for (const pool of pools) world.forgetPool(pool);", ""),
  ),
  variant(
    "RELOAD keeps an entry that is gone",
    inControl("if (!entry.automatic && !written", "if (entry.id < 0 && !written"),
  ),
  variant(
    "RELOAD ends what is made from `*`",
    inControl("if (!entry.automatic && !written", "if (!written"),
  ),
  variant(
    "RELOAD leaves the servers of a changed `*`",
    inControl("|| (entry.automatic && template)", ""),
  ),
];

export const MUTANTS: readonly Mutant[] = [
  ...ORDER,
  ...SIZES,
  ...SERVERS,
  ...CLIENTS,
  ...CONSOLE,
  ...REPLICATION_AND_PEERS,
];
