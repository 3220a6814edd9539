/** What the two halves of the relay have in common: their verdicts, and what each knows of the other. */
import type { Sink } from "./gather.ts";
import type { ClientStatements } from "./prepared.ts";
import type { Variables } from "./variables.ts";

/** What a feed came to. */
export const RELAY = {
  /** Everything was consumed; nothing to decide. */
  more: 0,
  /** Client: a query begins. Call `core.request`; when linked, feed again from `consumed`. */
  request: 1,
  /** Ready with nothing outstanding: once its bytes are flushed, `core.ready(server.status)`. */
  ready: 2,
  /** Client: it said Terminate. */
  terminate: 3,
  /** Protocol violation: `error` is the text. Client: FATAL 08P01 and close; server: close. */
  error: 4,
  /** Server: the query of `ask` was answered; `askError` tells how. */
  answered: 5,
} as const;
export type Relayed = (typeof RELAY)[keyof typeof RELAY];

export interface RelayOptions {
  /** max_packet_size: bytes of the largest message, the type byte included. */
  maxPacketSize: number;
  /** disable_pqexec: clients may not use the simple protocol. */
  disablePqexec: boolean;
}

/** What the server's half needs of the client's. */
export interface ClientHalf {
  readonly sink: Sink;
  readonly variables: Variables;
  readonly statements: ClientStatements | undefined;
  /** A query of the client has begun and is not over. */
  busy: boolean;
  /** The client may still send COPY data. */
  copying: boolean;
  /** No message of the client has been forwarded in part only. */
  readonly atBoundary: boolean;
}
