/**
 * The first packets of a client, which have no type byte, and the startup parameters in them.
 * Source: PgBouncer 1.25.2 src/proto.c, get_header(); src/client.c, decide_startup_pool().
 */
import { Buffer } from "node:buffer";
import { Stash } from "./frames.ts";
import { FRONTEND } from "./messages.ts";
import { parseOptions } from "./options.ts";
import { bytesOf, textOf } from "./text.ts";
import { type VariableNames, Variables } from "./variables.ts";
import { negotiateProtocolVersion } from "./writer.ts";

/** What kind of replication connection the client wants. */
export type Replication = "no" | "physical" | "logical";

/** These kinds as PgBouncer asks for them, and as its log has them. */
export const REPLICATION = { no: "no", physical: "yes", logical: "database" } as const;

/** An accepted StartupMessage. */
export interface Startup {
  kind: "startup";
  user: string;
  /** The user's name when the client named none. */
  database: string;
  replication: Replication;
  /** The tracked parameters that the client set. */
  variables: Variables;
  /** `options` as sent, for replication connections, which hand it to the server; else undefined. */
  options: string | undefined;
  /** Parameters that are passed over, by ignore_startup_parameters; for the log. */
  ignored: readonly (readonly [name: string, value: string])[];
  /** NegotiateProtocolVersion, to be sent first, when the client asked for more than plain 3.0. */
  negotiate: Buffer | undefined;
}

/** Why a login is refused: send `errorResponse("FATAL", sqlstate, text)` if told, then close. */
export interface Refusal {
  kind: "refused";
  /** False: the socket is closed without a word, and the text is for the log only. */
  told: boolean;
  sqlstate: string;
  text: string;
  /** Says more than the text, for the log. */
  detail?: string | undefined;
  /** The same, where it is no error of ours. */
  warning?: string | undefined;
}

export interface StartupRules {
  names: VariableNames;
  /** ignore_startup_parameters. */
  ignored: ReadonlySet<string>;
  /** application_name_add_host: the client's "host:port"; undefined when that is off. */
  peer: string | undefined;
}

/** A first packet; `body` is what follows the code. */
export type FirstPacket =
  | { kind: "ssl" | "gss" }
  | { kind: "cancel" | "parameters"; minor: number; body: Buffer };

/** Builds a refusal; PgBouncer's own errors have SQLSTATE 08P01. */
export function refuse(text: string, told = true, detail?: string): Refusal {
  return { kind: "refused", told, sqlstate: "08P01", text, detail };
}

/** A parameter that PgBouncer has no place for; `where` it was found. */
function unsupported(name: string, value: string, where = ""): Refusal {
  const text = `unsupported startup parameter${where}: ${name}`;
  const told = bytesOf(text).subarray(0, LONGEST_REASON);
  return { ...refuse(textOf(told)), warning: `${text}=${value}` };
}

/** Bytes of a reason that is told. Source: src/objects.c, disconnect_client(). */
const LONGEST_REASON = 127;

const HEADER = 8;
/** Bytes of a message's header: its type and its length. */
const TYPED = 5;
const CODE = { cancel: 80_877_102, ssl: 80_877_103, gss: 80_877_104, v2: 0x2_0000, v3: 0x3_0000 };

/** Puts a first packet together from chunks. */
export class FirstPacketReader {
  /** How far the last feed came. */
  consumed = 0;
  /** Bytes of a packet that is refused, beside those in the stash. */
  private passed = 0;
  private readonly stash = new Stash();
  private readonly limit: number;

  /** `limit`: max_packet_size in bytes. */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** The packet when it is complete, undefined while it is not. */
  feed(buffer: Buffer, start: number, end: number): FirstPacket | Refusal | undefined {
    const { stash } = this;
    this.consumed = start;
    const whole = this.fill(buffer, end, HEADER);
    if (stash.length >= TYPED && stash.bytes[0] !== 0) return this.typed(end);
    if (!whole) return undefined;
    const length = stash.bytes.readUInt32BE(0);
    const code = stash.bytes.readUInt32BE(4);
    const known = recognise(code);
    if (known === undefined || length < HEADER || length > Math.min(LONGEST, this.limit)) {
      return refuse(`bad packet header: '${stash.bytes.toString("hex", 0, HEADER)}'`);
    }
    if (!this.fill(buffer, end, length)) return undefined;
    if (known === "v2") return refuse("old V2 protocol not supported");
    const body = Buffer.from(stash.bytes.subarray(HEADER, length));
    stash.clear();
    if (known === "ssl" || known === "gss") return { kind: known };
    return { kind: known, minor: code & 0xffff, body };
  }

  /** Takes bytes until there are `want`; true when there are. */
  private fill(buffer: Buffer, end: number, want: number): boolean {
    const to = Math.min(end, this.consumed + Math.max(0, want - this.stash.length));
    this.stash.append(buffer, this.consumed, to);
    this.consumed = to;
    return this.stash.length >= want;
  }

  /** A first packet begins with a zero byte. Another is refused when it has come, and not kept. */
  private typed(end: number): Refusal | undefined {
    const { bytes, length } = this.stash;
    const size = bytes.readUInt32BE(1) + 1;
    if (size < TYPED || size > this.limit)
      return refuse(`bad packet header: '${bytes.toString("hex", 0, Math.min(length, HEADER))}'`);
    this.passed += end - this.consumed;
    this.consumed = end;
    if (length + this.passed < size) return undefined;
    if (bytes[0] !== FRONTEND.password) return refuse("bad packet", false);
    return refuse("client password pkt before startup packet");
  }
}

/** Longest first packet: the two upper bytes of its length must be 0. */
const LONGEST = 0xffff;

function recognise(code: number): "cancel" | "ssl" | "gss" | "v2" | "parameters" | undefined {
  if (code === CODE.cancel) return "cancel";
  if (code === CODE.ssl) return "ssl";
  if (code === CODE.gss) return "gss";
  if (code === CODE.v2) return "v2";
  return code >>> 16 === 3 ? "parameters" : undefined;
}

/** Reads the parameters of a StartupMessage; `minor` is the minor version that it asks for. */
export function parseStartup(body: Buffer, minor: number, rules: StartupRules): Startup | Refusal {
  const { pairs, whole } = readPairs(body);
  const reading = new Reading(rules, replicationIn(pairs));
  for (const [name, value] of pairs) {
    const refusal = reading.take(name, value);
    if (refusal !== undefined) return refusal;
  }
  if (!whole) return refuse("invalid startup packet layout: expected terminator as last byte");
  if (reading.user === "") return refuse("no username supplied");
  return reading.startup(minor);
}

/** One StartupMessage, parameter by parameter. */
class Reading {
  user = "";
  private readonly extensions: string[] = [];
  private readonly ignored: [string, string][] = [];
  private database = "";
  private options: string | undefined;
  private named = false;
  private readonly variables: Variables;
  private readonly rules: StartupRules;
  private readonly replication: Replication;

  constructor(rules: StartupRules, replication: Replication) {
    this.rules = rules;
    this.replication = replication;
    this.variables = new Variables(rules.names);
  }

  /** Takes one parameter; a refusal if PgBouncer would not have it. */
  take(name: string, value: string): Refusal | undefined {
    if (name === "database") this.database = value;
    else if (name === "user") this.user = value;
    else if (name === "options") return this.takeOptions(value);
    else if (name === "application_name") this.nameApplication(value);
    else if (name === "replication") return undefined;
    else if (name.startsWith("_pq_.")) this.extensions.push(name);
    else if (this.variables.set(name, value)) return undefined;
    else if (this.rules.ignored.has(name)) this.ignored.push([name, value]);
    else return unsupported(name, value);
    return undefined;
  }

  startup(minor: number): Startup {
    if (!this.named && this.rules.peer !== undefined) this.nameApplication("app");
    const { user, replication, variables, options, extensions, ignored } = this;
    const asked = minor > 0 || extensions.length > 0;
    const negotiate = asked ? negotiateProtocolVersion(CODE.v3, extensions) : undefined;
    const database = this.database || user;
    const who = { user, database, replication, variables, options };
    return { kind: "startup", ...who, ignored, negotiate };
  }

  private nameApplication(name: string): void {
    const { peer } = this.rules;
    this.named = true;
    this.variables.set("application_name", peer === undefined ? name : `${name} - ${peer}`);
  }

  private takeOptions(text: string): Refusal | undefined {
    // A replication connection has a server of its own, which can be given any options.
    if (this.replication !== "no") {
      this.options = text;
      return undefined;
    }
    const settings = parseOptions(text);
    if (settings === undefined) {
      const only = "only '-c config=val' and '--config=val' are allowed";
      return refuse(`unsupported options startup parameter: ${only}`);
    }
    const { ignored } = this.rules;
    for (const [name, value] of settings) {
      if (this.variables.set(name, value) || ignored.has(name) || ignored.has("options")) continue;
      return unsupported(name, value, " in options");
    }
    return undefined;
  }
}

/** `whole`: the list ended with its terminator, and with that the packet ended too. */
function readPairs(body: Buffer): { pairs: [string, string][]; whole: boolean } {
  const pairs: [string, string][] = [];
  let at = 0;
  for (;;) {
    const nameEnd = body.indexOf(0, at);
    if (nameEnd < 0) return { pairs, whole: false };
    if (nameEnd === at) return { pairs, whole: at + 1 === body.length };
    const valueEnd = body.indexOf(0, nameEnd + 1);
    if (valueEnd < 0) return { pairs, whole: false };
    pairs.push([textOf(body, at, nameEnd), textOf(body, nameEnd + 1, valueEnd)]);
    at = valueEnd + 1;
  }
}

function replicationIn(pairs: readonly [string, string][]): Replication {
  let replication: Replication = "no";
  for (const [name, value] of pairs) {
    if (name === "replication") replication = replicationOf(value, replication);
  }
  return replication;
}

function replicationOf(value: string, before: Replication): Replication {
  if (value === "database") return "logical";
  if (/^(t|tr|tru|true|y|ye|yes|on|1)$/i.test(value)) return "physical";
  return /^(f|fa|fal|fals|false|n|no|of|off|0)$/i.test(value) ? "no" : before;
}
