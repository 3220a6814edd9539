/**
 * What is true of every schedule. fast-check prints the seed and the smallest schedule of a failure;
 * PROPERTY_RUNS sets how many schedules each property tries.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Core,
  type CoreSettings,
  JournalWriter,
  replayJournal,
  SECOND,
  type UserSettings,
} from "../../engine/core/index.ts";
import { settings } from "./helpers.ts";
import { memory, walk } from "./inside.ts";
import { recount } from "./recount.ts";
import {
  type Action,
  BEYOND,
  CONSOLE,
  FAULTS,
  Schedule,
  type Step,
  TIME,
  WORK,
} from "./schedule.ts";

const numRuns = Number(process.env.PROPERTY_RUNS ?? 150);

/** Several pools, modes and limits; nothing times out, so that whoever waits must be served. */
const patient: fc.Arbitrary<CoreSettings> = fc
  .record({
    pool_mode: fc.constantFrom("session", "transaction", "statement"),
    other_mode: fc.constantFrom("session", "transaction", "statement"),
    default_pool_size: fc.integer({ min: 1, max: 3 }),
    min_pool_size: fc.integer({ min: 0, max: 2 }),
    reserve_pool_size: fc.integer({ min: 0, max: 2 }),
    max_db_connections: fc.constantFrom(0, 1, 2, 3),
    max_user_connections: fc.constantFrom(0, 0, 2, 3),
    server_round_robin: fc.boolean(),
    server_check_delay: fc.constantFrom(0, SECOND, 30 * SECOND),
    server_reset_query_always: fc.boolean(),
    server_lifetime: fc.constantFrom(0, 2 * SECOND, 3600 * SECOND),
    forced_user: fc.constantFrom(undefined, "u", "app"),
    target: fc.constantFrom("one", "two"),
    third: fc.constantFrom([], [{ name: "c" }]),
    autodb: fc.constantFrom(undefined, { name: "*" }, { name: "*", pool_size: 2 }),
  })
  .map(({ other_mode, forced_user, target, third, ...rest }) =>
    settings({
      ...rest,
      databases: [
        { name: "a", target },
        { name: "b", pool_mode: other_mode, forced_user },
        ...third,
      ],
      server_login_retry: 2 * SECOND,
      reserve_pool_timeout: SECOND,
      server_connect_timeout: 0,
      query_wait_timeout: 0,
      client_login_timeout: 0,
    }),
  );

/** The same with every timeout short. */
const hasty = patient.map((one): CoreSettings => {
  const users: UserSettings[] = [
    { name: "v", query_wait_timeout: SECOND, client_idle_timeout: SECOND },
  ];
  return {
    ...one,
    users,
    query_wait_timeout: 2 * SECOND,
    query_timeout: 3 * SECOND,
    transaction_timeout: 4 * SECOND,
    idle_transaction_timeout: SECOND,
    client_login_timeout: 2 * SECOND,
    cancel_wait_timeout: SECOND,
    server_idle_timeout: 2 * SECOND,
    server_connect_timeout: SECOND,
    max_client_conn: 8,
    max_db_client_connections: 5,
    query_wait_notify: SECOND,
  };
});

function steps(...actions: Action[]): fc.Arbitrary<Step[]> {
  const step = fc.tuple(fc.constantFrom(...actions), fc.nat(30), fc.nat(60));
  return fc.array(step, { minLength: 5, maxLength: 120, size: "max" });
}

const everything = steps(...WORK, ...WORK, ...TIME, ...FAULTS, ...BEYOND, ...CONSOLE);

/** No pool has both a good idle server and a waiter who could use it. */
function expectNoIdleServer(world: Schedule): void {
  if (world.core.paused) return;
  for (const pool of world.core.pools) {
    if (pool.database.paused || pool.waiting_cancel.length > 0 || pool.waiting.length === 0)
      continue;
    if (
      walk(memory(world.core).clients.ints, pool.waiting.head).every((c) =>
        world.replicating.has(c),
      )
    )
      continue; // Each of them wants a server of its own.
    if (!pool.welcome_known) continue; // Idle servers are obsolete then, and waiters want a new one.
    world.check(pool.idle.length === 0, "a server idles while a client waits");
  }
}

/** Servers within pool_size and reserve, and within the limits across pools. */
function expectWithinLimits(world: Schedule): void {
  for (const pool of world.core.pools) {
    const room = pool.size + pool.reserve_size;
    world.check(pool.size === 0 || pool.servers <= room, "more servers than pool_size and reserve");
    world.check(pool.login <= 1, "two logins at a time");
    const { max_db_connections, max_user_connections } = pool;
    const database = max_db_connections === 0 || pool.database.connections <= max_db_connections;
    const user = max_user_connections === 0 || pool.user.connections <= max_user_connections;
    world.check(database, "more servers than max_db_connections");
    world.check(user, "more servers than max_user_connections");
  }
}

for (const [name, variants] of [
  ["without timeouts", fc.array(patient, { minLength: 1, maxLength: 2 })],
  ["with short timeouts", fc.array(hasty, { minLength: 1, maxLength: 2 })],
] as const) {
  test(`every schedule ${name}: lists, counts and links agree, effects are possible, first in is first out, nobody waits beside an idle server`, () => {
    const property = fc.property(variants, everything, (all, schedule) => {
      const world = new Schedule(all);
      for (const step of schedule) {
        world.step(step);
        recount(world.core);
        expectNoIdleServer(world);
      }
    });
    fc.assert(property, { numRuns });
  });
}

test("every schedule without cancels and RECONNECT: servers stay within every limit", () => {
  const limited = steps(...WORK, ...WORK, ...TIME, ...FAULTS, ...CONSOLE);
  const property = fc.property(fc.oneof(patient, hasty), limited, (one, schedule) => {
    const world = new Schedule([one]);
    for (const step of schedule) {
      world.step(step);
      expectWithinLimits(world);
    }
  });
  fc.assert(property, { numRuns });
});

test("every schedule: servers exceed their pool by cancels up to twice its size, and by one for each RECONNECT", () => {
  const actions = steps(...WORK, ...WORK, ...TIME, ...FAULTS, "cancel", "reconnect");
  const property = fc.property(patient, actions, (one, schedule) => {
    const world = new Schedule([one]);
    let reconnects = 0;
    for (const step of schedule) {
      if (step[0] === "reconnect") reconnects++;
      world.step(step);
      for (const pool of world.core.pools) {
        const room = Math.max(pool.size + pool.reserve_size, 2 * pool.size) + reconnects;
        world.check(pool.servers <= room, `more than ${room} servers`);
      }
    }
  });
  fc.assert(property, { numRuns });
});

/**
 * An entry with `user=u` keeps the servers of that user to itself while they idle, because of its own
 * credentials: under max_user_connections others of that user may then wait for ever, in PgBouncer too.
 */
const starving = (variants: readonly CoreSettings[]): boolean =>
  variants.some((one) => one.max_user_connections > 0) &&
  variants.some((one) => one.databases.some(({ forced_user }) => forced_user === "u"));

test("every schedule: once faults stop, whoever waits is served, and nobody is dropped", () => {
  const variants = fc
    .array(patient, { minLength: 1, maxLength: 2 })
    .filter((all) => !starving(all));
  const property = fc.property(variants, everything, (all, schedule) => {
    const world = new Schedule(all);
    for (const step of schedule) world.step(step);
    world.check(world.finish(200), "somebody waits for ever");
    recount(world.core);
  });
  fc.assert(property, { numRuns });
});

test("every schedule: all that came is gone when all clients leave and KILL has been", () => {
  const property = fc.property(hasty, everything, (one, schedule) => {
    const world = new Schedule([one]);
    for (const step of schedule) world.step(step);
    for (const { id } of world.core.databases) world.core.kill(world.now, id);
    world.turn();
    for (let i = 0; i < 20; i++) world.step(["tick", 0, 0]);
    expect([world.core.clientCount, world.core.serverCount]).toEqual([0, 0]);
    expect([world.clients.size, world.servers.size]).toEqual([0, 0]);
  });
  fc.assert(property, { numRuns });
});

/** Nothing is spared it: every `settle` looks at every pool. */
class Attentive extends Schedule {
  override turn(): void {
    memory(this.core).calm_until = 0;
    super.turn();
  }
}

test("every schedule: a settle that is spared would have done nothing", () => {
  const variants = fc.array(fc.oneof(patient, hasty), { minLength: 1, maxLength: 2 });
  const busy = steps(...WORK, ...WORK, ...TIME);
  const property = fc.property(variants, fc.oneof(busy, everything), (all, schedule) => {
    const pair = [new Schedule(all), new Attentive(all)] as const;
    for (const { core } of pair) core.effects.hashing = true;
    for (const step of schedule) {
      for (const world of pair) world.step(step);
      expect(pair[0].core.effects.hash).toBe(pair[1].core.effects.hash);
    }
  });
  fc.assert(property, { numRuns });
});

test("every schedule, written down and replayed, decides the same", () => {
  const variants = fc.array(hasty, { minLength: 1, maxLength: 2 });
  const property = fc.property(variants, everything, (all, schedule) => {
    const world = new Schedule(all);
    const parts: Uint8Array[] = [];
    const writer = new JournalWriter(world.core, 0, (bytes) => parts.push(bytes) > 0);
    for (const step of schedule) world.step(step);
    writer.end();
    const { core, checks } = replayJournal(Buffer.concat(parts));
    const seen = ({ pools }: Core) =>
      pools.map(({ id, stats, servers }) => [id, ...stats, servers]);
    expect(checks).toBeGreaterThan(0);
    expect(seen(core)).toEqual(seen(world.core));
  });
  fc.assert(property, { numRuns });
});
