/**
 * The relay of one linked pair, on the hot path: forwards chunks whole, counts what is outstanding,
 * and tells when the client needs a server and when the server is free. Signatures first.
 */
import type { Buffer } from "node:buffer";
import type { ClientStatements, ServerStatements } from "./prepared.ts";
import type { Variables } from "./variables.ts";

/** Where bytes go. The range is valid during the call only: copy what cannot be written at once. */
export interface Sink {
  write(buffer: Buffer, start: number, end: number): void;
}

/** What a feed came to. */
export declare const RELAY: {
  /** Everything was consumed; nothing to decide. */
  readonly more: 0;
  /** Client: a query begins. Call `core.request`; when linked, feed again from `consumed`. */
  readonly request: 1;
  /** The server is ready with nothing outstanding: once flushed, `core.ready(server.status)`. */
  readonly ready: 2;
  /** Client: it said Terminate. */
  readonly terminate: 3;
  /** Protocol violation: `error` is the text (FATAL 08P01 to the client; server: close it). */
  readonly error: 4;
  /** Server: it spoke while not linked; PgBouncer calls it dirty. Close it. */
  readonly dirty: 5;
};
export type Relayed = (typeof RELAY)[keyof typeof RELAY];

export interface RelayOptions {
  /** max_packet_size, bytes including the type byte. */
  maxPacketSize: number;
  disablePqexec: boolean;
}

/** The client's half; one for each logged-in client socket, whether linked or not. */
export declare class ClientRelay {
  constructor(
    sink: Sink,
    options: RelayOptions,
    variables: Variables,
    statements?: ClientStatements,
  );
  /** The linked server's half. Set both ends by `link` and `unlink`. */
  server: ServerRelay | undefined;
  /** How far the last feed came; less than its `end` only with `request`, `terminate`, `error`. */
  consumed: number;
  /** Why, after `error`. */
  error: string;
  /** Between two messages with nothing held back. */
  readonly atBoundary: boolean;
  readonly variables: Variables;
  /** Takes what the client sent; forwards to the linked server as far as it may. */
  feed(buffer: Buffer, start: number, end: number): Relayed;
}

/** The server's half; one for each logged-in server socket. */
export declare class ServerRelay {
  constructor(
    sink: Sink,
    options: RelayOptions,
    variables: Variables,
    statements?: ServerStatements,
  );
  client: ClientRelay | undefined;
  error: string;
  /** STATUS of engine/core: idle, transaction, failed, or busy while something is outstanding. */
  status: number;
  /** True when the pooler's own query (see `ask`) was answered with an error. */
  askFailed: boolean;
  readonly variables: Variables;
  /** True: in statement mode `ready` is told at every T or E, whatever is outstanding. */
  statementMode: boolean;
  /** Sends a query of the pooler's own (SET, reset, check); its answer is swallowed until `ready`. */
  ask(sql: string): void;
  /** Takes what the server sent; forwards to the linked client. */
  feed(buffer: Buffer, start: number, end: number): Relayed;
}

/** Links the two halves at a `grant`. */
export declare function link(client: ClientRelay, server: ServerRelay): void;
/** Parts them at an `unlink`. */
export declare function unlink(client: ClientRelay, server: ServerRelay): void;
