/**
 * Which errors are called for. Each trouble says before it begins what it may do to whom; an error that
 * fits none of them speaks against the pooler.
 */

/** How long after the end of a trouble its errors may still be on their way. */
const GRACE_MS = 10_000;

/** What a trouble may do to clients. */
export interface Allowance {
  trouble: string;
  /** Fits SQLSTATE and text, as in `57P01 terminating connection`. */
  errors: RegExp;
  /** Undefined: clients of every database. */
  database?: string;
  /** At most so many clients; any number when left out. */
  most?: number;
  /** Only to those who have waited for an answer for so many milliseconds. */
  after?: number;
  /** It ends every connection there is, so whoever had one may hear of it as late as they like. */
  everybody?: true;
}

/** An allowance in force. */
export interface Open extends Allowance {
  used: number;
  /** Milliseconds of the ledger's clock. */
  until: number;
}

/** Something that nothing called for. */
export interface Complaint {
  at: number;
  database: string;
  error: string;
}

export class Ledger {
  /** Errors that were called for, by trouble. */
  readonly calledFor = new Map<string, number>();
  readonly complaints: Complaint[] = [];
  /** Answers that were right. */
  answers = 0;
  /** Milliseconds since the start. */
  readonly now: () => number;
  private open: Open[] = [];

  constructor(now: () => number) {
    this.now = now;
  }

  /** From now on these errors are called for, until `close` and a little longer. */
  allow(allowance: Allowance): Open {
    const open = { ...allowance, used: 0, until: Number.POSITIVE_INFINITY };
    this.open.push(open);
    return open;
  }

  /** The trouble is over. */
  close(open: Open): void {
    open.until = this.now() + GRACE_MS;
  }

  /**
   * A client of `database` got this error or lost its connection, which it has had since `opened`; the answer
   * that it waited for it had asked for at `asked`.
   */
  error(database: string, error: string, opened: number, asked: number = this.now()): void {
    const at = this.now();
    this.open = this.open.filter(({ until, everybody }) => until >= at || everybody);
    const fitting = this.open.filter(
      (each) =>
        (each.until >= at || each.until - GRACE_MS >= opened) &&
        (each.database === undefined || each.database === database) &&
        each.used < (each.most ?? Number.POSITIVE_INFINITY) &&
        at - asked >= (each.after ?? 0) &&
        each.errors.test(error),
    );
    // What is counted is kept for those who have no other reason: their errors may come later.
    const fits = fitting.find(({ most }) => most === undefined) ?? fitting[0];
    if (fits === undefined) {
      this.complaints.push({ at, database, error });
      return;
    }
    fits.used++;
    this.calledFor.set(fits.trouble, (this.calledFor.get(fits.trouble) ?? 0) + 1);
  }
}
