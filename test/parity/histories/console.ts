/** What the console's commands do to clients and servers, cancel requests, and what is counted. */
import { everybody, type Group, type History } from "./history.ts";
import { CROWDS } from "./limits.ts";

const ONE = { app: "pool_size=1" };
const TWO = { app: "pool_size=2" };

const PAUSES: History[] = [
  {
    // Whom the server that was given back would have gone to asks again and finds the PAUSE.
    claim:
      "PAUSE of an entry waits for the transactions, by which its oldest waiter loses its place",
    entries: ONE,
    steps: [
      ...everybody("a", "b", "c"),
      ...["a: begin => s1", "console: send PAUSE app", "entry app: paused => 1"],
      ...["b: send take", "pool app: cl_waiting => 1", "c: send take", "pool app: cl_waiting => 2"],
      ...["a: commit", "console: get => PAUSE", "pool app: sv_active sv_idle => 0 0"],
      ...["console: RESUME app => RESUME", "c: get => 1", "b: get => 2"],
    ],
  },
  {
    claim: "PAUSE closes idle servers at once",
    entries: ONE,
    steps: [
      ...everybody("a"),
      ...["a: run => s1", "console: PAUSE app => PAUSE", "pool app: sv_idle => 0"],
      ...["console: RESUME app => RESUME", "a: run => s2"],
    ],
  },
  {
    claim: "PAUSE of one entry does not hold up another",
    entries: { app: "", other: "" },
    steps: [
      ...["a: in => in", "b: in other => in", "console: PAUSE app => PAUSE"],
      ...["b: run => s1", "a: send run", "pool app: cl_waiting => 1"],
      ...["console: RESUME app => RESUME", "a: get => s2"],
    ],
  },
  {
    claim: "PAUSE before the first login: the login waits",
    steps: [
      ...["console: PAUSE app => PAUSE", "a: send in", "pool app: cl_waiting => 1"],
      ...["console: RESUME app => RESUME", "a: get => in"],
    ],
  },
  {
    claim:
      "PAUSE of what is paused is done again; RESUME of what is not is refused, and so is no name",
    steps: [
      "console: PAUSE app => PAUSE",
      "console: PAUSE app => PAUSE",
      "console: RESUME app => RESUME",
      "console: RESUME app => database app is not paused",
      "console: PAUSE nowhere => no such database: nowhere",
    ],
  },
];

const COMMANDS: History[] = [
  {
    claim: "KILL sends all clients of the entry away and leaves it paused",
    entries: TWO,
    steps: [
      ...everybody("a", "b"),
      ...["a: begin => s1", "console: KILL app => KILL"],
      ...["a: told => database removed", "b: told => database removed"],
      ...["console: RESUME app => RESUME", "c: in => in", "c: run => s2"],
    ],
  },
  {
    claim: "KILL does not concern other entries",
    entries: { app: "", other: "" },
    steps: [
      ...["a: in => in", "b: in other => in", "b: run => s1", "console: KILL app => KILL"],
      ...["a: told => database removed", "b: run => s1"],
    ],
  },
  {
    claim: "RECONNECT replaces servers, those at work once they are given back",
    entries: TWO,
    steps: [
      ...everybody("a", "b"),
      ...["a: begin => s1", "b: run => s2", "console: RECONNECT app => RECONNECT"],
      ...["a: run => s1", "b: run => s3", "a: commit"],
      ...["a: begin => s3", "b: begin => s4"],
    ],
  },
  {
    claim: "WAIT_CLOSE answers when the servers from before RECONNECT are gone",
    entries: ONE,
    steps: [
      ...everybody("a"),
      ...["a: begin => s1", "console: RECONNECT app => RECONNECT"],
      ...["console: send WAIT_CLOSE app", "wait 100", "a: commit", "console: get => WAIT"],
      "a: run => s2",
    ],
  },
  {
    claim: "DISABLE refuses new clients and leaves the others alone, until ENABLE",
    steps: [
      ...["a: in => in", "console: DISABLE app => DISABLE"],
      'b: in => database "app" is disabled',
      ...["a: run => s1", "console: ENABLE app => ENABLE", "c: in => in"],
    ],
  },
];

const CANCELS: History[] = [
  {
    claim: "a cancel request ends what its client runs; the server is used on",
    entries: ONE,
    steps: [
      ...everybody("a"),
      ...["a: run => s1", "a: send sql select pg_sleep(20)", "database: runs s1"],
      ...["a: cancel", "a: get => canceling statement due to user request", "a: run => s1"],
    ],
  },
  {
    claim: "a cancel request for a waiter is thrown away",
    entries: ONE,
    steps: [
      ...everybody("a", "b"),
      ...["a: begin => s1", "b: send take", "pool app: cl_waiting => 1", "b: cancel"],
      ...["wait 200", "a: commit", "b: get => 1"],
    ],
  },
  {
    claim: "a cancel request of a client without a server does not hit who has that server now",
    entries: ONE,
    steps: [
      ...everybody("a", "b"),
      ...["a: run => s1", "b: run => s1", "database: select pg_advisory_lock({key})"],
      ...["b: send sql select pg_advisory_xact_lock({key}), 'done'", "database: runs s1"],
      ...["a: cancel", "database: select pg_advisory_unlock({key})", "b: get =>  done"],
    ],
  },
  {
    claim: "a cancel request gets through where every limit is reached",
    entries: { app: "pool_size=1 max_db_connections=1" },
    steps: [
      ...everybody("a", "b"),
      ...["a: run => s1", "a: send sql select pg_sleep(20)", "database: runs s1"],
      ...["b: send run", "pool app: cl_waiting => 1", "a: cancel"],
      ...["a: get => canceling statement due to user request", "b: get => s1"],
    ],
  },
];

const COUNTS: History[] = [
  {
    claim: "a transaction counts once, each of its queries too, BEGIN and COMMIT among them",
    steps: [
      ...everybody("a"),
      ...["a: sql begin", "a: sql select 1 => 1", "a: sql select 2 => 2", "a: commit"],
      ...["a: sql select 3 => 3", "stats app: xact_count query_count => 2 5"],
    ],
  },
  {
    claim: "a query that fails counts, and several in one message count once",
    steps: [
      ...everybody("a"),
      "a: sql select 1/0 => division by zero",
      ...["a: sql select 1; select 2 => 2", "stats app: xact_count query_count => 2 2"],
    ],
  },
  {
    claim: "a transaction counts when it is asked for, before there is a server for it",
    entries: ONE,
    steps: [
      ...everybody("a", "b"),
      ...["a: begin => s1", "b: send run", "pool app: cl_waiting => 1"],
      ...["stats app: xact_count query_count => 2 2", "a: commit", "b: get => s1"],
      "stats app: xact_count query_count => 2 3",
    ],
  },
  {
    claim: "SHOW POOLS: who is linked, idle, waiting",
    entries: TWO,
    steps: [
      ...everybody("a", "b", "c", "d"),
      ...["a: begin => s1", "b: begin => s2", "c: send run"],
      "pool app: cl_active cl_waiting sv_active sv_idle sv_used sv_login => 3 1 2 0 0 0",
      ...["b: commit", "c: get => s2"],
      "pool app: cl_active cl_waiting sv_active sv_idle sv_used sv_login => 4 0 1 1 0 0",
    ],
  },
];

export const commands: Group = {
  name: "console, cancels, counts",
  settings: { pool_mode: "transaction" },
  histories: [...PAUSES, ...COMMANDS, ...CANCELS, ...COUNTS],
};

export const everything: Group = {
  name: "what concerns everybody",
  settings: { pool_mode: "transaction", max_client_conn: 5 },
  alone: true,
  histories: [
    ...CROWDS,
    {
      claim: "PAUSE of everything, and RESUME",
      entries: { app: "", other: "" },
      steps: [
        ...["a: in => in", "b: in other => in", "a: run => s1", "console: PAUSE => PAUSE"],
        ...[
          "a: send sql select 1",
          "b: send sql select 2",
          "pool app: cl_waiting => 1",
          "pool other: cl_waiting => 1",
        ],
        ...["console: RESUME => RESUME", "a: get => 1", "b: get => 2"],
      ],
    },
    {
      claim: "a second PAUSE, and a second RESUME, are refused",
      steps: [
        "console: PAUSE => PAUSE",
        "console: PAUSE => already suspended/paused",
        "console: RESUME => RESUME",
        "console: RESUME => pooler is not paused/suspended",
      ],
    },
    {
      claim: "RESUME of everything does not lift the PAUSE of an entry",
      steps: [
        ...["a: in => in", "console: PAUSE app => PAUSE", "console: PAUSE => PAUSE"],
        ...["console: RESUME => RESUME", "a: send run", "wait 300", "pool app: cl_waiting => 1"],
        ...["console: RESUME app => RESUME", "a: get => s1"],
      ],
    },
    {
      // Alone, for who waits for a PAUSE is told of a WAIT_CLOSE by PgBouncer.
      claim: "a cancel request gets through during a PAUSE, which waits for what it ends",
      entries: ONE,
      steps: [
        ...["a: in => in", "a: run => s1", "a: send sql select pg_sleep(20)", "database: runs s1"],
        ...["console: send PAUSE app", "entry app: paused => 1", "a: cancel"],
        ...["a: get => canceling statement due to user request", "console: get => PAUSE"],
        "console: RESUME app => RESUME",
      ],
    },
    {
      claim: "SUSPEND holds everybody; RESUME lifts it",
      steps: [
        ...["a: in => in", "a: run => s1", "console: SUSPEND => SUSPEND", "a: send run"],
        ...["wait 300", "console: RESUME => RESUME", "a: get => s1"],
      ],
    },
  ],
};
