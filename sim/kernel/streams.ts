/**
 * Random numbers by name. A number is a pure function of (seed, kind, purpose, client, draw, part): the
 * k-th think time of client 17 is the same in every pool mode, at every pool size, in the simulator and
 * in the live driver, whatever else has been drawn. So there is no state to keep, for a million clients
 * neither, and paired runs share their noise.
 *
 * `seedrandom` turns (seed, kind, purpose) into two 32-bit keys; a keyed mixing function (half a murmur3
 * finalizer over the client, then a whole round over draw and part, with a key before each) turns the
 * rest into 32 bits.
 */
import seedrandom from "seedrandom";

/** A stream of random words for one purpose of one kind of clients. */
export class Stream {
  private readonly key0: number;
  private readonly key1: number;

  constructor(seed: number, kind: string, purpose: string) {
    const source = seedrandom(JSON.stringify([seed, kind, purpose]));
    this.key0 = source.int32();
    this.key1 = source.int32();
  }

  /** 32 random bits, as a signed integer, for the `draw`-th draw of `client`; `part` tells several apart. */
  word(client: number, draw: number, part: number): number {
    let h = Math.imul(client, 0x9e3779b1) ^ this.key0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    // By `^`: added up, draws would put all clients on one cycle, and some would repeat others' numbers.
    h = h ^ (h >>> 13) ^ Math.imul(draw, 0xc2b2ae35) ^ this.key1;
    h = (h + Math.imul(part, 0x27d4eb2f)) | 0;
    h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
    h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
    return h ^ (h >>> 16);
  }

  /** A number in (0, 1), 32 bits fine. */
  uniform(client: number, draw: number, part: number): number {
    return ((this.word(client, draw, part) >>> 0) + 0.5) * 2.3283064365386963e-10;
  }
}

/**
 * Seeds for independent replications: the first is `seed` itself, so that a single run can be repeated by
 * hand; the others are derived from it.
 */
export function replicationSeed(seed: number, replication: number): number {
  if (replication === 0) return seed;
  return seedrandom(JSON.stringify([seed, "replication", replication])).int32() >>> 0;
}
