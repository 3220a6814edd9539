/**
 * `replay`: the journal of a live pooler through the same core again. The journal holds the inputs and,
 * again and again, a hash of all decisions so far; so a replay proves by itself that it decides the same.
 */
import { readFileSync } from "node:fs";
import { ConfigError, whyUnreadable } from "../../engine/config/index.ts";
import {
  type Core,
  EFFECT,
  EFFECT_NAMES,
  type EffectQueue,
  INPUT_NAMES,
  JournalError,
  MILLISECOND,
  type Nanos,
  type Pool,
  REASON,
  type Replayed,
  replayJournal,
  SECOND,
  STAT,
} from "../../engine/core/index.ts";
import { Histogram } from "../kernel/histogram.ts";
import type { Moment, Replay } from "./results/index.ts";

/** Rows of the timeline: at least half of it once the journal is that long. */
const ROWS = 480;
const FIRST_STEP: Nanos = 1_000_000;
/** No record is longer, unless it carries settings; see `engine/core/journal.ts`. */
const LONGEST = 512;

/** Reads a journal and replays it. Errors: ConfigError when the file cannot be read or is none. */
export function replayFile(path: string): Replay {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw wrongFile(path, `cannot be read (${whyUnreadable(error)})`);
  }
  return replay(bytes, path);
}

/** Replays the bytes of a journal; `path` is its name for errors. Errors: ConfigError. */
export function replay(bytes: Uint8Array, path: string): Replay {
  expectJournal(bytes, path);
  const watch = new Watch();
  try {
    const replayed = replayJournal(bytes, (now, effects, core) => watch.turn(now, effects, core));
    watch.count(replayed.core.effects);
    return answer(watch, replayed, damage(bytes, replayed.cut));
  } catch (error) {
    return answer(watch, undefined, { at_s: watch.now / SECOND, message: parting(error) });
  }
}

/** Recorded inputs cannot fail in the core that took them: it, or the file, is another one. */
function parting(error: unknown): string {
  if (error instanceof JournalError) return error.message;
  const why = error instanceof Error ? error.message : String(error);
  return `the replay decides otherwise than the recording, whose next input cannot be (${why})`;
}

/** The first two lines alone are a journal already, if they are those of one. */
function expectJournal(bytes: Uint8Array, path: string): void {
  const head = bytes.indexOf(10, bytes.indexOf(10) + 1);
  try {
    replayJournal(bytes.subarray(0, head + 1));
  } catch {
    throw wrongFile(path, "is none, or is cut off within its head");
  }
}

function wrongFile(path: string, problem: string): ConfigError {
  const expected = "a file that `poolwise pooler INI --journal FILE` wrote";
  return new ConfigError({ at: path, name: "the journal", problem, expected });
}

type Difference = Replay["difference"];

/** The end of a file that was cut off is the begin of a record; anything else is none at all. */
function damage(bytes: Uint8Array, cut: number): Difference {
  const at = bytes.length - cut;
  const kind = INPUT_NAMES[bytes[at] ?? 0];
  // A long one can only be a RELOAD, whose settings are JSON and follow its length.
  const settings = kind === "reload" && bytes.subarray(at, at + 16).includes(BRACE);
  if (kind !== undefined && (cut <= LONGEST || settings)) return undefined;
  return { at_s: null, message: `the file is damaged at byte ${at}: there is no such input` };
}

const BRACE = "{".charCodeAt(0);

function answer(watch: Watch, replayed: Replayed | undefined, difference: Difference): Replay {
  const checks = replayed?.checks ?? 0;
  const kinds = EFFECT_NAMES.map((name, i) => [name, watch.kinds[i] as number] as const);
  return {
    recorded_s: watch.now / SECOND,
    inputs: replayed?.inputs ?? null,
    turns: watch.turns,
    decisions: watch.kinds.reduce((sum, count) => sum + count, 0),
    kinds: Object.fromEntries(kinds.filter(([, count]) => count > 0)),
    checks,
    equal: difference !== undefined ? false : checks > 0 ? true : null,
    ...(difference === undefined ? {} : { difference }),
    cut_bytes: replayed?.cut ?? 0,
    pools: (replayed?.core.pools ?? []).map(poolOf),
    wait_ms: watch.waited(),
    timeline: watch.timeline,
  };
}

function poolOf({ database, user, mode, size, stats }: Pool): Replay["pools"][number] {
  return {
    database: database.settings.name,
    user: user.settings.name,
    pool_mode: mode,
    pool_size: size,
    transactions: stats[STAT.xact_count] as number,
    assignments: stats[STAT.server_assignment_count] as number,
    wait_s: (stats[STAT.wait_time] as number) / SECOND,
  };
}

/** What is seen of a replay from outside: decisions by kind, waits, and the course of it. */
class Watch {
  now: Nanos = 0;
  turns = 0;
  readonly kinds = EFFECT_NAMES.map(() => 0);
  readonly timeline: Moment[] = [];
  private readonly waits = new Histogram();
  /** When each client, by its handle, began to wait for a server. */
  private readonly since = new Map<number, Nanos>();
  private step = FIRST_STEP;
  private next: Nanos = 0;

  turn(now: Nanos, effects: EffectQueue, core: Core): void {
    this.now = now;
    this.turns++;
    this.count(effects);
    if (now >= this.next) this.sample(now, core);
  }

  count(effects: EffectQueue): void {
    while (effects.next()) {
      const { kind, client, detail } = effects;
      (this.kinds[kind] as number)++;
      if (kind === EFFECT.wait && detail !== REASON.login) this.since.set(client, this.now);
      else if (kind === EFFECT.grant) this.granted(client);
      else if (kind === EFFECT.drop) this.since.delete(client);
    }
  }

  private granted(client: number): void {
    this.waits.record(this.now - (this.since.get(client) ?? this.now));
    this.since.delete(client);
  }

  /** The length of the recording is not known beforehand: when the rows are full, every other one goes. */
  private sample(now: Nanos, { pools }: Core): void {
    const sum = (value: (pool: Pool) => number): number =>
      pools.reduce((total, pool) => total + value(pool), 0);
    this.timeline.push({
      at_s: now / SECOND,
      clients_waiting: sum((pool) => pool.waiting.length),
      servers_active: sum((pool) => pool.active),
      server_connections: sum((pool) => pool.servers),
    });
    if (this.timeline.length >= ROWS) {
      const kept = this.timeline.filter((_, i) => i % 2 === 0);
      this.timeline.splice(0, ROWS, ...kept);
      this.step *= 2;
    }
    this.next = now + this.step;
  }

  /** Milliseconds. */
  waited(): Replay["wait_ms"] {
    const { waits } = this;
    const at = (p: number): number => waits.quantile(p) / MILLISECOND;
    const [p50, p95, p99] = [at(0.5), at(0.95), at(0.99)];
    return { mean: waits.mean / MILLISECOND, p50, p95, p99, max: waits.max / MILLISECOND };
  }
}
