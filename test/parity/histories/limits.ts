/** Who is let in and for how long: limits, timeouts, reserve, lifetimes, logins that fail. */
import { everybody, type Group, type History } from "./history.ts";

const ONE = { app: "pool_size=1" };
const TRANSACTION = { pool_mode: "transaction" };
/** Who fails fast does not wait for the attempt that it gives rise to. */
const FAILING =
  'b: run => server login has been failing, cached error: role "own" is not permitted to log in ' +
  "(server_login_retry) | 1.18: " +
  "server login has been failing, try again later (server_login_retry)";

/** For a pooler that lets five clients in, the console's among them. */
export const CROWDS: History[] = [
  {
    claim: "max_client_conn refuses, and lets in again who comes after one has left",
    steps: [
      ...everybody("a", "b", "c", "d", "e"),
      "f: in => no more connections allowed (max_client_conn)",
      ...["a: out", "g: in => in"],
    ],
  },
  {
    claim: "max_client_conn counts those on the console, and does not keep them out",
    steps: [
      ...["console: SHOW VERSION => SHOW", ...everybody("a", "b", "c", "d")],
      "e: in => no more connections allowed (max_client_conn)",
      ...["console: out", "f: in => in", "console: SHOW VERSION => SHOW"],
    ],
  },
  {
    claim: "max_client_conn counts waiters as well",
    entries: ONE,
    steps: [
      ...everybody("a", "b", "c", "d", "e"),
      ...["a: begin => s1", "b: send run", "wait 100"],
      "f: in => no more connections allowed (max_client_conn)",
      ...["a: commit", "b: get => s1"],
    ],
  },
];

export const reserve: Group = {
  name: "reserve_pool_timeout",
  settings: { ...TRANSACTION, reserve_pool_timeout: 2 },
  histories: [
    {
      claim: "one from the reserve for who has waited for reserve_pool_timeout, and not beyond it",
      entries: { app: "pool_size=1 reserve_pool=1" },
      steps: [
        ...everybody("a", "b", "c"),
        ...["a: begin => s1", "b: send begin", "b: get => s2", "c: send begin", "wait 2700"],
        ...["pool app: cl_waiting sv_active => 1 2", "a: commit", "c: get => s1"],
      ],
    },
    {
      claim: "without a reserve a waiter waits on",
      entries: ONE,
      steps: [
        ...everybody("a", "b"),
        ...["a: begin => s1", "b: send begin", "wait 2700"],
        ...["pool app: cl_waiting sv_active => 1 1", "a: commit", "b: get => s1"],
      ],
    },
    {
      claim: "who is served before the timeout opens nothing",
      entries: { app: "pool_size=1 reserve_pool=1" },
      steps: [
        ...everybody("a", "b"),
        ...["a: begin => s1", "b: send run", "pool app: cl_waiting => 1", "a: commit"],
        ...["b: get => s1", "wait 2700", "servers app: idle => s1"],
      ],
    },
    {
      claim: "a server from the reserve stays, and is as good as any other",
      entries: { app: "pool_size=1 reserve_pool=2" },
      steps: [
        ...everybody("a", "b"),
        ...["a: begin => s1", "b: send begin", "b: get => s2", "a: commit", "b: commit"],
        ...["wait 700", "servers app: idle => s1 s2", "a: run => s2"],
      ],
    },
  ],
};

export const impatient: Group = {
  name: "query_wait_timeout, server_login_retry",
  settings: { ...TRANSACTION, query_wait_timeout: 1, server_login_retry: 1 },
  histories: [
    {
      claim: "query_wait_timeout sends a waiter away; the next ones are served",
      entries: ONE,
      steps: [
        ...everybody("a", "b", "c"),
        ...["a: begin => s1", "b: send run", "b: get => query_wait_timeout"],
        ...["a: commit", "c: run => s1"],
      ],
    },
    {
      claim: "query_wait_timeout holds during a PAUSE too",
      entries: ONE,
      steps: [
        ...everybody("a", "b"),
        ...["a: run => s1", "console: PAUSE app => PAUSE"],
        ...["a: run => query_wait_timeout", "console: RESUME app => RESUME", "b: run => s2"],
      ],
    },
    {
      claim: "a query that ends in query_wait_timeout is counted",
      entries: ONE,
      steps: [
        ...everybody("a", "b"),
        ...["a: begin => s1", "b: send run", "b: get => query_wait_timeout"],
        "stats app: xact_count query_count => 2 2",
      ],
    },
    {
      claim: "an error at the server's login goes to who waits for it",
      entries: { app: "dbname=nowhere_at_all" },
      steps: ['a: in => database "nowhere_at_all" does not exist'],
    },
    {
      claim: "a pool that had servers and gets none: the waiter is told, the next ones fail fast",
      entries: ONE,
      steps: [
        ...["a: in as {own} => in", "b: in as {own} => in", "c: in as {own} => in"],
        ...["a: run => s1", "database: alter role {own} nologin", "database: end s1"],
        ...[
          "pool app: sv_idle => 0",
          'a: run => role "own" is not permitted to log in | 1.18: query_wait_timeout',
        ],
        FAILING,
      ],
    },
    {
      claim: "once the login works again so does the pool, after server_login_retry",
      entries: ONE,
      steps: [
        ...["a: in as {own} => in", "b: in as {own} => in", "a: run => s1"],
        ...["database: alter role {own} nologin", "database: end s1", "pool app: sv_idle => 0"],
        'a: run => role "own" is not permitted to log in | 1.18: query_wait_timeout',
        ...["c: in as {own} => in", "database: alter role {own} login", "wait 1400"],
        ...[FAILING, "pool app: sv_idle => 1", "c: run => s2"],
      ],
    },
    {
      claim: "a server that cannot be reached: the first one waits until query_wait_timeout",
      entries: { app: "port=1" },
      steps: ["a: in => query_wait_timeout"],
    },
  ],
};

export const mortal: Group = {
  name: "server_lifetime",
  settings: { ...TRANSACTION, server_lifetime: 1 },
  histories: [
    {
      claim: "an idle server is closed at the end of its lifetime",
      entries: ONE,
      steps: [...everybody("a"), ...["a: run => s1", "pool app: sv_idle => 0", "a: run => s2"]],
    },
    {
      claim: "a server at work is not: it is closed when it is given back",
      entries: ONE,
      steps: [
        ...everybody("a", "b"),
        ...["a: begin => s1", "wait 1500", "a: run => s1", "b: send run"],
        ...["pool app: cl_waiting => 1", "a: commit", "b: get => s2"],
      ],
    },
  ],
};

export const strict: Group = {
  name: "query_timeout, idle_transaction_timeout",
  settings: { ...TRANSACTION, query_timeout: 1.5, idle_transaction_timeout: 0.4 },
  histories: [
    {
      claim: "query_timeout ends the query, its client and its server",
      entries: ONE,
      steps: [
        ...everybody("a", "b"),
        ...["a: run => s1", "a: sql select pg_sleep(20) => query timeout", "b: run => s2"],
      ],
    },
    {
      claim: "idle_transaction_timeout ends a transaction that waits for its client",
      entries: ONE,
      steps: [
        ...everybody("a", "b"),
        ...["a: begin => s1", "a: told => idle transaction timeout", "b: run => s2"],
      ],
    },
    {
      claim: "neither minds a client that does nothing",
      steps: [...everybody("a"), "a: run => s1", "wait 2200", "a: run => s1"],
    },
  ],
};

export const brief: Group = {
  name: "client_idle_timeout, server_reset_query_always, checks, server_lifetime 0",
  settings: {
    ...TRANSACTION,
    client_idle_timeout: 2,
    server_reset_query_always: 1,
    server_check_delay: 0,
    server_check_query: "select 1/0",
  },
  histories: [
    {
      claim: "client_idle_timeout sends away who asks nothing",
      steps: [...everybody("a"), "a: told => client_idle_timeout"],
    },
    {
      claim: "client_idle_timeout leaves alone who is in a transaction",
      steps: [...everybody("a"), "a: begin => s1", "wait 2800", "a: run => s1"],
    },
    {
      claim: "server_reset_query_always: nothing is left of the client before, in any mode",
      entries: ONE,
      steps: [
        ...everybody("a", "b"),
        ...["a: run => s1", "a: sql set work_mem='1MB'", "b: run => s1"],
        "b: sql show work_mem => 4MB",
      ],
    },
    {
      claim: "a check that is answered with an error does the server no harm",
      entries: ONE,
      steps: [...everybody("a"), "a: run => s1", "a: run => s1"],
    },
  ],
};
