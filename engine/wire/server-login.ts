/**
 * Login of us to a server, as a state machine without I/O: bytes in, bytes and events out. It collects
 * the server's parameters, which become the welcome of later clients, and its cancel key.
 * Source: PgBouncer 1.25.2 src/server.c, handle_server_startup(); src/proto.c, answer_authreq().
 */
import { Buffer } from "node:buffer";
import { complaintOf, fieldsOf } from "./complaint.ts";
import { FRAME, MessageReader } from "./frames.ts";
import { BACKEND } from "./messages.ts";
import { md5Response, md5Secret, secretKind } from "./passwords.ts";
import {
  type ClientExchange,
  checkServerFinal,
  clientFinal,
  clientFirst,
  NONCE,
  SCRAM_SHA_256,
  type ScramKeys,
} from "./scram.ts";
import { textOf } from "./text.ts";
import {
  passwordMessage,
  query,
  saslInitialResponse,
  saslResponse,
  sslRequest,
  startupMessage,
} from "./writer.ts";

/** `fatal`: the server said no, other than by 57P03: waiting clients are told text and SQLSTATE. */
interface ServerLoginFailure {
  kind: "failed";
  fatal: boolean;
  sqlstate: string;
  /** As the server has it, such as "FATAL". */
  severity: string;
  text: string;
  /** Why the connection is closed, where that is not the server's own words. */
  reason: string | undefined;
  /** Says more, for the log. */
  detail: string | undefined;
}

export type ServerLoginEvent =
  /** The server takes TLS: upgrade the socket, call `secured`, and write the output. */
  | { kind: "tls" }
  /** Ready for queries, connect_query included. `key`: process id and secret, 8 bytes. */
  | { kind: "ready"; parameters: [name: string, value: string][]; key: Buffer }
  | ServerLoginFailure;

export interface ServerLoginOptions {
  /** Ask for TLS (server_tls_sslmode, never on a Unix socket), and insist on it? */
  tls: "no" | "preferred" | "required";
  user: string;
  /** Startup parameters without `user`, in order: database, client_encoding, options, ... */
  parameters: readonly (readonly [string, string])[];
  /** Plain, MD5 or SCRAM secret; "" when there is none. */
  secret: string;
  /** For a SCRAM secret: what a client's login with it has taught us. */
  scramKeys: ScramKeys | undefined;
  connectQuery: string | undefined;
  /** max_packet_size, in bytes. */
  maxPacketSize: number;
  /** Gives that many random bytes. */
  random: (bytes: number) => Buffer;
}

type State = "created" | "tls" | "authentication" | "parameters" | "connect_query" | "done";

const WRONG_TYPE = "wrong password type";
const NO_KEYS = "password is SCRAM secret but client authentication did not provide SCRAM keys";

export class ServerLogin {
  /** Bytes for the server. Write and empty it after every call. */
  readonly output: Buffer[] = [];
  /** How far the last feed came. */
  consumed = 0;
  /** What the server says is wrong with connect_query, which does no harm. Empty it after reading. */
  complaint = "";
  private state: State = "created";
  private readonly options: ServerLoginOptions;
  private readonly reader: MessageReader;
  private readonly parameters = new Map<string, string>();
  private key: Buffer = Buffer.alloc(8);
  private exchange: ClientExchange | undefined;
  /** What the server has to prove; set between our last SASL message and its answer. */
  private signature: Buffer | undefined;
  private proven = false;

  constructor(options: ServerLoginOptions) {
    this.options = options;
    this.reader = new MessageReader(options.maxPacketSize);
  }

  /** The socket is connected: asks for TLS or starts the login. */
  start(): void {
    if (this.options.tls === "no") this.secured();
    else {
      this.state = "tls";
      this.output.push(sslRequest());
    }
  }

  /** The TLS handshake is over: starts the login. */
  secured(): void {
    this.state = "authentication";
    const user: [string, string] = ["user", this.options.user];
    this.output.push(startupMessage([...this.options.parameters, user]));
  }

  /** Takes bytes of the server, up to the first event. Undefined: more bytes are needed. */
  feed(buffer: Buffer, start: number, end: number): ServerLoginEvent | undefined {
    this.consumed = start;
    let event: ServerLoginEvent | undefined;
    while (event === undefined && this.consumed < end && this.state !== "done") {
      event = this.state === "tls" ? this.encryption(buffer, end) : this.next(buffer, end);
    }
    if (event?.kind === "failed" || event?.kind === "ready") this.state = "done";
    return event;
  }

  private encryption(buffer: Buffer, end: number): ServerLoginEvent | undefined {
    const answer = buffer[this.consumed++];
    const more = this.consumed < end;
    if (answer === LETTER_S && more) return failed("received unencrypted data after SSL response");
    if (answer === LETTER_S) return { kind: "tls" };
    if (answer !== LETTER_N) return failed("bad sslreq answer");
    if (this.options.tls === "required") return failed("server refused SSL");
    this.secured();
    return undefined;
  }

  private next(buffer: Buffer, end: number): ServerLoginEvent | undefined {
    const { reader } = this;
    reader.feed(buffer, this.consumed, end);
    const found = reader.next();
    this.consumed = reader.position;
    if (found === FRAME.bad) return failed("bad pkt header");
    return found === FRAME.message ? this.message(reader.type, reader.body) : undefined;
  }

  private message(type: number, body: Buffer): ServerLoginEvent | undefined {
    if (type === BACKEND.parameterStatus) return this.parameter(body);
    if (type === BACKEND.readyForQuery) return this.ready();
    if (this.state === "connect_query" && type === BACKEND.errorResponse)
      this.complaint = complaintOf(body);
    // The answer to connect_query is nobody's concern.
    if (this.state === "connect_query" || type === BACKEND.noticeResponse) return undefined;
    switch (type) {
      case BACKEND.authentication:
        return this.authentication(body);
      case BACKEND.backendKeyData:
        if (body.length < 8) return failed("bad cancel key");
        this.key = Buffer.from(body.subarray(0, 8));
        return undefined;
      case BACKEND.errorResponse:
        return refused(body);
      default:
        return unknown(type);
    }
  }

  private ready(): ServerLoginEvent | undefined {
    const { connectQuery } = this.options;
    if (this.state === "authentication") return unknown(BACKEND.readyForQuery);
    if (this.state === "parameters" && connectQuery !== undefined) {
      this.state = "connect_query";
      this.output.push(query(connectQuery));
      return undefined;
    }
    return { kind: "ready", parameters: [...this.parameters], key: this.key };
  }

  private parameter(body: Buffer): ServerLoginEvent | undefined {
    const parts = textOf(body).split("\0");
    if (parts.length < 3) return failed("broken ParameterStatus packet");
    this.parameters.set(parts[0] ?? "", parts[1] ?? "");
    return undefined;
  }

  private authentication(body: Buffer): ServerLoginEvent | undefined {
    if (body.length < 4) return failed(UNANSWERED);
    const rest = body.subarray(4);
    switch (body.readUInt32BE(0)) {
      case 0:
        if (this.exchange !== undefined && !this.proven) return failed(UNANSWERED);
        this.state = "parameters";
        return undefined;
      case 3:
        this.output.push(passwordMessage(this.options.secret));
        return undefined;
      case 5:
        return this.md5(rest);
      case 10:
        return this.sasl(rest);
      case 11:
        return this.saslContinue(rest);
      case 12:
        return this.saslFinal(rest);
      default:
        return failed(UNANSWERED, `unknown/unsupported auth method: ${body.readUInt32BE(0)}`);
    }
  }

  private md5(salt: Buffer): ServerLoginEvent | undefined {
    const { secret, user } = this.options;
    const kind = secretKind(secret);
    if (salt.length < 4) return failed(UNANSWERED);
    if (kind === "scram")
      return unanswered(WRONG_TYPE, `cannot do MD5 authentication: ${WRONG_TYPE}`);
    const stored = kind === "md5" ? secret : md5Secret(secret, user);
    this.output.push(passwordMessage(md5Response(stored, salt.subarray(0, 4))));
    return undefined;
  }

  private sasl(mechanisms: Buffer): ServerLoginEvent | undefined {
    const offered = mechanisms.toString("latin1").split("\0");
    if (!offered.includes(SCRAM_SHA_256)) {
      const none = "none of the server's SASL authentication mechanisms are supported";
      return unanswered(none, none);
    }
    const kind = secretKind(this.options.secret);
    if (kind === "md5" || (kind === "scram" && this.options.scramKeys === undefined)) {
      const why = kind === "md5" ? WRONG_TYPE : NO_KEYS;
      return unanswered(WRONG_TYPE, `cannot do SCRAM authentication: ${why}`);
    }
    if (this.exchange !== undefined)
      return failed(UNANSWERED, `${PROTOCOL}: duplicate ${SASL} message from server`);
    this.exchange = clientFirst(this.options.random(NONCE).toString("base64"));
    this.output.push(saslInitialResponse(SCRAM_SHA_256, this.exchange.message));
    return undefined;
  }

  private saslContinue(data: Buffer): ServerLoginEvent | undefined {
    const { secret, scramKeys } = this.options;
    if (this.exchange === undefined) return outOfTurn("Continue", "");
    if (this.signature !== undefined)
      return failed(UNANSWERED, `SCRAM exchange ${PROTOCOL}: received second ${SASL}Continue`);
    const from = secretKind(secret) === "scram" && scramKeys !== undefined ? scramKeys : secret;
    const step = clientFinal(this.exchange, data.toString("latin1"), from);
    if ("error" in step) return failed(UNANSWERED, step.error);
    this.signature = step.signature;
    this.output.push(saslResponse(step.message));
    return undefined;
  }

  private saslFinal(data: Buffer): ServerLoginEvent | undefined {
    if (this.signature === undefined) return outOfTurn("Final", "Continue");
    const wrong = checkServerFinal(data.toString("latin1"), this.signature);
    if (wrong !== undefined) return unanswered(wrong.error, wrong.error);
    this.proven = true;
    return undefined;
  }
}

const LETTER_S = 0x53;
const LETTER_N = 0x4e;
/** cannot_connect_now: the server is starting or stopping, so that waiting may help. */
const CANNOT_CONNECT_NOW = "57P03";

const UNANSWERED = "failed to answer authreq";
const PROTOCOL = "protocol error";
const SASL = "AuthenticationSASL";

function outOfTurn(step: string, before: string): ServerLoginFailure {
  return failed(UNANSWERED, `${PROTOCOL}: ${SASL}${step} without prior ${SASL}${before}`);
}

function unknown(type: number): ServerLoginFailure {
  const text = "unknown pkt from server";
  return failed(text, `${text}: '${String.fromCharCode(type)}'`);
}

function failed(text: string, detail?: string): ServerLoginFailure {
  const own = { kind: "failed", fatal: false, sqlstate: "08P01", severity: "FATAL" } as const;
  return { ...own, text, reason: text, detail };
}

/** We cannot prove who we are, or the server cannot: no other connection could, and the clients are told. */
function unanswered(told: string, detail: string): ServerLoginFailure {
  return { ...failed(UNANSWERED, detail), fatal: true, text: `server login failed: ${told}` };
}

/** The server's own words. */
function refused(body: Buffer): ServerLoginFailure {
  const fields = fieldsOf(body);
  const sqlstate = fields.get("C") ?? "08P01";
  const text = fields.get("M") ?? "server login failed";
  const fatal = sqlstate !== CANNOT_CONNECT_NOW;
  const severity = fields.get("S") ?? "FATAL";
  return { kind: "failed", fatal, sqlstate, severity, text, reason: undefined, detail: undefined };
}
