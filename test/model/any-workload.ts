/** Workloads of all sorts, for what is true of every run. */
import fc from "fast-check";
import type { DistributionSpec } from "../../sim/kernel/distributions.ts";
import {
  closedKind,
  constant,
  exponential,
  MS,
  openKind,
  SECOND,
  textbook,
} from "../../sim/study/theory/textbook.ts";
import type { ClientKind, Workload } from "../../workloads/schema/workload.ts";

const THREE: DistributionSpec = { kind: "constant", value: 3 };

const ms = fc.integer({ min: 1, max: 60 });
/** Constant times make ties, the others do not. */
const time: fc.Arbitrary<DistributionSpec> = fc.oneof(
  ms.map(constant),
  ms.map(exponential),
  ms.map((mean): DistributionSpec => ({ kind: "lognormal", mean: mean * MS, cv: 1.5 })),
  ms.map((max): DistributionSpec => ({ kind: "uniform", min: 0, max: 2 * max * MS })),
);
const few = (most: number): fc.Arbitrary<DistributionSpec> =>
  fc.integer({ min: 1, max: most }).map((value) => ({ kind: "constant", value }));

interface Shape {
  sessions: boolean;
  statements: number;
  open: boolean;
}

/** A kind of clients; `name` is also its user, so that kinds have pools of their own. */
function kindNamed(name: string, most: Shape): fc.Arbitrary<ClientKind> {
  const open = most.open ? fc.boolean() : fc.constant(false);
  const parts = {
    open,
    clients: fc.integer({ min: 0, max: 12 }),
    think: time,
    service: time,
    gap: time,
    statements: few(most.statements),
    transactions: most.sessions
      ? fc.oneof(fc.constant("forever" as const), few(4))
      : fc.constant("forever" as const),
    duration: most.sessions ? fc.option(time, { nil: undefined }) : fc.constant(undefined),
    away: time,
  };
  return fc.record(parts).map(({ open, clients, think, service, gap, ...rest }) => {
    // Sessions from outside come slowly enough that even an overloaded run stays small.
    const gap_ms = 20 + clients * 10;
    const base = open
      ? openKind(exponential(gap_ms), service)
      : closedKind(clients, think, service);
    const transaction = { statements: rest.statements, service, gap };
    const { transactions, duration, away } = rest;
    const session = open && transactions === "forever" ? base.session : { transactions, duration };
    return { ...base, name, user: name, transaction, session: { away, ...session } };
  });
}

const modes = fc.constantFrom("session" as const, "transaction" as const, "statement" as const);

/** Any workload: several pools, limits, timeouts, a network, connections that take time. */
export const any: fc.Arbitrary<Workload> = fc
  .record({
    kinds: fc.tuple(
      kindNamed("a", { sessions: true, statements: 4, open: true }),
      kindNamed("b", { sessions: true, statements: 2, open: true }),
    ),
    settings: fc.record({
      pool_mode: modes,
      min_pool_size: fc.integer({ min: 0, max: 2 }),
      reserve_pool_size: fc.integer({ min: 0, max: 2 }),
      reserve_pool_timeout: fc.constantFrom(0, 50 * MS, SECOND),
      max_client_conn: fc.constantFrom(5, 1000),
      max_db_connections: fc.constantFrom(0, 0, 3),
      query_wait_timeout: fc.constantFrom(100 * MS, SECOND),
      transaction_timeout: fc.constantFrom(0, 0, 200 * MS),
      client_idle_timeout: fc.constantFrom(0, 0, 300 * MS),
      server_lifetime: fc.constantFrom(0, 500 * MS, 3600 * SECOND),
      server_idle_timeout: fc.constantFrom(0, 200 * MS),
      server_check_query: fc.boolean(),
      server_check_delay: fc.constantFrom(0, 100 * MS),
      server_reset_query: fc.boolean(),
      server_round_robin: fc.boolean(),
    }),
    servers: fc.integer({ min: 1, max: 4 }),
    connect_time: time,
    max_connections: fc.constantFrom(2, 100),
    client: fc.integer({ min: 0, max: 2 }),
    server: fc.integer({ min: 0, max: 2 }),
  })
  .map(({ kinds, settings, servers, connect_time, max_connections, client, server }) => {
    // In session mode one who never leaves would keep the others waiting for ever.
    const ending = settings.pool_mode === "session" ? kinds.map(leaving) : kinds;
    const plain = textbook(ending, servers, { ...settings, server_login_retry: 300 * MS });
    return {
      ...plain,
      server: { ...plain.server, connect_time, max_connections },
      network: { client: client * MS, server: server * MS },
    };
  });

function leaving(kind: ClientKind): ClientKind {
  const { transactions } = kind.session;
  const session = { transactions: transactions === "forever" ? THREE : transactions };
  return { ...kind, session: { ...kind.session, ...session } };
}

/** The same where no limit and no timeout can drop anybody. */
export const patient: fc.Arbitrary<Workload> = any.map((one): Workload => {
  const none = { query_wait_timeout: 0, transaction_timeout: 0, client_idle_timeout: 0 };
  // Nor can one pool keep the other from ever having a connection.
  const room = { max_client_conn: 1000, max_db_connections: 0 };
  const settings = { ...one.settings, ...none, ...room };
  return { ...one, settings, server: { ...one.server, max_connections: 100 } };
});

/** One pool in transaction mode, no delays but services, and nobody is dropped. */
export const plain: fc.Arbitrary<Workload> = fc
  .tuple(
    kindNamed("a", { sessions: false, statements: 1, open: true }),
    kindNamed("b", { sessions: false, statements: 1, open: false }),
    fc.integer({ min: 1, max: 4 }),
  )
  .map(([a, b, servers]) => textbook([a, { ...b, user: a.user }], servers));
