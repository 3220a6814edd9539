/** Errors as the run met them, counted by SQLSTATE and text. */
import type { ServerError } from "./answers.ts";

/** One kind of error and how often it came. */
export interface ErrorCount extends ServerError {
  count: number;
}

/** What a client that has waited long enough is counted under; the simulator's word, like the others. */
export const CLIENT_TIMEOUT: ServerError = { sqlstate: "", text: "client_timeout" };
/** A user that has waited too long for a connection of its application's pool. */
export const POOL_TIMEOUT: ServerError = { sqlstate: "", text: "app_pool_timeout" };
/** Nobody listens where the pooler is being restarted. */
export const NOBODY: ServerError = { sqlstate: "", text: "shutting_down" };
/** A statement that the client itself has cancelled. */
const CLIENT_CANCEL: ServerError = { sqlstate: "57014", text: "client_cancel" };

/** What an error is counted under for clients of a kind, which may be their own doing. */
export function outcomeOf(error: ServerError, { cancels }: { cancels: boolean }): ServerError {
  return cancels && error.sqlstate === CLIENT_CANCEL.sqlstate ? CLIENT_CANCEL : error;
}

/** What a login that has come to nobody is counted under; undefined: it was another failure. */
export function absence({ sqlstate }: ServerError): ServerError | undefined {
  return ABSENT.includes(sqlstate) ? NOBODY : undefined;
}

const ABSENT = ["ECONNREFUSED", "ENOENT"];

/** Texts may carry numbers that differ each time; beyond this many kinds they are pooled. */
const KINDS_MAX = 200;
const OTHERS: ServerError = { sqlstate: "", text: "(further kinds of errors)" };

/** Counts errors and gives each kind a number from 1 on, for the rows that met it. */
export class ErrorCounter {
  readonly counts: ErrorCount[] = [];
  /** Of all kinds. */
  total = 0;
  private readonly numbers = new Map<string, number>();

  /** Counts `error` and returns its kind's number. */
  count(error: ServerError): number {
    const { sqlstate, text } = this.known(error) || this.counts.length < KINDS_MAX ? error : OTHERS;
    const key = `${sqlstate} ${text}`;
    const number = this.numbers.get(key) ?? this.counts.push({ sqlstate, text, count: 0 });
    this.numbers.set(key, number);
    this.total++;
    const entry = this.counts[number - 1];
    if (entry !== undefined) entry.count++;
    return number;
  }

  private known(error: ServerError): boolean {
    return this.numbers.has(`${error.sqlstate} ${error.text}`);
  }
}
