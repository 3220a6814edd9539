/**
 * Questions whose right answer is known: each holds a word that nobody else uses, so that an answer to
 * somebody else's question shows at once.
 */
import { FRONTEND } from "../../engine/wire/messages.ts";
import { extendedQuery, message, query, sync } from "../../engine/wire/writer.ts";
import { type Answer, Lost, type Talker } from "./talker.ts";

/** Somebody got what was meant for somebody else, or not all of it. */
export class WrongAnswer extends Error {}

/** What a question needs besides its client. */
export interface Asking {
  /** In no other question. */
  word: string;
  /** A random number between 0 and 1. */
  draw(): number;
  /** Waits so many milliseconds, or less when it is all over. */
  rest(milliseconds: number): Promise<void>;
}

/** Asks, and checks the answer. Errors: Lost, WrongAnswer. */
export type Question = (talker: Talker, asking: Asking) => Promise<void>;

const SLOW_ROWS = 20_000;

export const ask = {
  simple: async (talker, { word }) =>
    right(await talker.exchange(query(`select '${word}'`)), [word]),

  extended: async (talker, { word }) =>
    right(await talker.exchange(extendedQuery("select $1::text", [word])), [word]),

  /** All clients use the same names for statements of their own. */
  prepared: async (talker, { word, draw }) =>
    right(await talker.exchange(named(`s${Math.floor(draw() * 8)}`, word)), [word, word]),

  transaction: async (talker, { word }) => {
    await talker.exchange(query("begin"));
    await talker.exchange(query(`set local my.word = '${word}'`));
    await talker.exchange(query("select pg_sleep(0.005)"));
    right(await talker.exchange(query("select current_setting('my.word')")), [word]);
    right(await talker.exchange(query("commit")), []);
  },

  pipeline: async (talker, { word }) => {
    const words = Array.from({ length: 5 }, (_, index) => `${word}-${index}`);
    const bytes = Buffer.concat(words.map((each) => extendedQuery("select $1::text", [each])));
    right(await talker.exchange(bytes, words.length), words);
  },

  /** An error in the middle of a transaction. */
  mistake: async (talker, { word }) => {
    await talker.exchange(query("begin"));
    right(await talker.exchange(query(`select '${word}' where 1/0 = 1`)), [], "22012");
    right(await talker.exchange(query("rollback")), []);
  },

  /** Far more than fits into any buffer, and nobody reads it for a while. */
  slow: async (talker, { word, draw, rest }) => {
    const rows = `select '${word}-' || g from generate_series(1, ${SLOW_ROWS}) g`;
    const coming = talker.exchange(query(rows)).catch(unread);
    talker.socket.pause();
    const pause = rest(1_000 * draw()).then(() => talker.socket.resume());
    const [answer] = await Promise.all([coming, pause]);
    right(
      answer,
      Array.from({ length: SLOW_ROWS }, (_, index) => `${word}-${index + 1}`),
    );
  },

  /** Cancelled, or over before the request comes. */
  cancelled: async (talker, { word, draw, rest }) => {
    const coming = talker.exchange(query(`select '${word}', pg_sleep(0.2)`));
    const request = rest(220 * draw()).then(() => talker.cancel());
    const [answer] = await Promise.all([coming, request]);
    // The request may come when the row is on its way and the statement is not over.
    if (answer.errors.length > 0) right(answer, answer.values.length > 0 ? [word] : [], "57014");
    else right(answer, [word]);
  },
} satisfies Record<string, Question>;

const { simple, extended, prepared, transaction, pipeline, mistake, slow, cancelled } = ask;

/** What a busy client asks; the cheap more often. */
export const MIX: readonly Question[] = [
  ...[simple, simple, simple, simple, extended, extended, extended, extended],
  ...[prepared, prepared, prepared, prepared, transaction, transaction, pipeline, pipeline],
  ...[mistake, slow, cancelled],
];

/** Last words stand behind all that has not been read, and the pooler waits a second for that. */
function unread(error: Lost): never {
  throw error.error === undefined
    ? new Lost(undefined, `${error.message}, to a slow reader`)
    : error;
}

function right({ values, errors }: Answer, wanted: readonly string[], sqlstate?: string): void {
  const same = values.length === wanted.length && values.every((each, at) => each === wanted[at]);
  const codes = errors.map((error) => error.sqlstate).join(" ");
  if (same && codes === (sqlstate ?? "")) return;
  const at = values.findIndex((each, index) => each !== wanted[index]);
  const [got, want] = [values[at] ?? "nothing more", wanted[at] ?? "nothing more"];
  const said = errors.map((error) => `${error.sqlstate} ${error.text}`).join("; ");
  const rows = `${values.length} rows for ${wanted.length}`;
  throw new WrongAnswer(`got "${got}" for "${want}", ${rows}, errors: ${said || "none"}`);
}

/** Prepares a statement under a name, runs it twice, and closes it. */
function named(name: string, word: string): Buffer {
  const [statement, none] = [cstring(name), cstring("")];
  const bind = message(FRONTEND.bind, none, statement, Buffer.alloc(6));
  const execute = message(FRONTEND.execute, none, Buffer.alloc(4));
  return Buffer.concat([
    message(FRONTEND.parse, statement, cstring(`select '${word}'`), Buffer.alloc(2)),
    ...[bind, execute, bind, execute],
    message(FRONTEND.close, Buffer.from("S"), statement),
    sync(),
  ]);
}

const cstring = (text: string): Buffer => Buffer.from(`${text}\0`);
