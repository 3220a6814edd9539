/** Random scripts: what clients do, and what they should not do. */
import fc from "fast-check";
import { isTold } from "./answers.ts";
import { arrival } from "./arrivals.ts";
import { copyBegun, copyData, ending, pick, sending } from "./messages.ts";
import { type Leaving, type Piece, PROTOCOL, type Script, type Step } from "./script.ts";

const cuts = fc.oneof(
  { weight: 2, arbitrary: fc.constant<number[]>([]) },
  { weight: 1, arbitrary: fc.array(fc.nat(200), { maxLength: 6 }) },
);
/** Within messages that are long. */
const farCuts = fc.oneof(
  { weight: 4, arbitrary: cuts },
  fc.array(fc.nat(80_000), { maxLength: 6 }),
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

const sendingAct = (more: boolean): fc.Arbitrary<Act> =>
  fc.tuple(sending(more), more ? farCuts : cuts).map(([send, cuts]) => (who) => [
    { who, send, cuts },
  ]);

/** COPY, the data only when the server has asked for it, and whatever then. */
const copyAct: fc.Arbitrary<Act> = fc
  .tuple(copyBegun, copyData, ending, cuts)
  .map(([send, data, end, cuts]) => (who) => [
    { who, send, cuts: [] },
    { who, send: [...data, ...(send.length > 2 ? [["sync"] as const] : end)], cuts },
  ]);

const leavingAct = (more: boolean): fc.Arbitrary<Act> =>
  fc
    .tuple(
      fc.oneof(fc.constant<Piece[]>([]), sending(more)),
      pick(...LEAVING, ...(more ? (["cut"] as const) : [])),
    )
    .map(([last, leave]) => (who) => [{ who, last, leave }]);

/** Another server for all: those that are idle go, the others when they are free. */
const reconnectAct: fc.Arbitrary<Act> = fc.constant(() => [{ tell: "RECONNECT" }]);

/** A query that somebody has to cancel, in a block or not. */
const cancelAct: fc.Arbitrary<Act> = pick<Piece[]>(
  [["query", "select pg_sleep(60)"]],
  [
    ["query", "begin"],
    ["query", "select pg_sleep(60); select 2"],
  ],
  [
    ...[["parse", "", "select pg_sleep(60)"] as const, ["bind", "", ""] as const],
    ...[["execute", "", 0] as const, ["sync"] as const],
    ...[["parse", "", "select 1"] as const, ["sync"] as const], // Or the next could begin it again.
  ],
).map((send) => (who) => [{ who, send, cuts: [], cancelled: true }]);

const act = (more: boolean): fc.Arbitrary<Act> => {
  const common = [
    { weight: 12, arbitrary: sendingAct(more) },
    { weight: 1, arbitrary: copyAct },
    { weight: 1, arbitrary: leavingAct(more) },
  ];
  if (!more) return fc.oneof(...common);
  return fc.oneof(
    ...common,
    { weight: 1, arbitrary: reconnectAct },
    { weight: 1, arbitrary: cancelAct },
  );
};

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

/** In PgBouncer a replication client that is the first of its pool gives its parameters to all others. */
function warmed(mode: Script["mode"], steps: readonly Step[]): Step[] {
  const replicates = ([name]: readonly [string, string]): boolean => name === "replication";
  const alone = steps.every(
    (step) =>
      !("packets" in step) ||
      !step.packets.some(([kind, , ...pairs]) => kind === "startup" && pairs.some(replicates)),
  );
  if (alone) return [...steps];
  const pairs = [["user", "alice"] as const, ["database", mode] as const];
  const first: Step = { who: 3, packets: [["startup", PROTOCOL, ...pairs]], cuts: [] };
  const others = steps.filter((step) => !("tell" in step));
  return [first, { who: 3, last: [], leave: "terminate" }, ...others];
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

/** Random scripts. `more`: with what PgBouncer 1.18 does not know. */
export function scripts(more: boolean): fc.Arbitrary<Script> {
  const modes = pick<Script["mode"]>("session", "transaction", "transaction", "statement");
  const kept = more ? pick(0, 1, 2, 200) : fc.constant(0);
  return fc.tuple(modes, kept).chain(([mode, prepared]) => {
    const coming = arrival(mode, more).map((packets): Step => ({ who: 0, packets, cuts: [] }));
    const who = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, pick(1, 2));
    return fc
      .tuple(
        fc.tuple(coming, coming, coming),
        fc.array(fc.tuple(who, act(more)), { minLength: 1, maxLength: more ? 10 : 7 }),
      )
      .map(([arrivals, acts]) => {
        const steps = ordered(arrivals, acts);
        return { mode, prepared, steps: more ? warmed(mode, steps) : steps.map(whole) };
      });
  });
}
