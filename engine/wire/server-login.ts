/** Login of us to a server, as a state machine without I/O. Signatures first. */
import type { Buffer } from "node:buffer";
import type { ScramKeys } from "./client-login.ts";

export type ServerLoginEvent =
  /** The server takes TLS: upgrade the socket, call `secured`, write the output. */
  | { kind: "tls" }
  /** Logged in, connect_query done. `parameters` in order of arrival; `key` is BackendKeyData's body. */
  | { kind: "ready"; parameters: [name: string, value: string][]; key: Buffer }
  /** fatal: the server said no (not 57P03): waiting clients get text and SQLSTATE. */
  | { kind: "failed"; fatal: boolean; sqlstate: string; text: string };

export interface ServerLoginOptions {
  tls: "no" | "preferred" | "required";
  user: string;
  /** Startup parameters in order, without user: database, client_encoding, options, ... */
  parameters: readonly (readonly [string, string])[];
  /** Plain, md5 or SCRAM secret; "" when there is none. */
  secret: string;
  /** For a SCRAM secret: keys learnt from the client's login. */
  scramKeys: ScramKeys | undefined;
  connectQuery: string | undefined;
  maxPacketSize: number;
  random: (bytes: number) => Buffer;
}

export declare class ServerLogin {
  constructor(options: ServerLoginOptions);
  readonly output: Buffer[];
  consumed: number;
  /** The socket is connected: puts SSLRequest or StartupMessage into the output. */
  start(): void;
  secured(): void;
  feed(buffer: Buffer, start: number, end: number): ServerLoginEvent | undefined;
}
