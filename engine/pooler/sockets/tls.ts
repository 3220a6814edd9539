/**
 * TLS on both sides: the handshakes. Node's tls does the work on top of the channel's socket.
 * Source: PgBouncer 1.25.2 src/sbuf.c.
 */
import { isIP, type Socket } from "node:net";
import { connect, type PeerCertificate, type SecureContext, TLSSocket } from "node:tls";
import { type Config, ConfigError, tlsRefusals } from "../../config/index.ts";
import type { Log } from "../system/log.ts";
import { certificateNames, standsForHost } from "./certificates.ts";
import type { Channel } from "./channel.ts";
import { filesOf, readSide, type Side } from "./tls-side.ts";

/** What a handshake has shown of the other side. */
export interface TlsPeer {
  /** Version and cipher, such as "TLSv1.3/TLS_AES_256_GCM_SHA384". */
  readonly info: string;
  /** Names in the certificate, which has been verified; undefined: it showed none. */
  readonly names: readonly string[] | undefined;
}

/** How a handshake has ended: what is known of the other side, or why it failed. */
export type Handshake = { readonly peer: TlsPeer } | { readonly error: string };

/** Why a handshake has failed whose client is gone: what OpenSSL says of that, as PgBouncer has it. */
export const CUT_OFF =
  "handshake failed: error:0A000126:SSL routines::unexpected eof while reading";

/** Protocol name of PostgreSQL for ALPN, which clients that begin with TLS must name. */
const ALPN = "postgresql";

/** Both sides as the configuration in force has them. */
export class Tls {
  private readonly client: Side;
  private server: Side;
  private readonly config: Config;
  private readonly log: Log;

  /** Reads the files. Errors: ConfigError for a setting or a file that cannot be read or used. */
  constructor(config: Config, log: Log) {
    const [refusal] = tlsRefusals(config);
    if (refusal !== undefined) throw refusal;
    this.config = config;
    this.log = log;
    this.client = readSide(config, "client");
    this.server = readSide(config, "server");
  }

  /**
   * What holds after RELOAD or SET: the new configuration, or, where its files are not in order, this
   * one, which is logged. So key and certificate can be exchanged by one SET each.
   */
  reloaded(config: Config): Tls {
    try {
      return new Tls(config, this.log);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.log.write("ERROR", `TLS setup failed: ${error.message}`);
      this.log.write("ERROR", "TLS configuration could not be reloaded, keeping old configuration");
      return this;
    }
  }

  /** True: servers reached under `before` must be reached anew. */
  reconnects(before: Tls): boolean {
    return this.server.settings !== before.server.settings;
  }

  /** Whether a client may or must use TLS; never on a Unix socket. */
  forClient(unix: boolean): "no" | "offered" | "required" {
    const { mode } = this.client;
    if (unix || mode === "disable") return "no";
    return mode === "allow" || mode === "prefer" ? "offered" : "required";
  }

  /** Whether a server is asked for TLS, and whether it must take it; never on a Unix socket. */
  forServer(unix: boolean): "no" | "preferred" | "required" {
    const { mode } = this.server;
    if (unix || mode === "disable") return "no";
    return mode === "allow" || mode === "prefer" ? "preferred" : "required";
  }

  /** Answers a client's handshake; `first` are bytes of it that have been read already. */
  accept(channel: Channel, first: Buffer, done: (result: Handshake) => void): void {
    const { mode, context } = this.client;
    const options = {
      isServer: true,
      secureContext: context as SecureContext, // `forClient` is not "no" without one.
      requestCert: true,
      rejectUnauthorized: mode.startsWith("verify"), // Who shows none is told by TLS itself.
      ALPNProtocols: [ALPN],
    };
    const socket = channel.secure((plain) => new TLSSocket(plain, options), first);
    let over = false;
    const ended = (result: Handshake): void => {
      over = true;
      done(result);
    };
    // After the handshake Node leaves it to its own listening server to end a connection that breaks the protocol.
    socket.on("_tlsError", (error: Error) => {
      if (over) socket.destroy(error);
      else ended({ error: failureOf(error) });
    });
    socket.once("secure", () => ended(judgeClient(socket, mode.startsWith("verify"))));
  }

  /** Begins a handshake with a server called `host`. */
  connect(channel: Channel, host: string, done: (result: Handshake) => void): void {
    this.readAgain();
    const { mode, context } = this.server;
    let stranger = false;
    const isHost = (_: string, certificate: PeerCertificate): Error | undefined => {
      stranger = mode === "verify-full" && !standsForHost(certificate, host);
      return stranger ? new Error(`name \`${host}' not present in server certificate`) : undefined;
    };
    const options = {
      secureContext: context as SecureContext, // `forServer` is not "no" without one.
      rejectUnauthorized: mode.startsWith("verify"),
      checkServerIdentity: isHost,
      ...(isIP(host) === 0 ? { servername: host } : {}),
    };
    const wrap = (plain: Socket): TLSSocket => connect({ ...options, socket: plain });
    const socket = channel.secure(wrap, Buffer.alloc(0));
    let over = false;
    const ended = (result: Handshake): void => {
      if (!over) done(result);
      over = true;
    };
    socket.once("secureConnect", () => ended({ peer: peerOf(socket) }));
    // Whether the certificate is trusted is known in every mode: it says what went wrong only before the end.
    socket.prependOnceListener("error", (error: Error) => {
      const untrusted = socket.authorizationError && !stranger;
      ended({ error: untrusted ? unverified(error.message) : failureOf(error) });
    });
  }

  /**
   * Key and certificate for servers may be exchanged without a RELOAD, as those that live for hours are. Where
   * they are not in order, as between the two, the old ones stay in force.
   * Source: PgBouncer 1.25.2 src/sbuf.c, sbuf_tls_connect(), where each connection reads them.
   */
  private readAgain(): void {
    const files = filesOf(this.config.values, "server");
    if (files === this.server.files) return;
    try {
      this.server = readSide(this.config, "server");
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.server = { ...this.server, files };
      this.log.write("WARNING", `TLS files have changed, the old ones are used: ${error.message}`);
    }
  }
}

function judgeClient(socket: TLSSocket, needed: boolean): Handshake {
  const shown = Object.keys(socket.getPeerCertificate()).length > 0;
  const error = verifyError(socket);
  if (shown && error !== undefined) return { error: unverified(error) };
  if (!shown && needed) return { error: "peer did not return a certificate" };
  return { peer: peerOf(socket) };
}

/** OpenSSL's words without the places in its source, as PgBouncer has them. */
function failureOf({ message }: Error): string {
  const [, code, library, reason] = /error:(\w+):([^:]*):[^:]*:([^:]*):/.exec(message) ?? [];
  return code === undefined ? message : `handshake failed: error:${code}:${library}::${reason}`;
}

const unverified = (why: string): string => `certificate verify failed: ${why}`;

/**
 * Why a client's certificate does not verify; undefined: it does. Node tells that through its own listening
 * TLS server only, which cannot take our sockets; so its source is asked, and where Node has changed
 * inside, no certificate counts.
 */
function verifyError(socket: TLSSocket): string | undefined {
  type Handle = { verifyError?: () => Error | null };
  const handle = (socket as unknown as { _handle?: Handle })._handle;
  if (typeof handle?.verifyError !== "function") return "this Node.js does not tell";
  return handle.verifyError()?.message;
}

function peerOf(socket: TLSSocket): TlsPeer {
  const certificate = socket.getPeerCertificate();
  const shown = Object.keys(certificate).length > 0;
  const info = `${socket.getProtocol()}/${socket.getCipher().name}`;
  return { info, names: shown ? certificateNames(certificate) : undefined };
}
