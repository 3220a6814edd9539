/** Errors as the run met them, counted by SQLSTATE and text. */
import type { ServerError } from "./answers.ts";

/** One kind of error and how often it came. */
export interface ErrorCount extends ServerError {
  count: number;
}

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
