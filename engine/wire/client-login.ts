/** Login of a client to us, as a state machine without I/O. Signatures first. */
import type { Buffer } from "node:buffer";
import type { Refusal, Startup, StartupRules } from "./startup.ts";

export type AuthMethod = "any" | "trust" | "plain" | "md5" | "scram-sha-256";

export type ClientLoginEvent =
  /** 'S' is in the output: after writing it, upgrade the socket and feed the decrypted bytes. */
  | { kind: "tls" }
  | { kind: "cancel"; key: Buffer }
  /** Check limits and database, look the user up (at leisure), then call `authenticate`. */
  | Startup
  | { kind: "authenticated"; scramKeys: ScramKeys | undefined }
  /** Send `errorResponse("FATAL", sqlstate, text)` if told, and close. */
  | Refusal;

/** Keys learnt from a SCRAM login; they let us log in to a server that has the same secret. */
export interface ScramKeys {
  clientKey: Buffer;
  serverKey: Buffer;
}

export interface Credentials {
  user: string;
  /** Plain, "md5..." or "SCRAM-SHA-256$...". Undefined: no such user, mock authentication. */
  secret: string | undefined;
}

export interface ClientLoginOptions {
  /** TLS can be offered on this socket; and is it asked for (client_tls_sslmode >= require)? */
  tls: "no" | "offered" | "required";
  rules: StartupRules;
  maxPacketSize: number;
  /** 18 or more random bytes for the SCRAM nonce, 4 of them for the md5 salt, 16 for a SCRAM salt. */
  random: (bytes: number) => Buffer;
  scramIterations: number;
  /** Process-wide secret from which the salts of unknown users are derived. */
  mockKey: Buffer;
}

export declare class ClientLogin {
  constructor(options: ClientLoginOptions);
  /** Bytes to write to the client; drain after every call. */
  readonly output: Buffer[];
  /** How far the last feed came. */
  consumed: number;
  /** Takes bytes; stops at the first event. Feed the rest again from `consumed`. */
  feed(buffer: Buffer, start: number, end: number): ClientLoginEvent | undefined;
  /** The TLS handshake is over. */
  secured(): void;
  /** Answer to `startup`: which method, and the user's secret. */
  authenticate(method: AuthMethod, credentials: Credentials): ClientLoginEvent | undefined;
}
