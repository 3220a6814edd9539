/**
 * Addresses of the servers' machines. An answer is remembered for dns_max_ttl, a failure for
 * dns_nxdomain_ttl; of several addresses each is the first one in turn. The questions are the operating
 * system's to answer (getaddrinfo), so that /etc/hosts counts. Source: PgBouncer 1.25.2 src/dnslookup.c.
 */
import { type LookupAddress, lookup } from "node:dns";
import type { LookupFunction } from "node:net";
import type { Nanos } from "../core/index.ts";

/** Asks for all addresses of a name. */
export type Ask = (
  name: string,
  done: (error: Error | null, found: LookupAddress[]) => void,
) => void;

/** For how long to remember, and what time it is. */
export interface Memory {
  readonly now: () => Nanos;
  readonly found: () => Nanos;
  readonly missing: () => Nanos;
}

/** What is known of one name. */
interface Entry {
  error: Error | null;
  addresses: LookupAddress[];
  until: Nanos;
  /** Place of the address that the next connection tries first. */
  turn: number;
  /** Who waits for the answer to a question that is under way; undefined: there is none. */
  waiting: ((entry: Entry) => void)[] | undefined;
}

/** A row of SHOW DNS_HOSTS; `ttl` is the time that is left. */
export interface KnownName {
  readonly name: string;
  readonly ttl: Nanos;
  readonly addresses: readonly string[];
}

const askSystem: Ask = (name, done) => lookup(name, { all: true }, done);

export class Resolver {
  private readonly entries = new Map<string, Entry>();
  private readonly memory: Memory;
  private readonly ask: Ask;

  constructor(memory: Memory, ask: Ask = askSystem) {
    this.memory = memory;
    this.ask = ask;
  }

  /** In place of the `lookup` of `net.connect`. */
  readonly lookup: LookupFunction = (name, { all }, done) => {
    this.find(name, (entry) => {
      const { error, addresses, turn } = entry;
      const ordered = [...addresses.slice(turn), ...addresses.slice(0, turn)];
      const [first] = ordered;
      if (first === undefined) done(error ?? new Error(`${name} has no address`), []);
      else {
        entry.turn = (turn + 1) % addresses.length;
        if (all) done(null, ordered);
        else done(null, first.address, first.family);
      }
    });
  };

  /** Names that have been asked for. */
  get size(): number {
    return this.entries.size;
  }

  /** Questions under way. */
  get pending(): number {
    return [...this.entries.values()].filter(({ waiting }) => waiting !== undefined).length;
  }

  /** All names with what is known of them, by name. */
  names(): KnownName[] {
    const now = this.memory.now();
    const rows = [...this.entries].map(([name, { until, addresses }]) => ({
      name,
      ttl: Math.max(0, until - now),
      addresses: addresses.map(({ address }) => address),
    }));
    return rows.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  private find(name: string, done: (entry: Entry) => void): void {
    const entry = this.entries.get(name) ?? this.enter(name);
    if (entry.waiting !== undefined) entry.waiting.push(done);
    else if (this.memory.now() < entry.until) done(entry);
    else this.question(name, entry, done);
  }

  private enter(name: string): Entry {
    const entry = { error: null, addresses: [], until: 0, turn: 0, waiting: undefined };
    this.entries.set(name, entry);
    return entry;
  }

  private question(name: string, entry: Entry, done: (entry: Entry) => void): void {
    const waiting = [done];
    entry.waiting = waiting;
    this.ask(name, (error, found) => {
      const { now, found: long, missing } = this.memory;
      const failed = error !== null || found.length === 0;
      entry.error = error;
      entry.addresses = failed ? [] : found;
      entry.until = now() + (failed ? missing() : long());
      entry.turn = 0;
      entry.waiting = undefined;
      for (const wake of waiting) wake(entry);
    });
  }
}
