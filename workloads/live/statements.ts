/**
 * What the driver says to the database. A statement reports its own start and then sleeps for its
 * service time. BEGIN travels with the first statement and COMMIT with the last, so that a
 * transaction of k statements takes k round trips.
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

/** Simple Query messages by place and service time; each is built once. */
export class Statements {
  private readonly built: Record<Place, Map<Nanos, Buffer>> = {
    only: new Map(),
    first: new Map(),
    middle: new Map(),
    last: new Map(),
  };

  /** The message for a statement whose service time is `service`, in whole milliseconds. */
  message(place: Place, service: Nanos): Buffer {
    const known = this.built[place].get(service);
    if (known !== undefined) return known;
    const message = simpleQuery(sqlOf(place, service));
    this.built[place].set(service, message);
    return message;
  }
}

/** The stamp is the first column: PostgreSQL computes a row's columns from left to right. */
function sqlOf(place: Place, service: Nanos): string {
  const sleep = `${CLOCK_SQL}, pg_sleep(${(service / 1e9).toFixed(3)})`;
  if (place === "first") return `begin; ${sleep}`;
  return place === "last" ? `${sleep}; commit` : sleep;
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
