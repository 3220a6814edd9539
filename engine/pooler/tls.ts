/**
 * TLS on both sides: what the settings ask for made into contexts, and the handshakes. Node's tls does the
 * work on top of the channel's socket. Source: PgBouncer 1.25.2 src/sbuf.c.
 */
import { constants, createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { isIP, type Socket } from "node:net";
import {
  checkServerIdentity,
  connect,
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  TLSSocket,
} from "node:tls";
import {
  type Config,
  ConfigError,
  placeOf,
  TLS_VERSIONS,
  type TlsSide,
  tlsCiphers,
  tlsRefusals,
  tlsVersions,
  type Values,
} from "../config/index.ts";
import { certificateNames } from "./certificates.ts";
import type { Channel } from "./channel.ts";
import { inWords } from "./errors.ts";
import type { Log } from "./log.ts";

type Mode = Values["client_tls_sslmode"];

/** What a handshake has shown of the other side. */
export interface TlsPeer {
  /** Version and cipher, such as "TLSv1.3/TLS_AES_256_GCM_SHA384". */
  readonly info: string;
  /** Names in the certificate, which has been verified; undefined: it showed none. */
  readonly names: readonly string[] | undefined;
}

/** How a handshake has ended: what is known of the other side, or why it failed. */
export type Handshake = { readonly peer: TlsPeer } | { readonly error: string };

/** Protocol name of PostgreSQL for ALPN, which clients that begin with TLS must name. */
const ALPN = "postgresql";

const PROHIBIT = {
  TLSv1: constants.SSL_OP_NO_TLSv1,
  "TLSv1.1": constants.SSL_OP_NO_TLSv1_1,
  "TLSv1.2": constants.SSL_OP_NO_TLSv1_2,
  "TLSv1.3": constants.SSL_OP_NO_TLSv1_3,
} as const;

/** One side's mode and context; no context with `disable`. */
interface Side {
  readonly mode: Mode;
  readonly context: SecureContext | undefined;
  /** Differs where anything in settings or files differs. */
  readonly fingerprint: string;
}

/** Both sides as the configuration in force has them. */
export class Tls {
  private readonly client: Side;
  private readonly server: Side;

  /** Reads the files. Errors: ConfigError for a setting or a file that cannot be read or used. */
  constructor(config: Config) {
    const [refusal] = tlsRefusals(config);
    if (refusal !== undefined) throw refusal;
    this.client = side(config, "client");
    this.server = side(config, "server");
  }

  /**
   * What holds after RELOAD or SET: the new configuration, or, where its files are not in order, this
   * one, which is logged. So key and certificate can be exchanged by one SET each.
   */
  reloaded(config: Config, log: Log): Tls {
    try {
      return new Tls(config);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      log.write("ERROR", `TLS setup failed: ${error.message}`);
      log.write("ERROR", "TLS configuration could not be reloaded, keeping old configuration");
      return this;
    }
  }

  /** True: servers reached under `before` must be reached anew. */
  reconnects(before: Tls): boolean {
    return this.server.fingerprint !== before.server.fingerprint;
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
    socket.once("_tlsError", (error: Error) => done({ error: failureOf(error) }));
    socket.once("secure", () => done(judgeClient(socket, mode.startsWith("verify"))));
  }

  /** Begins a handshake with a server called `host`. */
  connect(channel: Channel, host: string, done: (result: Handshake) => void): void {
    const { mode, context } = this.server;
    const verified = mode.startsWith("verify");
    const options = {
      secureContext: context as SecureContext, // `forServer` is not "no" without one.
      rejectUnauthorized: verified,
      checkServerIdentity: (_: string, certificate: Parameters<typeof checkServerIdentity>[1]) =>
        mode === "verify-full" ? checkServerIdentity(host, certificate) : undefined,
      ...(isIP(host) === 0 ? { servername: host } : {}),
    };
    const wrap = (plain: Socket): TLSSocket => connect({ ...options, socket: plain });
    const socket = channel.secure(wrap, Buffer.alloc(0));
    let up = false;
    socket.once("secureConnect", () => {
      up = true;
      done({ peer: peerOf(socket) });
    });
    socket.prependOnceListener("error", (error: NodeJS.ErrnoException) => {
      if (socket.authorizationError) done({ error: unverified(error.message) });
      else if (!up) done({ error: failureOf(error) });
    });
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

/** Errors: ConfigError. */
function side(config: Config, which: TlsSide): Side {
  const { values } = config;
  const mode = values[`${which}_tls_sslmode`];
  if (mode === "disable") return { mode, context: undefined, fingerprint: mode };
  const options = { ...optionsOf(values, which), ...filesOf(config, which) };
  const fingerprint = createHash("sha256")
    .update(JSON.stringify([mode, options]))
    .digest("hex");
  try {
    return { mode, context: createSecureContext(options), fingerprint };
  } catch (error) {
    throw new ConfigError({
      at: placeOf(config, `${which}_tls_sslmode`),
      name: `TLS of ${which}s`,
      problem: "cannot be set up",
      expected: "a key, its certificate and ciphers that OpenSSL takes together",
      fix: (error as Error).message,
    });
  }
}

function optionsOf(values: Values, which: TlsSide): SecureContextOptions {
  const allowed = tlsVersions(values[`${which}_tls_protocols`]) ?? new Set();
  let secureOptions = constants.SSL_OP_NO_TICKET | constants.SSL_OP_CIPHER_SERVER_PREFERENCE;
  for (const version of TLS_VERSIONS) if (!allowed.has(version)) secureOptions |= PROHIBIT[version];
  const options = {
    minVersion: TLS_VERSIONS[0],
    maxVersion: TLS_VERSIONS[3],
    secureOptions,
    ciphers: tlsCiphers(values, which),
  };
  if (which === "server") return options;
  const { client_tls_dheparams: dhe, client_tls_ecdhcurve: curve } = values;
  return {
    ...options,
    // "none" leaves it to OpenSSL, which has no TLS 1.3 without a curve.
    ecdhCurve: /^(auto|none|)$/i.test(curve) ? "auto" : curve,
    ...(dhe.toLowerCase() === "none" ? {} : { dhparam: "auto" }),
  };
}

function filesOf(config: Config, which: TlsSide): SecureContextOptions {
  const read = (kind: "key" | "cert" | "ca"): string | undefined => {
    const name = `${which}_tls_${kind}_file` as const;
    const path = config.values[name];
    if (path === "") return undefined;
    try {
      return readFileSync(path, "utf8");
    } catch (error) {
      throw new ConfigError({
        at: placeOf(config, name),
        name,
        got: path,
        expected: "the name of a readable file",
        fix: inWords(error as NodeJS.ErrnoException),
      });
    }
  };
  const [key, cert, ca] = [read("key"), read("cert"), read("ca")];
  return {
    ...(key === undefined ? {} : { key }),
    ...(cert === undefined ? {} : { cert }),
    ...(ca === undefined ? {} : { ca }),
  };
}
