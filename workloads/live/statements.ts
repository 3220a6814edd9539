/**
 * What the driver says to the database. A statement reports its own start and then sleeps for its
 * service time, or keeps a core busy for as long. BEGIN travels with the first statement and COMMIT with
 * the last, so that a transaction of k statements takes k round trips.
 */
import { Buffer } from "node:buffer";
import { MILLISECOND, type Nanos } from "../../engine/core/units.ts";

/** Asks for the server's clock and nothing else; in microseconds since 1970. */
export const CLOCK_SQL = "select (extract(epoch from clock_timestamp())*1000000)::bigint";

/**
 * Place of a statement in its transaction; `only` also stands for every statement in autocommit.
 */
export type Place = "only" | "first" | "middle" | "last";

/**
 * `service` as pg_sleep plays it: whole milliseconds, rounded up. (PostgreSQL waits on a latch
 * whose timeout has that unit: src/backend/utils/adt/misc.c, pg_sleep.)
 */
export function wholeMilliseconds(service: Nanos): Nanos {
  return Math.ceil(service / MILLISECOND) * MILLISECOND;
}

/**
 * What pg_sleep is asked for less than the whole milliseconds that it is to take. It adds up seconds since
 * 2000 as a double and rounds what it has left up to milliseconds: of 3 ms it makes 4 unless a microsecond
 * passes meanwhile, which is up to the machine's mood, and of 10 ms mostly 10.
 */
const SHORT = MILLISECOND / 2;

/** A time in which no statement advances: its begin by the server's clock, and its length; in s. */
export interface Standstill {
  begin: number;
  length: number;
}

/** How statements of one kind of work are played. */
export interface Statements {
  /** The service that is really asked for where `service` was drawn. */
  played(service: Nanos): Nanos;
  /** The message for a statement of that service. */
  message(place: Place, played: Nanos): Buffer;
  /** Its text for preparing, with the service as its only parameter. */
  readonly prepared: string;
  /** The parameter for a statement of that service. */
  parameter(played: Nanos): string;
}

/**
 * Statements that sleep, in whole milliseconds; each message is built once. While the server stands still
 * pg_sleep's clock does not: who is in the midst of a sleep then makes up for it afterwards.
 */
export class Sleeps implements Statements {
  private readonly built: Record<Place, Map<Nanos, Buffer>> = {
    only: new Map(),
    first: new Map(),
    middle: new Map(),
    last: new Map(),
  };
  readonly prepared: string;
  private readonly standstills: readonly Standstill[];

  constructor(standstills: readonly Standstill[] = []) {
    this.standstills = standstills;
    this.prepared = this.columns(standstills.length > 0 ? "$1::numeric" : "$1");
  }

  played(service: Nanos): Nanos {
    return wholeMilliseconds(service);
  }

  parameter(played: Nanos): string {
    return (Math.max(0, played - SHORT) / 1e9).toFixed(4);
  }

  message(place: Place, played: Nanos): Buffer {
    const known = this.built[place].get(played);
    if (known !== undefined) return known;
    const message = simpleQuery(placed(place, this.columns(this.parameter(played))));
    this.built[place].set(played, message);
    return message;
  }

  private columns(service: string): string {
    const sleep = `${CLOCK_SQL}, pg_sleep(${service})`;
    if (this.standstills.length === 0) return sleep;
    const lost = this.standstills.map(({ begin, length }) => {
      const at = begin.toFixed(6);
      return `case when ${STARTED} between ${at} - ${service} and ${at} then ${length} else 0 end`;
    });
    return `${sleep}, pg_sleep(${STARTED} - ${TOLD} + ${service} + ${lost.join(" + ")})`;
  }
}

/** Clocks in s: when the statement began, and what the time is. */
const STARTED = "extract(epoch from statement_timestamp())";
const TOLD = "extract(epoch from clock_timestamp())";

/** Statements that count rows, one each `rowTime`; there are too many different ones to keep. */
export class Counts implements Statements {
  readonly prepared = `${CLOCK_SQL}, ${countSql("$1::integer")}`;
  private readonly rowTime: number;

  constructor(rowTime: number) {
    this.rowTime = rowTime;
  }

  played(service: Nanos): Nanos {
    return Math.round(Math.round(service / this.rowTime) * this.rowTime);
  }

  message(place: Place, played: Nanos): Buffer {
    return simpleQuery(placed(place, `${CLOCK_SQL}, ${countSql(this.parameter(played))}`));
  }

  parameter(played: Nanos): string {
    return String(Math.round(played / this.rowTime));
  }
}

/** Keeps a core busy for a time in proportion to `rows`: they are made and counted one by one. */
export const countSql = (rows: number | string): string =>
  `(select count(*) from (select generate_series(1, ${rows})) as row)`;

/** The stamp is the first column: PostgreSQL computes a row's columns from left to right. */
function placed(place: Place, columns: string): string {
  if (place === "first") return `begin; ${columns}`;
  return place === "last" ? `${columns}; commit` : columns;
}

/** A Simple Query message: 'Q', length, text, zero. */
export function simpleQuery(sql: string): Buffer {
  const length = Buffer.byteLength(sql);
  const message = Buffer.alloc(length + 6);
  message.write("Q", 0, "latin1");
  message.writeUInt32BE(length + 5, 1);
  message.write(sql, 5);
  return message;
}
