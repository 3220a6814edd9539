/**
 * Login of a client to us, as a state machine without I/O: bytes in, bytes and events out. The host
 * decides about limits, databases and secrets between the events, as slowly as it has to.
 * Source: PgBouncer 1.25.2 src/client.c, handle_client_startup() and finish_set_pool().
 */
import { Buffer } from "node:buffer";
import { FRAME, MessageReader } from "./frames.ts";
import { FRONTEND } from "./messages.ts";
import { md5Fits, passwordFits, secretKind } from "./passwords.ts";
import {
  deriveSecret,
  mockSecret,
  NONCE,
  parseSecret,
  SALT,
  SCRAM_SHA_256,
  type ScramKeys,
  type ScramSecret,
  type ServerExchange,
  serverFinal,
  serverFirst,
} from "./scram.ts";
import {
  FirstPacketReader,
  parseStartup,
  type Refusal,
  refuse,
  type Startup,
  type StartupRules,
} from "./startup.ts";
import { textOf } from "./text.ts";
import {
  authenticationCleartext,
  authenticationMd5,
  authenticationSasl,
  authenticationSaslContinue,
  authenticationSaslFinal,
} from "./writer.ts";

export type { ScramKeys } from "./scram.ts";

/** The methods that need nothing but bytes, and `ldap`, for which the host asks somebody else. */
export type AuthMethod = "any" | "trust" | "plain" | "md5" | "scram-sha-256" | "ldap";

export type ClientLoginEvent =
  /**
   * Write the output, then upgrade the socket, then call `secured`. What follows `consumed` is for TLS:
   * a client that asks first (SSLRequest) has sent nothing more, one that does not has sent its greeting.
   */
  | { kind: "tls" }
  /** A cancel request: `key` is process id and secret, 8 bytes. Nothing follows. */
  | { kind: "cancel"; key: Buffer }
  /** Check limits and database, look the user up, then call `authenticate`. */
  | Startup
  /** `scramKeys`: set when the user's stored secret is a SCRAM secret and the client knew it. */
  | { kind: "authenticated"; scramKeys: ScramKeys | undefined }
  /** With the method `ldap`: what the client has shown. Whether it fits is for others to say. */
  | { kind: "password"; password: string }
  | Refusal;

/** Who wants to log in. */
export interface Credentials {
  user: string;
  /** Plain, "md5..." or "SCRAM-SHA-256$...". Undefined: no such user, who fails like any other. */
  secret: string | undefined;
}

export interface ClientLoginOptions {
  /** May TLS be used on this socket, and must it (client_tls_sslmode from require on)? */
  tls: "no" | "offered" | "required";
  rules: StartupRules;
  /** max_packet_size, in bytes. */
  maxPacketSize: number;
  /** Gives that many random bytes: for nonces and salts. */
  random: (bytes: number) => Buffer;
  /** scram_iterations, for secrets that are stored as plain text. */
  scramIterations: number;
  /** Random secret of the process from which the salts of unknown users are derived. */
  mockKey: Buffer;
}

type State =
  | "first"
  | "tls"
  | "deciding"
  | "plain"
  | "ldap"
  | "md5"
  | "sasl"
  | "sasl-final"
  | "done";

/** Largest answer to a challenge: PgBouncer takes passwords of up to 65530 bytes. */
const LARGEST_ANSWER = 65_600;

/** First byte of a TLS record of type handshake. Source: RFC 8446, 5.1. */
const TLS_HANDSHAKE = 0x16;

export class ClientLogin {
  /** Bytes for the client. Write and empty it after every call. */
  readonly output: Buffer[] = [];
  /** How far the last feed came. */
  consumed = 0;
  private state: State = "first";
  /** Where TLS, when it is up, goes on from. */
  private beforeTls: State = "first";
  /** What has come ends within a packet that has no type byte. */
  private untyped = false;
  private secure = false;
  /** Nothing has been read yet: TLS may begin without being asked for. */
  private fresh = true;
  private readonly options: ClientLoginOptions;
  private readonly first: FirstPacketReader;
  private readonly reader: MessageReader;
  private credentials: Credentials = { user: "", secret: undefined };
  private salt: Buffer = Buffer.alloc(0);
  private exchange: ServerExchange | undefined;

  constructor(options: ClientLoginOptions) {
    this.options = options;
    this.first = new FirstPacketReader(options.maxPacketSize);
    this.reader = new MessageReader(Math.min(options.maxPacketSize, LARGEST_ANSWER));
  }

  /**
   * Takes bytes of the client. Stops at the first event: keep what follows `consumed`, and feed it
   * when the event has been dealt with. Undefined: more bytes are needed.
   */
  feed(buffer: Buffer, start: number, end: number): ClientLoginEvent | undefined {
    this.consumed = start;
    let event: ClientLoginEvent | undefined;
    while (event === undefined && this.consumed < end && this.isReading()) {
      event = this.isFirst(buffer) ? this.begin(buffer, end) : this.answer(buffer, end);
    }
    if (event?.kind === "refused") this.state = "done";
    return event;
  }

  /** The TLS handshake is over. */
  secured(): void {
    this.secure = true;
    this.state = this.beforeTls;
  }

  /** Goes on after `startup` with this method. The event, if there is one, needs no more bytes. */
  authenticate(method: AuthMethod, credentials: Credentials): ClientLoginEvent | undefined {
    this.credentials = credentials;
    const { secret } = credentials;
    const scram = secret !== undefined && secretKind(secret) === "scram";
    switch (method) {
      case "any":
        return this.accept(undefined);
      case "trust":
        if (secret !== undefined) return this.accept(undefined);
        this.state = "done";
        return refuse('"trust" authentication failed');
      case "plain":
      case "ldap":
        return this.challenge(method, authenticationCleartext());
      case "md5":
        if (scram) return this.challenge("sasl", authenticationSasl([SCRAM_SHA_256]));
        this.salt = this.options.random(4);
        return this.challenge("md5", authenticationMd5(this.salt));
      case "scram-sha-256":
        return this.challenge("sasl", authenticationSasl([SCRAM_SHA_256]));
    }
  }

  private isReading(): boolean {
    return this.state !== "deciding" && this.state !== "done" && this.state !== "tls";
  }

  /** Who is asked for a password may still ask for TLS, or begin anew: such packets begin with a zero. */
  private isFirst(buffer: Buffer): boolean {
    if (this.state === "first" || this.untyped) return true;
    return this.reader.atRest && buffer[this.consumed] === 0;
  }

  private begin(buffer: Buffer, end: number): ClientLoginEvent | undefined {
    if (this.isDirectTls(buffer[this.consumed])) {
      this.state = "tls";
      return { kind: "tls" };
    }
    this.fresh = false;
    const packet = this.first.feed(buffer, this.consumed, end);
    this.consumed = this.first.consumed;
    this.untyped = packet === undefined;
    if (packet === undefined || packet.kind === "refused") return packet;
    switch (packet.kind) {
      case "ssl":
        return this.encrypt(this.consumed < end);
      case "gss":
        if (this.consumed < end) return tooEarly("GSSAPI encryption");
        this.output.push(Buffer.from("N"));
        return undefined;
      case "cancel":
        if (packet.body.length !== 8) return refuse("bad cancel request", false);
        this.state = "done";
        return { kind: "cancel", key: packet.body };
      case "parameters":
        if (this.state !== "first") return refuse("client re-sent startup pkt");
        return this.startup(packet.body, packet.minor);
    }
  }

  /** No startup packet begins like a TLS handshake: its length would be hundreds of megabytes. */
  private isDirectTls(first: number | undefined): boolean {
    return this.fresh && this.options.tls !== "no" && !this.secure && first === TLS_HANDSHAKE;
  }

  /** `more`: bytes came with the request, which cannot be encrypted: somebody has put them in. */
  private encrypt(more: boolean): ClientLoginEvent | undefined {
    if (more) return tooEarly("SSL");
    if (this.secure) return refuse("SSL req inside SSL", false);
    const offered = this.options.tls !== "no";
    this.output.push(Buffer.from(offered ? "S" : "N"));
    if (!offered) return undefined;
    this.beforeTls = this.state;
    this.state = "tls";
    return { kind: "tls" };
  }

  private startup(body: Buffer, minor: number): ClientLoginEvent {
    if (this.options.tls === "required" && !this.secure) return refuse("SSL required");
    const parsed = parseStartup(body, minor, this.options.rules);
    if (parsed.kind === "startup") this.state = "deciding";
    return parsed;
  }

  private challenge(state: State, message: Buffer): undefined {
    this.output.push(message);
    this.state = state;
  }

  private answer(buffer: Buffer, end: number): ClientLoginEvent | undefined {
    const { reader } = this;
    reader.feed(buffer, this.consumed, end);
    const found = reader.next();
    this.consumed = reader.position;
    if (found === FRAME.more) return undefined;
    if (found === FRAME.bad) return refuse(`bad packet header: '${reader.headerHex}'`);
    if (reader.type !== FRONTEND.password) return refuse("bad packet", false);
    if (this.state === "sasl") return this.saslFirst(reader.body);
    if (this.state === "sasl-final") return this.saslFinal(reader.body);
    return this.password(reader.body);
  }

  private password(body: Buffer): ClientLoginEvent {
    const nul = body.indexOf(0);
    if (nul < 0) return refuse("bad packet", false);
    if (nul === 0) return refuse("empty password returned by client");
    const password = textOf(body, 0, nul);
    if (this.state === "ldap") {
      this.state = "done";
      return { kind: "password", password };
    }
    const { user, secret = "" } = this.credentials;
    const fits =
      this.state === "plain"
        ? passwordFits(password, user, secret)
        : md5Fits(password, user, secret, this.salt);
    return fits ? this.accept(undefined) : refuse("password authentication failed");
  }

  private saslFirst(body: Buffer): ClientLoginEvent | undefined {
    const nul = body.indexOf(0);
    if (nul < 0) return refuse("SASL authentication failed");
    if (body.toString("latin1", 0, nul) !== SCRAM_SHA_256) {
      return refuse("client selected an invalid SASL authentication mechanism");
    }
    if (body.length < nul + 5) return refuse("SASL authentication failed");
    const length = body.readUInt32BE(nul + 1);
    if (length !== body.length - nul - 5) return refuse("SASL authentication failed");
    const secret = this.scramSecret();
    if ("error" in secret) return refuse("SASL authentication failed", true, secret.error);
    const nonce = this.options.random(NONCE).toString("base64");
    const step = serverFirst(body.toString("latin1", nul + 5), secret, nonce);
    if ("error" in step) return refuse("SASL authentication failed", true, step.error);
    this.exchange = step;
    return this.challenge("sasl-final", authenticationSaslContinue(step.message));
  }

  /** The secret to check against; one that nothing fits for users who are unknown or have none. */
  private scramSecret(): ScramSecret | { error: string } {
    const { scramIterations, mockKey, random } = this.options;
    const { user, secret } = this.credentials;
    if (secret === undefined || secret === "") return mockSecret(user, mockKey, scramIterations);
    if (secretKind(secret) === "md5")
      return { error: "SCRAM authentication failed: user has MD5 secret" };
    return parseSecret(secret) ?? deriveSecret(secret, random(SALT), scramIterations);
  }

  private saslFinal(body: Buffer): ClientLoginEvent {
    const { exchange } = this;
    if (exchange === undefined) return refuse("SASL authentication failed");
    const step = serverFinal(exchange, body.toString("latin1"));
    if ("error" in step) return refuse("SASL authentication failed", true, step.error);
    this.output.push(authenticationSaslFinal(step.message));
    const stored = secretKind(this.credentials.secret ?? "") === "scram";
    return this.accept(stored ? step.keys : undefined);
  }

  private accept(scramKeys: ScramKeys | undefined): ClientLoginEvent {
    this.state = "done";
    return { kind: "authenticated", scramKeys };
  }
}

function tooEarly(what: string): Refusal {
  return refuse(`received unencrypted data after ${what} request`);
}
