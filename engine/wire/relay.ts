/**
 * Relay of one linked pair, the hot path: two halves that are joined at a grant and parted at a
 * release. Each is fed what its socket received, writes to the other's sink and comes to a verdict.
 */
import type { ClientRelay } from "./client-relay.ts";
import type { ServerRelay } from "./server-relay.ts";

export { ClientRelay } from "./client-relay.ts";
export type { Sink } from "./gather.ts";
export { ServerRelay } from "./server-relay.ts";
export { RELAY, type RelayOptions } from "./verdicts.ts";

/** Joins the two halves at a `grant`. */
export function link(client: ClientRelay, server: ServerRelay): void {
  client.server = server;
  server.client = client;
}

/** Parts them at an `unlink`. */
export function unlink(client: ClientRelay, server: ServerRelay): void {
  client.server = undefined;
  client.copying = false;
  server.client = undefined;
}
