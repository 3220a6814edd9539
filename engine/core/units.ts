/**
 * Time in the core: an integer number of nanoseconds since the start of the run. A double holds such
 * integers exactly up to 2^53, which is 104 days. Other units exist only where a person reads or types.
 */

/** Nanoseconds since the start; a non-negative integer below 2^53. */
export type Nanos = number;

export const MICROSECOND: Nanos = 1_000;
export const MILLISECOND: Nanos = 1_000_000;
export const SECOND: Nanos = 1_000_000_000;

/**
 * Period of the maintenance tick on which every timeout is looked at: 333 333 microseconds.
 * Source: PgBouncer 1.25.2 src/janitor.c, full_maint_period = { 0, USEC / 3 }.
 */
export const TICK: Nanos = 333_333 * MICROSECOND;

/**
 * Zero, for fields that hold times. V8 keeps a field that begins with an integer as one of 31 bits, and when
 * time outgrows it, after two seconds, compiles anew whatever has to do with that object. Minus zero is no
 * integer to it.
 */
export const START: Nanos = -0;

/** "Never" as a deadline. */
export const NEVER: Nanos = Number.POSITIVE_INFINITY;
