/** What differs by pool_mode, what a client finds of the one before it, and who is refused at login. */
import { everybody, type Group, type History } from "./history.ts";

const SESSION = { app: "pool_mode=session pool_size=1" };
const STATEMENT = { app: "pool_mode=statement pool_size=1" };
const ONE = { app: "pool_size=1" };

const MODES: History[] = [
  {
    claim: "session: a client keeps its server until it leaves",
    entries: SESSION,
    steps: [
      ...everybody("a", "b"),
      ...["a: run => s1", "b: send run", "pool app: cl_waiting => 1"],
      ...["a: run => s1", "a: out", "b: get => s1"],
    ],
  },
  {
    claim: "session: server_reset_query runs in between",
    entries: SESSION,
    steps: [
      ...everybody("a", "b"),
      ...["a: run => s1", "a: sql set work_mem='1MB'", "a: out"],
      ...["b: run => s1", "b: sql show work_mem => 4MB"],
    ],
  },
  {
    claim: "session: who leaves in a transaction takes the server along",
    entries: SESSION,
    steps: [...everybody("a", "b"), "a: begin => s1", "a: out", "b: run => s2"],
  },
  {
    claim: "session: no server is taken before the first query",
    entries: SESSION,
    steps: [...everybody("a", "b"), "b: run => s1", "pool app: cl_active sv_active => 2 1"],
  },
  {
    claim: "statement: a transaction is refused, and its server closed",
    entries: STATEMENT,
    steps: [
      ...everybody("a", "b"),
      "a: run => s1",
      "a: sql begin => transaction blocks not allowed in statement pooling mode",
      "b: run => s2",
    ],
  },
  {
    claim: "statement: a transaction within one message is none to the pooler",
    entries: STATEMENT,
    steps: [
      ...everybody("a"),
      ...["a: sql begin; select 7; commit", "a: run => s1", "a: run => s1"],
    ],
  },
  {
    claim: "transaction: SET reaches the next client, unless the parameter is tracked",
    entries: ONE,
    steps: [
      ...everybody("a", "b"),
      ...["a: sql set work_mem='1MB'", "a: sql set datestyle='German'"],
      ...["b: sql show work_mem => 1MB", "b: sql show datestyle => ISO, MDY"],
      "a: sql show datestyle => German, DMY",
    ],
  },
  {
    claim: "transaction: application_name follows its client from server to server",
    entries: { app: "pool_size=2" },
    steps: [
      ...everybody("a", "b"),
      ...["a: sql set application_name='first'", "b: sql set application_name='second'"],
      ...["a: begin => s1", "b: begin => s2"],
      ...["a: sql show application_name => first", "b: sql show application_name => second"],
      ...["b: commit", "a: commit", "b: run => s1", "b: sql show application_name => second"],
    ],
  },
  {
    claim: "transaction: SET LOCAL and what is rolled back leave nothing",
    entries: ONE,
    steps: [
      ...everybody("a", "b"),
      ...["a: begin => s1", "a: sql set local work_mem='1MB'", "a: sql set application_name='x'"],
      ...["a: sql rollback", "b: sql show work_mem => 4MB", "b: sql show application_name => ok"],
    ],
  },
];

const LOGINS: History[] = [
  {
    claim: "no such database",
    steps: ["a: in !nowhere => no such database: nowhere"],
  },
  {
    claim: "a user that auth_file does not name",
    steps: ['a: in as stranger => "trust" authentication failed'],
  },
  {
    claim: "one that it names and the database does not: the database's words",
    steps: ['a: in as ghost => role "ghost" does not exist'],
  },
];

export const modes: Group = {
  name: "modes, parameters, logins",
  settings: { pool_mode: "transaction" },
  histories: [...MODES, ...LOGINS],
};
