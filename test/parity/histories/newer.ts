/** What PgBouncer 1.18 lacked: per-user settings, limits of clients, KILL_CLIENT, graceful shutdowns. */
import { everybody, type Group, type History } from "./history.ts";

const ONE = { app: "pool_size=1" };
const TWO = { app: "pool_size=2" };

const USERS: History[] = [
  {
    claim: "a user's pool_size comes before the entry's",
    entries: TWO,
    steps: [
      ...["a: in as small => in", "b: in as small => in", "a: begin => s1", "b: send run"],
      ...[
        "pool app small: cl_waiting => 1",
        "wait 300",
        "pool app small: sv_active sv_login => 1 0",
      ],
      ...["a: commit", "b: get => s1"],
    ],
  },
  {
    claim: "a user's reserve_pool_size opens a server for who has waited",
    entries: ONE,
    steps: [
      ...["a: in as spare => in", "b: in as spare => in", "c: in as spare => in"],
      ...["a: begin => s1", "b: send begin", "b: get => s2", "c: send run", "wait 1500"],
      ...["pool app spare: cl_waiting sv_active => 1 2", "a: commit", "c: get => s1"],
    ],
  },
  {
    claim: "an entry's reserve_pool_size does too, for everybody else nothing is opened",
    entries: { app: "pool_size=1 reserve_pool_size=1", other: "pool_size=1" },
    steps: [
      ...["a: in => in", "b: in => in", "c: in other => in", "d: in other => in"],
      ...["a: begin => s1", "c: begin => s2", "d: send run", "b: send begin", "b: get => s3"],
      ...["pool other: cl_waiting sv_active => 1 1", "c: commit", "d: get => s2"],
    ],
  },
  {
    claim: "a user's query_timeout ends what runs too long, and nobody else's",
    entries: TWO,
    steps: [
      ...[
        "a: in as hasty => in",
        "b: in as carol => in",
        "b: send sql select pg_sleep(2.2), 'slept'",
      ],
      ...["a: run => s1", "a: sql select pg_sleep(20) => query timeout", "b: get =>  slept"],
    ],
  },
  {
    claim: "a user's idle_transaction_timeout and transaction_timeout",
    entries: TWO,
    steps: [
      ...["a: in as idler => in", "b: in as endless => in", "c: in as carol => in"],
      ...["a: begin => s1", "b: begin => s2", "c: begin => s3", "b: send sql select pg_sleep(20)"],
      ...["a: told => idle transaction timeout", "b: get => transaction timeout", "c: run => s3"],
    ],
  },
  {
    claim: "a user's client_idle_timeout",
    steps: [
      ...["b: in as carol => in", "a: in as silent => in", "a: run => s1"],
      ...["a: told => client_idle_timeout", "b: run => s2"],
    ],
  },
  {
    claim: "max_user_client_connections of a user refuses, and lets in again",
    entries: { app: "", other: "" },
    steps: [
      "a: in as lonely => in",
      "b: in other as lonely => client connections exceeded (max_user_client_connections)",
      ...["c: in as carol => in", "a: out", "b: in other as lonely => in"],
    ],
  },
];

const ENTRIES: History[] = [
  {
    claim: "max_db_client_connections of an entry counts all its users, and waiters",
    entries: { app: "max_db_client_connections=2 pool_size=1", other: "" },
    steps: [
      ...["a: in as alice => in", "b: in as alice => in", "a: begin => s1", "b: send run"],
      "pool app alice: cl_waiting => 1",
      "c: in as bob => client connections exceeded (max_db_client_connections)",
      ...["c: in other as bob => in", "a: commit", "b: get => s1", "b: out", "d: in as bob => in"],
    ],
  },
  {
    claim: "the limits are looked at before DISABLE is",
    entries: { app: "max_db_client_connections=1" },
    steps: [
      ...["a: in => in", "console: DISABLE app => DISABLE"],
      "b: in => client connections exceeded (max_db_client_connections)",
      ...["a: out", 'c: in => database "app" is disabled'],
    ],
  },
  {
    claim: "server_lifetime of an entry ends its servers, and no others",
    entries: { app: "server_lifetime=1", other: "" },
    steps: [
      ...["a: in => in", "b: in other => in", "a: run => s1", "b: run => s2"],
      ...["pool app: sv_idle => 0", "pool other: sv_idle => 1", "a: run => s3", "b: run => s2"],
    ],
  },
  {
    claim:
      "server_assignment_count: one for each transaction, one for each session, none for a login",
    entries: { app: "pool_size=1", other: "pool_mode=session" },
    steps: [
      ...[
        "a: in => in",
        "stats app: server_assignment_count => 0",
        "a: run => s1",
        "a: begin => s1",
      ],
      ...["a: run => s1", "a: commit", "stats app: server_assignment_count => 2"],
      ...["b: in other => in", "b: run => s2", "b: run => s2"],
      "stats other: server_assignment_count => 1",
    ],
  },
];

const CANCELS: History[] = [
  {
    claim:
      "a cancel request waits while there are twice pool_size servers, and SHOW CLIENTS has it",
    entries: { app: "pool_size=1 reserve_pool_size=1 user=carol" },
    steps: [
      ...[
        "a: in as alice => in",
        "b: in as bob => in",
        "a: run => s1",
        "a: send sql select pg_sleep(20)",
      ],
      ...["database: runs s1", "b: send begin", "b: get => s2", "a: send cancel"],
      ...["clients app: waiting_cancel_req => (nouser)", "b: commit", "database: end s2"],
      ...["a: get", "clients app: idle => alice bob"],
    ],
  },
];

const KILLED: History[] = [
  {
    claim: "KILL_CLIENT sends one client away; its server stays if it is free",
    entries: ONE,
    steps: [
      ...["a: in as alice => in", "b: in as bob => in", "a: run => s1"],
      ...["console: KILL_CLIENT {id alice} => KILL", "a: told => admin forced disconnect"],
      ...["pool app alice: sv_idle => 1", "b: run => s2"],
    ],
  },
  {
    claim:
      "KILL_CLIENT of who is in a transaction closes the server, and a waiter gets the next one",
    entries: { app: "pool_size=1 user=carol" },
    steps: [
      ...["a: in as alice => in", "b: in as bob => in", "a: begin => s1", "b: send run"],
      "pool app carol: cl_waiting => 1",
      ...["console: KILL_CLIENT {id alice} => KILL", "a: told => admin forced disconnect"],
      "b: get => s2",
    ],
  },
  {
    claim: "KILL_CLIENT of a waiter takes it out of the queue",
    entries: { app: "pool_size=1 user=carol" },
    steps: [
      ...["a: in as alice => in", "b: in as bob => in", "a: begin => s1", "b: send run"],
      "pool app carol: cl_waiting => 1",
      ...["console: KILL_CLIENT {id bob} => KILL", "b: get => admin forced disconnect"],
      ...["pool app carol: cl_waiting => 0", "a: run => s1"],
    ],
  },
  {
    claim: "KILL_CLIENT ends a session on the console too",
    steps: [
      ...["console: SHOW VERSION => SHOW", "a: in !pgbouncer as chief => in"],
      ...["console: KILL_CLIENT {id chief} => KILL", "a: told => admin forced disconnect"],
    ],
  },
  {
    claim: "KILL_CLIENT of nobody, and of what is no number",
    steps: [
      "console: KILL_CLIENT 123456789 => client not found",
      "console: KILL_CLIENT nobody => invalid client pointer supplied",
    ],
  },
];

export const newer: Group = {
  name: "settings of users, limits of clients, KILL_CLIENT",
  settings: {
    pool_mode: "transaction",
    reserve_pool_timeout: 1,
    client_idle_timeout: 60,
    stats_users: "chief",
  },
  users: {
    small: "pool_size=1",
    spare: "reserve_pool_size=1",
    hasty: "query_timeout=1",
    idler: "idle_transaction_timeout=2",
    endless: "transaction_timeout=2",
    silent: "client_idle_timeout=1",
    chief: "",
    lonely: "max_user_client_connections=1",
  },
  since: 1_025,
  histories: [...USERS, ...ENTRIES, ...CANCELS, ...KILLED],
};

export const notified: Group = {
  name: "query_wait_notify",
  settings: { pool_mode: "transaction", query_wait_notify: 1 },
  since: 1_025,
  histories: [
    {
      claim: "query_wait_notify tells who waits",
      entries: ONE,
      steps: [
        ...[...everybody("a", "b"), "a: begin => s1", "b: send run"],
        "b: heard => No server connection available in postgres backend, client being queued",
        ...["a: commit", "b: get => s1"],
      ],
    },
    {
      claim: "query_wait_notify: session mode, the same",
      entries: { app: "pool_size=1 pool_mode=session" },
      steps: [
        ...[...everybody("a", "b"), "a: run => s1", "b: send run"],
        "b: heard => No server connection available in postgres backend, client being queued",
        ...["a: out", "b: get => s1"],
      ],
    },
  ],
};

export const fast: Group = {
  name: "server_fast_close",
  settings: { pool_mode: "session", server_fast_close: 1 },
  histories: [
    {
      claim: "server_fast_close: RECONNECT ends a session that is between transactions",
      entries: ONE,
      steps: [
        ...["a: in => in", "a: run => s1", "console: RECONNECT app => RECONNECT"],
        ...["a: told => database configuration changed", "b: in => in", "b: run => s2"],
      ],
    },
    {
      claim: "server_fast_close: a transaction is waited for",
      entries: ONE,
      steps: [
        ...["a: in => in", "a: begin => s1", "console: RECONNECT app => RECONNECT", "wait 700"],
        ...["a: run => s1", "a: commit", "a: told => database configuration changed"],
      ],
    },
  ],
};

export const replicating: Group = {
  name: "replication clients",
  settings: { pool_mode: "transaction" },
  since: 1_025,
  histories: [
    {
      claim: "a replication client has a server of its own, which goes with it",
      entries: TWO,
      steps: [
        ...["b: in => in", "b: run => s1", "a: replicate => in", "a: run => s2", "a: run => s2"],
        ...["pool app: sv_active => 1", "a: out", "pool app: sv_active => 0"],
      ],
    },
    {
      claim: "a replication client takes the place of an idle server where the pool is full",
      entries: ONE,
      steps: [
        ...["b: in => in", "b: run => s1", "a: replicate => in", "a: run => s2"],
        ...["b: send run", "pool app: cl_waiting => 1", "a: out", "b: get => s3"],
      ],
    },
    {
      claim: "a replication client waits where all servers are at work",
      entries: ONE,
      steps: [
        ...["b: in => in", "b: begin => s1", "a: replicate => in", "a: send run"],
        ...["pool app: cl_waiting => 1", "wait 300", "pool app: cl_waiting => 1"],
        ...["b: commit", "a: get => s2"],
      ],
    },
    {
      claim: "RECONNECT ends replication at the next tick",
      entries: ONE,
      steps: [
        ...["a: replicate => in", "a: run => s1", "console: RECONNECT app => RECONNECT"],
        ...["a: told => database configuration changed"],
      ],
    },
  ],
};

const ENDS: History[] = [
  {
    claim: "SHUTDOWN WAIT_FOR_SERVERS: transactions end, waiters go, nobody else is served",
    entries: ONE,
    steps: [
      ...[
        ...everybody("a", "b", "c"),
        "a: begin => s1",
        "b: send run",
        "pool app: cl_waiting => 1",
      ],
      "console: SHUTDOWN WAIT_FOR_SERVERS => SHUTDOWN",
      ...["b: get => server shutting down", "c: run => server shutting down"],
      ...["d: in => pooler is shutting down", "console: RESUME => pooler is shutting down"],
      ...["a: run => s1", "a: commit", "pooler: ended"],
    ],
  },
  {
    claim: "SHUTDOWN WAIT_FOR_CLIENTS: who is in goes on; the console is waited for as well",
    entries: ONE,
    steps: [
      ...[...everybody("a", "b"), "a: run => s1", "console: SHUTDOWN WAIT_FOR_CLIENTS => SHUTDOWN"],
      ...["c: in => pooler is shutting down", "b: run => s1", "a: run => s1", "a: out", "b: out"],
      ...["wait 800", "console: SHOW VERSION => SHOW", "console: out", "pooler: ended"],
    ],
  },
  {
    claim: "SHUTDOWN ends at once",
    entries: ONE,
    steps: [
      ...["a: in => in", "a: begin => s1", "console: send SHUTDOWN", "pooler: ended"],
      "a: told => Connection terminated unexpectedly",
    ],
  },
];

/** Each has a pooler of its own, which it ends. */
export const shutdowns: Group[] = ENDS.map((history) => ({
  name: history.claim,
  settings: { pool_mode: "transaction" },
  since: 1_025,
  histories: [history],
}));
