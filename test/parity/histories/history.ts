/**
 * Scripted histories: what clients and the console do, step by step, and what each of them sees. Both
 * poolers must show the same.
 *
 * A step is one line, `WHO: ACTION => SEEN`; without `=>`, what is seen is `ok`.
 *
 *     a: in [ENTRY] [as USER]    logs in; entry `app` and the database's own user when left out
 *     a: replicate [ENTRY]       the same for replication
 *     a: begin, a: run           opens a transaction, or runs one; seen: the server, s1, s2 .. by first sight
 *     a: take                    runs one that counts the history's sequence on; seen: the count
 *     a: commit, a: sql TEXT     seen of `sql`: its values, or the text of its error
 *     a: send ACTION, a: get     begins an action without waiting for it; waits for it
 *     a: told                    waits to be sent away; seen: the last words
 *     a: heard                   waits for a notice; seen: its text
 *     a: out, a: cut             says goodbye and leaves; goes without a word
 *     a: bye                     says goodbye and leaves, though an answer is due
 *     a: cancel                  asks to cancel what `a` runs
 *     console: COMMAND           also with `send` and `get`; `{id USER}` is the id of that user's client
 *     console: out               leaves the console
 *     pool ENTRY [USER]: COLUMN ..     columns of SHOW POOLS, as soon as they are what is expected
 *     stats ENTRY: COLUMN ..           columns of SHOW STATS_TOTALS, likewise
 *     entry ENTRY: COLUMN ..           columns of SHOW DATABASES, likewise
 *     servers ENTRY: STATE             which servers SHOW SERVERS has in that state, likewise: s1 s2 ..
 *     clients ENTRY: STATE             whose clients SHOW CLIENTS has in that state, likewise: users
 *     database: SQL, database: end s1  past the pooler
 *     database: runs s1                waits until that server sleeps, or waits for a lock
 *     pooler: ended                    waits until it has ended
 *     wait MILLISECONDS                for what must not happen, or takes its time
 *
 * What is looked for must last: on a busy machine nobody looks during what is over in a moment.
 */

/** One history. Its entries are its own: on the pooler they go by names that no other history uses. */
export interface History {
  claim: string;
  /** Keys of each entry of [databases] beside the place; one entry `app` without any when left out. */
  entries?: Readonly<Record<string, string>>;
  /** The first PgBouncer that knows what it is about, as 1_025 for 1.25: older ones do not play it. */
  since?: number;
  steps: readonly string[];
}

/** Histories that are played on one pooler; at the same time, unless `alone`. */
export interface Group {
  name: string;
  settings: Readonly<Record<string, string | number>>;
  /** Lines of [users]. */
  users?: Readonly<Record<string, string>>;
  /** What one does here concerns all clients of the pooler: one after the other. */
  alone?: boolean;
  /** The first PgBouncer that knows the settings: older ones play none of it. */
  since?: number;
  histories: readonly History[];
}

/** Steps by which all of these log in. */
export const everybody = (...names: string[]): string[] => names.map((name) => `${name}: in => in`);

/** A step taken apart. */
export interface Step {
  who: string;
  words: string[];
  seen: string;
}

/** Where PgBouncer 1.18 says it differently from 1.25, which ours follows: `=> NEW | 1.18: OLD`. */
const OLDER = " | 1.18: ";

/** Takes a line apart. `older`: expect what PgBouncer 1.18 shows. */
export function parse(line: string, older: boolean): Step {
  const [action = "", expected = "ok"] = line.split(" => ");
  const [newer = "", old = newer] = expected.split(OLDER);
  const colon = action.indexOf(": ");
  const who = colon < 0 ? "" : action.slice(0, colon);
  const words = action.slice(colon < 0 ? 0 : colon + 2).split(" ");
  return { who, words, seen: older ? old : newer };
}
