/** Random scripts: what clients do, and what they should not do. */
import fc from "fast-check";
import { isTold } from "./answers.ts";
import {
  type Leaving,
  type Packet,
  type Piece,
  PROTOCOL,
  type Script,
  type Step,
} from "./script.ts";

const pick = <T>(...choices: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...choices);

const TABLE = "create temp table if not exists t (a int, b text)";
const READING = [
  ...["select 1", "select 1; select 2", "", ";", "select 'a' where false", "show search_path"],
  "select generate_series(1, 300)",
  "select repeat('y', 90000) from generate_series(1, 3)",
  "select date '2024-02-03', interval '1 day 2 hours', 'é', current_setting('timezone')",
  ...["show application_name", "copy (select generate_series(1, 3)) to stdout", "select $1::int"],
  "select current_setting('search_path'), current_setting('intervalstyle')",
];
const WRITING = [
  ...[TABLE, "insert into t values (1, 'a') returning a", "select * from t", "drop table t"],
  ...["copy t to stdout", "declare c cursor for select generate_series(1, 5)", "fetch 2 from c"],
  ...["close c", "prepare p as select 7", "execute p", "deallocate p", "deallocate all"],
  "create temp table if not exists u (a int unique deferrable initially deferred)",
  ...["insert into u values (1), (1)", "do $$ begin raise notice 'hear'; end $$"],
];
const FAILING = [
  ...["select 1/0", "select 1; select 1/0; select 3", "selec", "select * from nowhere"],
  ...["begin; select 1/0; commit", "set bogus = 1", "set timezone = 'nowhere'"],
  "do $$ begin raise exception 'no'; end $$",
];
const BLOCKS = [
  ...["begin", "begin", "commit", "rollback", "savepoint a", "rollback to a", "release a"],
  ...["begin; select 1", "commit; begin", "commit; select 5", "rollback and chain"],
  "begin isolation level serializable read only",
];
const SETTINGS = [
  ...["set datestyle = 'sql, dmy'", "set datestyle = german", "set timezone = 'Asia/Tokyo'"],
  ...["set client_encoding = 'latin1'", "set client_encoding = 'utf8'", "reset timezone"],
  ...["set application_name = 'it''s'", "set standard_conforming_strings = off", "reset all"],
  ...["set search_path = pg_catalog", "set local timezone = 'UTC'", "discard all"],
  ...["set intervalstyle = 'sql_standard'", "set default_transaction_read_only = on"],
  ...[
    "set application_name = 'a\\b'",
    "set timezone = 'asia/tokyo'",
    "set session authorization bob",
  ],
];
const sql = fc.oneof(
  { weight: 4, arbitrary: pick(...READING) },
  { weight: 3, arbitrary: pick(...WRITING) },
  { weight: 2, arbitrary: pick(...FAILING) },
  { weight: 4, arbitrary: pick(...BLOCKS) },
  { weight: 3, arbitrary: pick(...SETTINGS) },
);

const name = pick("", "", "a", "b");
const query = sql.map((text): Piece => ["query", text]);
/** One message of the extended protocol, in no order. */
const extended: fc.Arbitrary<Piece> = fc.oneof(
  fc.tuple(pick("parse" as const), name, sql),
  fc.tuple(pick("bind" as const), name, name),
  fc.tuple(pick("bind" as const), name, name, pick("5", "x")),
  fc.tuple(pick("describe" as const), pick("S" as const, "P" as const), name),
  fc.tuple(pick("execute" as const), name, pick(0, 2)),
  fc.tuple(pick("close" as const), pick("S" as const, "P" as const), name),
  pick<Piece>(["flush"], ["sync"], ["sync"]),
);
/** The usual order, with or without some of it. */
const usual: fc.Arbitrary<Piece[]> = fc
  .tuple(sql, name, name, pick(0, 2), fc.nat(7))
  .map(([text, statement, portal, limit, parts]) => {
    const pieces: Piece[] = [["parse", statement, text]];
    if (parts & 1) pieces.push(["describe", "S", statement]);
    pieces.push(["bind", portal, statement]);
    if (parts & 2) pieces.push(["describe", "P", portal]);
    pieces.push(["execute", portal, limit]);
    if (parts & 4) pieces.push(["close", "S", statement]);
    return pieces;
  });
const ending: fc.Arbitrary<Piece[]> = fc.oneof(
  { weight: 6, arbitrary: pick<Piece[]>([["sync"]]) },
  { weight: 1, arbitrary: pick<Piece[]>([], [["flush"]], [["sync"], ["sync"]]) },
);
const joined = (parts: fc.Arbitrary<Piece[]>[]): fc.Arbitrary<Piece[]> =>
  fc.tuple(...parts).map((lists) => lists.flat());
const batch = joined([fc.oneof(usual, fc.array(extended, { minLength: 1, maxLength: 5 })), ending]);

const COPY = "copy t from stdin";
const copyData: fc.Arbitrary<Piece[]> = joined([
  fc.array(pick<Piece>(["copyData", "1\tx\n"], ["copyData", "2\ty\n3\tz\n"], ["copyData", "4\t"]), {
    maxLength: 3,
  }),
  pick<Piece[]>(
    [["copyDone"]],
    [["copyDone"]],
    [["copyFail", "no more"]],
    [["copyData", "bad\n"], ["copyDone"]],
  ),
]);
const begun: fc.Arbitrary<Piece[]> = pick<Piece[]>(
  [["query", COPY]],
  [
    ["query", TABLE],
    ["query", COPY],
  ],
  [["query", `${TABLE}; ${COPY}; select 8`]],
  [["parse", "", COPY], ["bind", "", ""], ["execute", "", 0], ["flush"]],
);
const odd: fc.Arbitrary<Piece[]> = pick<Piece[]>(
  [["odd", "Q", "select 1"]],
  [["odd", "P", "x"], ["sync"]],
  [["odd", "B", ""], ["sync"]],
  [["odd", "D", "Z\0"], ["sync"]],
  [["odd", "C", ""], ["sync"]],
  [["odd", "E", ""], ["sync"]],
  [["call", 1_397, "-5"]],
  [["call", 1]],
);
const sending: fc.Arbitrary<Piece[]> = fc.oneof(
  { weight: 5, arbitrary: query.map((piece) => [piece]) },
  { weight: 5, arbitrary: batch },
  { weight: 2, arbitrary: fc.array(fc.oneof(query, extended), { minLength: 2, maxLength: 6 }) },
  { weight: 1, arbitrary: joined([begun, copyData]) },
  { weight: 1, arbitrary: joined([begun, copyData, ending]) },
  { weight: 1, arbitrary: odd },
);

const cuts = fc.oneof(
  { weight: 2, arbitrary: fc.constant<number[]>([]) },
  { weight: 1, arbitrary: fc.array(fc.nat(200), { maxLength: 6 }) },
);
/** Not in the middle of a message: 1.18 hands the server that has had a part of it on to the next client. */
const LEAVING: readonly Leaving[] = [
  "terminate",
  "eof",
  "unknown type",
  "short length",
  "too long",
];

/** What a client does, as who of the clients is not yet known. */
type Act = (who: number) => Step[];

const sendingAct: fc.Arbitrary<Act> = fc.tuple(sending, cuts).map(([send, cuts]) => (who) => [
  { who, send, cuts },
]);
/** COPY, the data only when the server has asked for it, and whatever then. */
const copyAct: fc.Arbitrary<Act> = fc
  .tuple(begun, copyData, ending, cuts)
  .map(([send, data, end, cuts]) => (who) => [
    { who, send, cuts: [] },
    { who, send: [...data, ...(send.length > 2 ? [["sync"] as const] : end)], cuts },
  ]);
const leavingAct: fc.Arbitrary<Act> = fc
  .tuple(fc.oneof(fc.constant<Piece[]>([]), sending), pick(...LEAVING))
  .map(([last, leave]) => (who) => [{ who, last, leave }]);
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 12, arbitrary: sendingAct },
  { weight: 1, arbitrary: copyAct },
  { weight: 1, arbitrary: leavingAct },
);

const pair = (first: string, second: string): readonly [string, string] => [first, second];
/** None that the server refuses: whether a client hears of that depends on what it has sent meanwhile. */
const PARAMETERS = [
  pair("client_encoding", "latin1"),
  pair("client_encoding", "UTF8"),
  pair("DateStyle", "German"),
  pair("datestyle", "iso"),
  pair("TimeZone", "Asia/Tokyo"),
  pair("application_name", "it's"),
  pair("standard_conforming_strings", "off"),
  pair("extra_float_digits", "3"),
  pair("search_path", "public"),
  pair("database", "nowhere"),
  pair("user", "ghost"),
  pair("user", ""),
];
/** PgBouncer 1.18 does not set an application_name that is empty. */
const NAMED = pair("application_name", "one");
/** How a client comes in; most do so as they should, and none as 1.18 takes otherwise: see `DEVIATIONS`. */
function arrival(mode: string): fc.Arbitrary<Packet[]> {
  const usualPairs = [pair("user", "alice"), pair("database", mode), NAMED];
  const plain: Packet[] = [["startup", PROTOCOL, ...usualPairs]];
  const asked = pick<Packet[]>([], [["ssl"]], [["gss"]], [["ssl"], ["gss"]], [["ssl"], ["ssl"]]);
  const startup = fc
    .tuple(
      pick(PROTOCOL, PROTOCOL, PROTOCOL, 0x2_0000, 0x4_0000),
      fc.array(pick(...PARAMETERS), { maxLength: 2 }),
    )
    .map(([version, pairs]): Packet => ["startup", version, ...usualPairs, ...pairs]);
  const bytes = pick<Packet>(
    ["bytes", ""],
    ["bytes", "0000000404d2162f"],
    ["bytes", "0001000000030000"],
    ["bytes", "0000001004d2162e0000000100000002"],
    ["bytes", "0000000804d2162f0000000804d21630"],
    ["bytes", "0000000804d2163000"],
  );
  return fc.oneof(
    { weight: 12, arbitrary: fc.constant(plain) },
    { weight: 2, arbitrary: fc.tuple(asked, startup).map(([first, last]) => [...first, last]) },
    { weight: 1, arbitrary: fc.tuple(asked, bytes).map(([first, last]) => [...first, last]) },
  );
}

/** Clients come in when they are first heard of, and again after they have left. */
function ordered(arrivals: readonly Step[], acts: readonly (readonly [number, Act])[]): Step[] {
  const steps: Step[] = [];
  const seen = new Set<number>();
  for (const [who, act] of acts) {
    if (!seen.has(who)) steps.push({ ...(arrivals[who] as Step), who });
    seen.add(who);
    steps.push(...act(who));
  }
  return steps;
}

/**
 * What PgBouncer 1.18 can take. It counts only the messages that end in ReadyForQuery: a batch that begins
 * before the one in front of it is answered has to be there as a whole, with its Sync, or is torn apart.
 */
function whole(step: Step): Step {
  if (!("send" in step)) return step;
  const kinds = step.send.map(([kind]) => kind);
  const ready = kinds.findIndex((kind) => kind === "sync" || kind === "query" || kind === "call");
  if (ready < 0 || ready === kinds.length - 1) return step;
  const send: Piece[] = isTold(step.send) ? [...step.send] : [...step.send, ["sync"]];
  return { ...step, send, cuts: [] };
}

/** Random scripts. */
export const scripts: fc.Arbitrary<Script> = pick<Script["mode"]>(
  "session",
  "transaction",
  "transaction",
  "statement",
).chain((mode) => {
  const coming = arrival(mode).map((packets): Step => ({ who: 0, packets, cuts: [] }));
  const who = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, pick(1, 2));
  return fc
    .tuple(
      fc.tuple(coming, coming, coming),
      fc.array(fc.tuple(who, act), { minLength: 1, maxLength: 7 }),
    )
    .map(([arrivals, acts]) => ({ mode, steps: ordered(arrivals, acts).map(whole) }));
});
