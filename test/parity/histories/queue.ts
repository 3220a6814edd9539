/** Who is served when: queues, the choice among idle servers, growth, eviction. */
import { everybody, type Group, type History } from "./history.ts";

const ONE = { app: "pool_size=1" };
const TWO = { app: "pool_size=2" };
const THREE = { app: "pool_size=3" };

const QUEUES: History[] = [
  {
    claim: "waiters are served in the order in which they asked",
    entries: ONE,
    steps: [
      ...everybody("a", "b", "c", "d"),
      "a: begin => s1",
      ...["b: send take", "pool app: cl_waiting => 1"],
      ...["c: send take", "pool app: cl_waiting => 2"],
      ...["d: send take", "pool app: cl_waiting => 3"],
      "a: commit",
      ...["b: get => 1", "c: get => 2", "d: get => 3"],
    ],
  },
  {
    claim: "who asks again goes to the end of the queue",
    entries: ONE,
    steps: [
      ...everybody("a", "b", "c"),
      "a: begin => s1",
      ...["b: send begin", "pool app: cl_waiting => 1"],
      ...["c: send take", "pool app: cl_waiting => 2"],
      ...["a: commit", "b: get => s1"],
      ...["a: send take", "pool app: cl_waiting => 2"],
      ...["b: commit", "c: get => 1", "a: get => 2"],
    ],
  },
  {
    claim: "who leaves while it waits stays in the count, and its query never runs",
    entries: ONE,
    steps: [
      ...everybody("a", "b"),
      "a: begin => s1",
      ...["b: send take", "pool app: cl_waiting => 1"],
      ...["b: cut", "wait 400", "pool app: cl_waiting => 1"],
      ...["a: commit", "pool app: cl_waiting cl_active => 0 1", "a: take => 1"],
    ],
  },
  {
    claim:
      "who says goodbye while it waits has its server closed when its turn comes, its query unasked",
    entries: ONE,
    steps: [
      ...everybody("a", "b"),
      "a: begin => s1",
      ...["b: send take", "pool app: cl_waiting => 1"],
      ...["b: bye", "wait 100", "pool app: cl_waiting => 1"],
      ...["a: commit", "pool app: cl_waiting cl_active => 0 1", "wait 100"],
      ...["a: run => s2", "a: take => 1"],
    ],
  },
  {
    claim:
      "who says goodbye while it waits, and would need a SET first, leaves the server to the next",
    entries: ONE,
    steps: [
      ...everybody("a", "b"),
      ...["b: sql set application_name='b'", "a: begin => s1"],
      ...["b: send take", "pool app: cl_waiting => 1"],
      ...["b: bye", "wait 100", "pool app: cl_waiting => 1"],
      ...["a: commit", "pool app: cl_waiting cl_active => 0 1", "wait 100"],
      ...["stats app: server_assignment_count => 3 | 1.18: -", "a: run => s1 | 1.18: s2"],
      "a: take => 1",
    ],
  },
  {
    claim: "a transaction keeps its server until it ends, whatever the others want",
    entries: TWO,
    steps: [
      ...everybody("a", "b"),
      ...["a: begin => s1", "b: run => s2", "b: run => s2", "a: run => s1", "a: commit"],
    ],
  },
  {
    claim: "each user has a pool of their own",
    entries: ONE,
    steps: [
      ...["a: in as alice => in", "b: in as bob => in"],
      ...["a: begin => s1", "b: begin => s2"],
      "pool app alice: sv_active cl_waiting => 1 0",
      "pool app bob: sv_active cl_waiting => 1 0",
    ],
  },
  {
    claim: "an entry with user= has one pool for everybody",
    entries: { app: "user=alice pool_size=1" },
    steps: [
      ...["a: in as bob => in", "b: in as carol => in"],
      ...["a: sql select current_user => alice", "a: begin => s1", "b: send begin"],
      ...["pool app alice: cl_waiting => 1", "a: commit", "b: get => s1"],
    ],
  },
];

const CHOICE: History[] = [
  {
    claim: "of idle servers the one used last is taken (LIFO)",
    entries: THREE,
    steps: [
      ...everybody("a", "b", "c"),
      ...["a: begin => s1", "b: begin => s2", "c: begin => s3"],
      ...["a: commit", "b: commit", "c: commit"],
      ...["a: run => s3", "b: run => s3", "c: run => s3"],
    ],
  },
  {
    claim: "LIFO goes by the order of release, not of opening",
    entries: THREE,
    steps: [
      ...everybody("a", "b", "c"),
      ...["a: begin => s1", "b: begin => s2", "c: begin => s3"],
      ...["c: commit", "a: commit", "b: commit"],
      ...["a: begin => s2", "b: begin => s1", "c: begin => s3"],
    ],
  },
  {
    claim: "a server that is given back goes to a waiter, though others have been idle for longer",
    entries: TWO,
    steps: [
      ...everybody("a", "b", "c"),
      ...["a: begin => s1", "b: begin => s2"],
      ...["c: send begin", "pool app: cl_waiting => 1"],
      ...["b: commit", "c: get => s2", "a: commit", "c: commit", "b: run => s2"],
    ],
  },
];

const GROWTH: History[] = [
  {
    claim: "no server is opened as long as an idle one will do",
    entries: THREE,
    steps: [
      ...everybody("a", "b"),
      ...["a: run => s1", "b: run => s1", "a: run => s1"],
      "pool app: sv_idle sv_active => 1 0",
    ],
  },
  {
    claim: "the pool grows to pool_size; then clients wait",
    entries: TWO,
    steps: [
      ...everybody("a", "b", "c"),
      ...["a: begin => s1", "b: begin => s2", "c: send begin"],
      ...["pool app: cl_waiting sv_active => 1 2", "wait 400"],
      ...["pool app: cl_waiting sv_active => 1 2", "b: commit", "c: get => s2"],
    ],
  },
  {
    claim: "connect_query runs once on each new server",
    entries: { app: "pool_size=2 connect_query='select nextval(''{turns}'')'" },
    steps: [
      ...everybody("a", "b"),
      ...["a: take => 2", "a: begin => s1", "b: begin => s2", "b: take => 4", "a: take => 5"],
    ],
  },
];

const EVICTION: History[] = [
  {
    claim: "max_db_connections: the longest idle server of another user is closed",
    entries: { app: "pool_size=2 max_db_connections=2" },
    steps: [
      ...["a: in as alice => in", "a: run => s1", "b: in as bob => in", "b: run => s2"],
      ...["a: run => s1", "c: in as carol => in", "c: run => s3"],
      "pool app alice: sv_idle => 1",
      "pool app bob: sv_idle => 0",
    ],
  },
  {
    claim: "max_db_connections: a server at work is never closed",
    entries: { app: "pool_size=2 max_db_connections=1" },
    steps: [
      ...["b: in as bob => in", "b: run => s1", "a: in as alice => in", "a: begin => s2"],
      ...["b: send run", "pool app bob: cl_waiting => 1"],
      ...["wait 400", "pool app bob: cl_waiting => 1"],
      ...["a: commit", "b: get => s3", "pool app alice: sv_idle => 0"],
    ],
  },
  {
    claim: "max_db_connections: a server that is given back goes to its own pool's waiter first",
    entries: { app: "pool_size=1 max_db_connections=1" },
    steps: [
      ...["c: in as bob => in", "c: run => s1"],
      ...["a: in as alice => in", "b: in as alice => in", "a: begin => s2"],
      ...["c: send take", "pool app bob: cl_waiting => 1"],
      ...["b: send take", "pool app alice: cl_waiting => 1"],
      ...["a: commit", "b: get => 1", "c: get => 2"],
    ],
  },
  {
    claim: "max_user_connections counts over all entries, and evicts over all of them",
    entries: { app: "pool_size=2", other: "pool_size=2" },
    steps: [
      ...["a: in app as single => in", "b: in other as single => in"],
      ...["a: run => s1", "b: run => s2", "pool app single: sv_idle => 0"],
      ...["a: begin => s3", "b: send run", "pool other single: cl_waiting => 1"],
      ...["a: commit", "b: get => s4"],
    ],
  },
];

const ENDS: History[] = [
  {
    claim: "a client that leaves between transactions leaves its server to the others",
    entries: ONE,
    steps: [...everybody("a", "b"), "a: run => s1", "a: out", "b: run => s1"],
  },
  {
    claim: "a client that leaves in a transaction takes its server with it",
    entries: ONE,
    steps: [...everybody("a", "b"), "a: begin => s1", "a: cut", "b: run => s2"],
  },
  {
    claim: "a client that leaves before its answer takes its server with it",
    entries: ONE,
    steps: [
      ...everybody("a", "b"),
      ...["a: run => s1", "a: send sql select pg_sleep(20)", "pool app: sv_active => 1"],
      ...["a: cut", "b: run => s2"],
    ],
  },
  {
    claim: "an idle server that ends goes unnoticed by the clients",
    entries: ONE,
    steps: [
      ...everybody("a"),
      ...["a: run => s1", "database: end s1", "pool app: sv_idle => 0", "a: run => s2"],
    ],
  },
  {
    claim: "a server that ends in a transaction: the client has its last words, and goes",
    entries: ONE,
    steps: [
      ...everybody("a", "b"),
      ...["a: begin => s1", "database: end s1"],
      "a: told => terminating connection due to administrator command",
      "b: run => s2",
    ],
  },
  {
    claim: "a server that ends while others wait: they get the next one",
    entries: ONE,
    steps: [
      ...everybody("a", "b"),
      ...["a: begin => s1", "b: send run", "pool app: cl_waiting => 1"],
      ...["database: end s1", "b: get => s2"],
    ],
  },
];

export const queueing: Group = {
  name: "transaction mode",
  settings: { pool_mode: "transaction", query_wait_timeout: 60 },
  users: { single: "max_user_connections=1" },
  histories: [...QUEUES, ...CHOICE, ...GROWTH, ...EVICTION, ...ENDS],
};

export const roundRobin: Group = {
  name: "server_round_robin, server_idle_timeout, min_pool_size, an entry *",
  settings: {
    pool_mode: "transaction",
    server_round_robin: 1,
    server_idle_timeout: 2,
    min_pool_size: 1,
  },
  histories: [
    {
      claim: "server_round_robin: of idle servers the one idle for longest is taken",
      entries: THREE,
      steps: [
        ...everybody("a", "b", "c"),
        ...["a: begin => s1", "b: begin => s2", "c: begin => s3"],
        ...["c: commit", "a: commit", "b: commit"],
        ...["a: run => s3", "a: run => s1", "a: run => s2", "a: run => s3"],
      ],
    },
    {
      claim: "server_round_robin: a waiter gets the one idle for longest, not the one given back",
      entries: TWO,
      steps: [
        ...everybody("a", "b"),
        ...["a: begin => s1", "b: begin => s2", "a: commit", "b: commit"],
        ...["a: begin => s1", "a: commit", "b: begin => s2", "b: commit", "a: run => s1"],
      ],
    },
    {
      claim: "server_idle_timeout closes what is idle, but not below min_pool_size",
      entries: TWO,
      steps: [
        ...everybody("a", "b"),
        ...["a: begin => s1", "b: begin => s2", "a: commit", "b: commit"],
        ...["servers app: idle => s2", "wait 2500", "servers app: idle => s2"],
      ],
    },
    {
      claim: "min_pool_size: a server is opened though nobody asks for it",
      entries: { app: "" },
      steps: [
        ...["a: in => in", "a: run => s1", "database: end s1"],
        ...["servers app: idle => s2", "a: run => s2"],
      ],
    },
  ],
};
