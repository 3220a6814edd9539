/**
 * The journal: the core's inputs with their times, written down. Replayed through another core it gives
 * the same decisions bit for bit; a hash of all effects so far stands in it again and again, so that a
 * replay proves this by itself.
 *
 * Format: one line of text (`MAGIC`), one line of JSON (settings and start), then records: a byte for
 * the input, the nanoseconds since the record before, the operands; all as variable-length integers.
 * Records are whole or, at a cut-off end, absent: the file may be cut anywhere.
 */
import { Core } from "./core.ts";
import type { EffectQueue } from "./effects.ts";
import { INPUT, INPUT_NAMES, type Input, type Tape } from "./inputs.ts";
import type { CoreSettings } from "./settings.ts";
import type { Nanos } from "./units.ts";

const MAGIC = "poolwise journal 1\n";
const CHUNK = 1 << 16;
/** Inputs between two hashes. */
const CHECK_EVERY = 1024;
/** Longest record without a text: a byte, and four integers of up to eight bytes. */
const RECORD = 40;

/** Operands of each input; those that carry a text have none. */
const OPERANDS: Readonly<Record<keyof typeof INPUT, number>> = {
  database: 0,
  user: 0,
  accept: 0,
  startup: 3,
  authenticated: 1,
  request: 1,
  abandon: 1,
  disconnect: 1,
  cancel: 2,
  connected: 1,
  loggedIn: 1,
  loginFailed: 2,
  ready: 2,
  closed: 1,
  settle: 0,
  advance: 0,
  pause: 1,
  resume: 1,
  reconnect: 1,
  waitClose: 1,
  kill: 1,
  killClient: 1,
  disable: 1,
  enable: 1,
  shutdown: 1,
  reload: 0,
  check: 1,
  lookup: 3,
  lookedUp: 1,
  replicate: 1,
  cancelAtPeer: 2,
  adoptClient: 1,
  adoptServer: 3,
  console: 2,
  closeUnsafe: 1,
  dropLate: 1,
  heard: 1,
  obsolete: 1,
};
const ARITY = INPUT_NAMES.map((name) => OPERANDS[name]);
const TEXTS: ReadonlySet<number> = new Set([INPUT.database, INPUT.user, INPUT.reload]);

/** A name with bytes that are no UTF-8, see `wire/text.ts`: it is written as JSON, after a NUL. */
const LONE = /[\ud800-\udfff]/u;

/** Takes a piece of the journal; false: no room, stop recording. The bytes are the taker's to keep. */
export type JournalSink = (bytes: Uint8Array) => boolean;

/**
 * Writes the inputs of a core from its first one on. Set as its `tape` it records until the sink has no
 * room; `stopped` then says so and the journal ends there, whole and readable.
 */
export class JournalWriter implements Tape {
  stopped = false;
  private buffer = new Uint8Array(CHUNK);
  private at = 0;
  private last: Nanos;
  private sinceCheck = 0;
  private readonly core: Core;
  private readonly sink: JournalSink;

  /** `core` must be fresh; `now` is the time that it was made with. */
  constructor(core: Core, now: Nanos, sink: JournalSink) {
    this.core = core;
    this.sink = sink;
    this.last = now;
    core.effects.hashing = true;
    core.tape = this;
    const head = { settings: core.settings, start: now };
    this.stopped = !sink(new TextEncoder().encode(`${MAGIC}${JSON.stringify(head)}\n`));
  }

  input(kind: Input, now: Nanos, a: number, b: number, c: number): void {
    if (this.at > CHUNK - 2 * RECORD) this.flush();
    if (this.stopped) return;
    if (kind !== INPUT.settle && ++this.sinceCheck >= CHECK_EVERY) this.check();
    this.record(kind, now, a, b, c);
  }

  name(kind: Input, text: string): void {
    const bytes = new TextEncoder().encode(LONE.test(text) ? `\0${JSON.stringify(text)}` : text);
    this.flush();
    if (this.stopped) return;
    if (kind !== INPUT.reload) this.record(kind, this.last, 0, 0, 0);
    this.unsigned(bytes.length);
    this.flush();
    this.stopped ||= !this.sink(bytes);
  }

  /** Hands what is buffered to the sink. */
  flush(): void {
    if (this.at === 0 || this.stopped) return;
    this.stopped = !this.sink(this.buffer.slice(0, this.at));
    this.at = 0;
  }

  /** Writes the hash of all effects so far, and hands everything to the sink. */
  end(): void {
    if (!this.stopped) this.check();
    this.flush();
  }

  private check(): void {
    this.sinceCheck = 0;
    this.record(INPUT.check, this.last, this.core.effects.hash, 0, 0);
  }

  private record(kind: Input, now: Nanos, a: number, b: number, c: number): void {
    this.buffer[this.at++] = kind;
    this.unsigned(now - this.last);
    this.last = now;
    const operands = ARITY[kind] as number;
    if (operands > 0) this.unsigned(a + 1);
    if (operands > 1) this.unsigned(b + 1);
    if (operands > 2) this.unsigned(c + 1);
  }

  /** Seven bits a byte, least first; up to 2^53. */
  private unsigned(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.buffer[this.at++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.buffer[this.at++] = rest;
  }
}

/** Thrown for a file that is no journal, and for a replay that decides otherwise. */
export class JournalError extends Error {
  override name = "JournalError";
}

/** What a replay came to. */
export interface Replayed {
  core: Core;
  inputs: number;
  /** Hashes compared; all were equal, or JournalError was thrown. */
  checks: number;
  /** Time of the last input. */
  end: Nanos;
  /** Bytes of an incomplete record at the end of a file that was cut off. */
  cut: number;
}

/** Called at the end of each turn with the effects of the turn; it must drain them. */
export type TurnHandler = (now: Nanos, effects: EffectQueue, core: Core) => void;

const drain: TurnHandler = (_now, effects) => {
  while (effects.next());
};

/**
 * Feeds a journal to a fresh core. Throws JournalError if the bytes are no journal, or if a decision
 * differs from the recorded one.
 */
export function replayJournal(bytes: Uint8Array, onTurn: TurnHandler = drain): Replayed {
  const reader = new Reader(bytes);
  const { settings, start } = reader.head();
  const core = new Core(settings, start);
  core.effects.hashing = true;
  const result: Replayed = { core, inputs: 0, checks: 0, end: start, cut: 0 };
  let now = start;
  for (;;) {
    const begin = reader.at;
    const record = reader.record();
    if (record === null) {
      result.cut = bytes.length - begin;
      result.end = now;
      return result;
    }
    now += record.delta;
    if (record.kind === INPUT.check) {
      result.checks++;
      if (core.effects.hash !== record.a) differs(now, result.inputs);
      continue;
    }
    result.inputs++;
    apply(core, now, record);
    if (record.kind === INPUT.settle) onTurn(now, core.effects, core);
  }
}

function differs(now: Nanos, inputs: number): never {
  throw new JournalError(
    `the replay decides otherwise than the recording: before ${now} ns, within ${CHECK_EVERY} inputs of input ${inputs}`,
  );
}

interface JournalRecord {
  kind: number;
  delta: Nanos;
  a: number;
  b: number;
  c: number;
  text: string;
}

function apply(core: Core, now: Nanos, { kind, a, b, c, text }: JournalRecord): void {
  switch (kind) {
    case INPUT.database:
      core.database(text);
      return;
    case INPUT.user:
      core.user(text);
      return;
    case INPUT.startup:
      core.startup(now, a, b, c);
      return;
    case INPUT.lookup:
      core.lookup(now, a, b, c);
      return;
    case INPUT.adoptServer:
      core.adoptServer(now, a, b, c);
      return;
    case INPUT.loginFailed:
      core.loginFailed(now, a, b === 1);
      return;
    case INPUT.disable:
      core.disable(now, a);
      return;
    case INPUT.enable:
      core.enable(now, a);
      return;
    case INPUT.shutdown:
      core.shutdown(now, a === 0 ? "wait_for_servers" : "wait_for_clients");
      return;
    case INPUT.reload:
      core.reload(now, JSON.parse(text) as CoreSettings);
      return;
    default:
      applySimple(core, now, kind, a, b);
  }
}

/** Inputs whose operands are those of the method of the same name. */
function applySimple(core: Core, now: Nanos, kind: number, a: number, b: number): void {
  const name = INPUT_NAMES[kind] as "ready";
  core[name](now, a, b);
}

class Reader {
  at = 0;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  head(): { settings: CoreSettings; start: Nanos } {
    const decoder = new TextDecoder();
    const magic = decoder.decode(this.bytes.subarray(0, MAGIC.length));
    const end = this.bytes.indexOf(10, MAGIC.length);
    if (magic !== MAGIC || end < 0) throw new JournalError("this is no journal of Poolwise");
    this.at = end + 1;
    return JSON.parse(decoder.decode(this.bytes.subarray(MAGIC.length, end)));
  }

  /** The next record; null at the end, also in the middle of a record that was cut off. */
  record(): JournalRecord | null {
    const kind = this.bytes[this.at++];
    if (kind === undefined || kind >= ARITY.length) return null;
    const delta = this.unsigned();
    const operands = ARITY[kind] as number;
    const a = operands > 0 ? this.unsigned() - 1 : 0;
    const b = operands > 1 ? this.unsigned() - 1 : 0;
    const c = operands > 2 ? this.unsigned() - 1 : 0;
    const text = TEXTS.has(kind) ? this.text() : "";
    const whole = !Number.isNaN(delta + a + b + c) && text !== null;
    return whole ? { kind, delta, a, b, c, text } : null;
  }

  private text(): string | null {
    const length = this.unsigned();
    const end = this.at + length;
    if (!(end <= this.bytes.length)) return null;
    const text = new TextDecoder().decode(this.bytes.subarray(this.at, end));
    this.at = end;
    return text.startsWith("\0") ? (JSON.parse(text.slice(1)) as string) : text;
  }

  /** NaN where the bytes end, and for a number that nobody can have written. */
  private unsigned(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.bytes[this.at++];
      if (byte === undefined || scale > Number.MAX_SAFE_INTEGER) return Number.NaN;
      value += (byte % 128) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  }
}
