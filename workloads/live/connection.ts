/**
 * One connection to a pooler or server, made cheap enough for thousands: plain sockets read into
 * one common buffer, and no promise or event object per answer. Logging in is engine/wire's
 * business.
 */
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import net from "node:net";
import tls from "node:tls";
import { peerOf } from "../../engine/wire/cancel-keys.ts";
import { ServerLogin, type ServerLoginEvent } from "../../engine/wire/server-login.ts";
import { cancelRequest, terminate } from "../../engine/wire/writer.ts";
import type { Address } from "../database/dsn.ts";
import { systemCode } from "../database/errors.ts";
import { Answers, type ServerError } from "./answers.ts";
import type { LoginParameters } from "./parameters.ts";

/** What a connection tells its owner. */
export interface Listener {
  /** Logged in. */
  onLogin(connection: Connection): void;
  /** The answer to the query is complete; see `answers`. */
  onAnswer(connection: Connection): void;
  /** It is over, and not by our wish. `error` is the server's last word, or the system's. */
  onEnd(connection: Connection, end: ConnectionEnd): void;
}

/** How a connection ended. */
export interface ConnectionEnd {
  /** `unreachable`: it never came about. `told`: an error came first. `silent`: it just ended. */
  kind: "unreachable" | "told" | "silent";
  error: ServerError;
}

/**
 * Every socket reads into it. A chunk is used up before the next one is read, or its rest copied.
 */
const COMMON = Buffer.allocUnsafeSlow(65_536);
/** Our own answers are 150 bytes long; an error's text may be longer. */
const MESSAGE_MAX = 1 << 20;

export class Connection {
  readonly answers: Answers;
  /** Names of the statements that it has prepared. */
  readonly prepared = new Set<string>();
  private readonly address: Address;
  private readonly listener: Listener;
  private socket: net.Socket;
  private login: ServerLogin | undefined;
  private connected = false;
  private over = false;
  /** What a cancel request must name; undefined before the login is complete. */
  private key: Buffer | undefined;

  /** `parameters`: said at login, beside user and database. */
  constructor(address: Address, listener: Listener, parameters: LoginParameters = []) {
    this.address = address;
    this.listener = listener;
    this.answers = new Answers(() => this.listener.onAnswer(this));
    this.login = new ServerLogin({
      tls: address.sslmode === undefined ? "no" : "required",
      user: address.user,
      parameters: [["database", address.database], ...parameters],
      secret: address.password ?? "",
      scramKeys: undefined,
      connectQuery: undefined,
      maxPacketSize: MESSAGE_MAX,
      random: randomBytes,
    });
    this.socket = this.open();
  }

  /** Sends a query; `message` must not change afterwards. */
  send(message: Buffer): void {
    this.answers.reset();
    this.socket.write(message);
  }

  /** The number of the pooler among its peers, from 1, as its key has it; 0: it has given none. */
  get peer(): number {
    return this.key === undefined ? 0 : peerOf(this.key);
  }

  /** Says goodbye and closes; `onEnd` is not called. */
  close(): void {
    if (this.over) return;
    this.over = true;
    this.socket.end(terminate());
    // A server that is busy would keep the socket; the end of ours is enough for it.
    this.socket.unref();
  }

  /**
   * Asks for the end of what it runs, by a connection of its own. That one stays until the other side closes
   * it: a pooler gives up on requests whose sender has gone.
   */
  cancel(): void {
    if (this.key === undefined || this.over) return;
    const socket = net.connect(this.place());
    socket.on("error", () => undefined); // Then nothing is cancelled.
    socket.resume();
    socket.write(cancelRequest(this.key));
  }

  private place(): net.NetConnectOpts {
    const { host, port } = this.address;
    return host.startsWith("/")
      ? { path: `${host}/.s.PGSQL.${port}` }
      : { host, port, noDelay: true };
  }

  private open(): net.Socket {
    const callback = (size: number, bytes: Uint8Array): boolean => {
      this.receive(bytes as Buffer, size); // COMMON itself: see `onread` below.
      return true;
    };
    const socket = net.connect({ ...this.place(), onread: { buffer: COMMON, callback } });
    socket.on("connect", () => this.onConnect());
    this.watch(socket);
    return socket;
  }

  private watch(socket: net.Socket): void {
    socket.on("error", (error) => this.end({ sqlstate: systemCode(error), text: error.message }));
    socket.on("close", () => this.end(undefined));
  }

  private onConnect(): void {
    this.connected = true;
    this.login?.start();
    this.flush();
  }

  private receive(bytes: Buffer, size: number): void {
    if (this.over) return;
    if (this.login === undefined) this.answers.feed(bytes, size);
    else this.greet(this.login, bytes, size);
  }

  private greet(login: ServerLogin, bytes: Buffer, size: number): void {
    const event = login.feed(bytes, 0, size);
    const used = login.consumed;
    this.flush();
    if (event !== undefined) this.onLoginEvent(event);
    if (this.login === undefined && used < size) {
      const rest = bytes.subarray(used, size);
      this.answers.feed(rest, rest.length);
    }
  }

  private onLoginEvent(event: ServerLoginEvent): void {
    if (event.kind === "ready") {
      this.login = undefined;
      this.key = event.key;
      this.listener.onLogin(this);
    } else if (event.kind === "failed") {
      this.answers.error = { sqlstate: event.sqlstate, text: event.text };
      this.end(undefined);
    } else this.secure();
  }

  private secure(): void {
    const { host, sslmode } = this.address;
    const servername = net.isIP(host) === 0 ? host : undefined;
    const options = { socket: this.socket, rejectUnauthorized: sslmode !== "require" };
    const socket = tls.connect({ ...options, ...(servername && { servername }) });
    socket.on("secureConnect", () => {
      this.login?.secured();
      this.flush();
    });
    socket.on("data", (chunk) => this.receive(chunk, chunk.length));
    this.socket = socket;
    this.watch(socket);
  }

  private flush(): void {
    const output = this.login?.output ?? [];
    for (const message of output.splice(0)) this.socket.write(message);
  }

  private end(failure: ServerError | undefined): void {
    if (this.over) return;
    this.over = true;
    this.socket.destroy();
    const { error } = this.answers;
    const kind = error !== undefined ? "told" : this.connected ? "silent" : "unreachable";
    const nothing = { sqlstate: "", text: "connection closed without a word" };
    this.listener.onEnd(this, { kind, error: error ?? failure ?? nothing });
  }
}
