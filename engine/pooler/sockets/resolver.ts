/**
 * Addresses of the servers' machines. An answer is remembered for dns_max_ttl, a failure for
 * dns_nxdomain_ttl; of several addresses each is the first one in turn, those of IPv4 before the others. The
 * questions are the operating system's to answer (getaddrinfo), so that /etc/hosts counts, unless resolv_conf
 * says otherwise (`name-servers.ts`). Source: PgBouncer 1.25.2 src/dnslookup.c, with libevent.
 */
import { type LookupAddress, lookup } from "node:dns";
import type { LookupFunction } from "node:net";
import type { Nanos } from "../../core/index.ts";

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

/** Told of addresses that a name has had and has no more. */
type Forsaken = (name: string, addresses: ReadonlySet<string>) => void;

/** What is known of one name. */
interface Entry {
  error: Error | null;
  addresses: LookupAddress[];
  /** Those of the last answer that had any. */
  last: LookupAddress[];
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

/** Those whom the operating system asks. */
export const askSystem: Ask = (name, done) => lookup(name, { all: true }, done);

export class Resolver {
  private readonly entries = new Map<string, Entry>();
  private readonly memory: Memory;
  private readonly forsaken: Forsaken;
  private readonly ask: Ask;

  constructor(memory: Memory, forsaken: Forsaken, ask: Ask) {
    this.memory = memory;
    this.forsaken = forsaken;
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

  /** The parts of the names behind their first dot, and how many names there are of each. */
  zones(): [zone: string, names: number][] {
    const zones = new Map<string, number>();
    for (const name of this.entries.keys()) {
      const dot = name.indexOf(".");
      if (dot < 0 || dot === name.length - 1) continue;
      const zone = name.slice(dot + 1);
      zones.set(zone, (zones.get(zone) ?? 0) + 1);
    }
    return [...zones].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  private find(name: string, done: (entry: Entry) => void): void {
    const entry = this.entries.get(name) ?? this.enter(name);
    if (entry.waiting !== undefined) entry.waiting.push(done);
    else if (this.memory.now() < entry.until) done(entry);
    else this.question(name, entry, done);
  }

  private enter(name: string): Entry {
    const nothing = { error: null, addresses: [], last: [] };
    const entry = { ...nothing, until: 0, turn: 0, waiting: undefined };
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
      entry.addresses = failed ? [] : [...found].sort((a, b) => a.family - b.family);
      entry.until = now() + (failed ? missing() : long());
      entry.turn = 0;
      entry.waiting = undefined;
      if (!failed) this.compare(name, entry);
      for (const wake of waiting) wake(entry);
    });
  }

  /** An answer that lacks an address of the one before, perhaps some failures ago: it has moved. */
  private compare(name: string, entry: Entry): void {
    const present = new Set(entry.addresses.map(({ address }) => address));
    const before = entry.last.map(({ address }) => address);
    const gone = new Set(before.filter((address) => !present.has(address)));
    entry.last = entry.addresses;
    if (gone.size > 0) this.forsaken(name, gone);
  }
}
