/** Random messages of clients that are in, as they should come and as they should not. */
import fc from "fast-check";
import type { Piece } from "./script.ts";
import * as texts from "./texts.ts";

const { COPY, TABLE } = texts;

export const pick = <T>(...choices: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...choices);

export const joined = (parts: fc.Arbitrary<Piece[]>[]): fc.Arbitrary<Piece[]> =>
  fc.tuple(...parts).map((lists) => lists.flat());

const sql = (more: boolean): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 4, arbitrary: pick(...texts.READING) },
    { weight: 3, arbitrary: pick(...texts.WRITING) },
    { weight: 2, arbitrary: pick(...texts.FAILING) },
    { weight: 4, arbitrary: pick(...texts.BLOCKS, ...(more ? texts.MORE_BLOCKS : [])) },
    { weight: 3, arbitrary: pick(...texts.SETTINGS, ...(more ? texts.MORE_SETTINGS : [])) },
  );

const name = pick("", "", "a", "b");

/** One message of the extended protocol, in no order. */
const extended = (text: fc.Arbitrary<string>): fc.Arbitrary<Piece> =>
  fc.oneof(
    fc.tuple(pick("parse" as const), name, text),
    fc.tuple(pick("bind" as const), name, name),
    fc.tuple(pick("bind" as const), name, name, pick("5", "x")),
    fc.tuple(pick("describe" as const), pick("S" as const, "P" as const), name),
    fc.tuple(pick("execute" as const), name, pick(0, 2)),
    fc.tuple(pick("close" as const), pick("S" as const, "P" as const), name),
    pick<Piece>(["flush"], ["sync"], ["sync"]),
  );

/** The usual order, with or without some of it. */
const usual = (text: fc.Arbitrary<string>): fc.Arbitrary<Piece[]> =>
  fc
    .tuple(text, name, name, pick(0, 2), fc.nat(7))
    .map(([text, statement, portal, limit, parts]) => {
      const pieces: Piece[] = [["parse", statement, text]];
      if (parts & 1) pieces.push(["describe", "S", statement]);
      pieces.push(["bind", portal, statement]);
      if (parts & 2) pieces.push(["describe", "P", portal]);
      pieces.push(["execute", portal, limit]);
      if (parts & 4) pieces.push(["close", "S", statement]);
      return pieces;
    });

export const ending: fc.Arbitrary<Piece[]> = fc.oneof(
  { weight: 6, arbitrary: pick<Piece[]>([["sync"]]) },
  { weight: 1, arbitrary: pick<Piece[]>([], [["flush"]], [["sync"], ["sync"]]) },
);

/** What clients do that prepare once and use often, and share their texts with others. */
const named = fc.oneof(
  { weight: 20, arbitrary: pick("a", "b", "c", "a", "b", "") },
  { weight: 1, arbitrary: pick("name".repeat(1500)) }, // Longer than pkt_buf.
);
const reuse: fc.Arbitrary<Piece[]> = fc
  .array(
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc
          .tuple(named, pick(...texts.SHARED), pick<number[]>([], [], [23], [23, 25]))
          .map(([name, text, types]): Piece[] => [["parse", name, text, types]]),
      },
      {
        weight: 4,
        arbitrary: fc
          .tuple(
            named,
            pick<string[]>([], [], [], [], ["7"], ["8"], ["x".repeat(70_000)]),
            pick(0, 0, 2),
            fc.boolean(),
          )
          .map(([name, values, limit, described]): Piece[] => [
            ["bind", "", name, ...values],
            ...(described ? [["describe", "P", ""] as const] : []),
            ["execute", "", limit],
          ]),
      },
      { weight: 1, arbitrary: named.map((name): Piece[] => [["describe", "S", name]]) },
      { weight: 2, arbitrary: named.map((name): Piece[] => [["close", "S", name]]) },
      { weight: 1, arbitrary: pick(...texts.SHARED).map((text): Piece[] => [["query", text]]) },
      { weight: 2, arbitrary: pick<Piece[]>([["sync"]], [["sync"]], [["flush"]]) },
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((lists) => lists.flat());

export const copyData: fc.Arbitrary<Piece[]> = joined([
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

export const copyBegun: fc.Arbitrary<Piece[]> = pick<Piece[]>(
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

/** Bodies that are cut short, or too long, behind the name of a statement. */
const odder: fc.Arbitrary<Piece[]> = pick<Piece[]>(
  [["odd", "P", "x\0select 1"], ["sync"]],
  [["odd", "P", "x\0select 1\0\0"], ["sync"]],
  [["odd", "P", "x\0select 1\0\0\u0001\0\0"], ["sync"]],
  [["odd", "P", "x\0select 1\0\0\0more"], ["sync"]],
  [["odd", "B", "\0x"], ["sync"]],
  [["odd", "B", "\0x\0"], ["sync"]],
  [["odd", "D", "Sx"], ["sync"]],
  [["odd", "D", "Sx\0y"], ["sync"]],
  [["odd", "C", "Sx"], ["sync"]],
  [["odd", "C", "Sx\0y"], ["sync"]],
  [["odd", "C", "Zx\0"], ["sync"]],
  [["odd", "S", "more"]],
  [["odd", "H", "more"], ["sync"]],
  [
    ["call", 1_397, "x"],
    ["query", "select 1"],
  ],
);

const listening: fc.Arbitrary<Piece[]> = pick<Piece[]>(
  [
    ["query", "listen x"],
    ["query", "notify x, 'one'"],
    ["query", "unlisten *"],
  ],
  [
    ["query", "listen x"],
    ["parse", "", "notify x"],
    ["bind", "", ""],
    ["execute", "", 0],
    ["sync"],
    ["query", "unlisten x"],
  ],
);

/** What a client sends at a time. `more`: what 1.18 does not know, or does not take well. */
export function sending(more: boolean): fc.Arbitrary<Piece[]> {
  const text = sql(more);
  const query = text.map((text): Piece => ["query", text]);
  const one = extended(text);
  const batch = joined([
    fc.oneof(usual(text), fc.array(one, { minLength: 1, maxLength: 5 })),
    ending,
  ]);
  const mixed = fc.array(fc.oneof(query, one), { minLength: 2, maxLength: 6 });
  const common = [
    { weight: 5, arbitrary: query.map((piece) => [piece]) },
    { weight: 5, arbitrary: batch },
    { weight: 2, arbitrary: mixed },
    { weight: 1, arbitrary: joined([copyBegun, copyData]) },
    { weight: 1, arbitrary: joined([copyBegun, copyData, ending]) },
    { weight: 1, arbitrary: odd },
  ];
  if (!more) return fc.oneof(...common);
  return fc.oneof(
    ...common,
    { weight: 5, arbitrary: joined([reuse, ending]) },
    { weight: 2, arbitrary: joined([reuse, batch]) },
    { weight: 1, arbitrary: odder },
    { weight: 1, arbitrary: listening },
  );
}
