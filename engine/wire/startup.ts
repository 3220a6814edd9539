/** First packets of a client, and the startup parameters in them. Signatures first. */
import type { Buffer } from "node:buffer";
import type { VariableNames, Variables } from "./variables.ts";

export type Replication = "no" | "physical" | "logical";
export interface Startup {
  kind: "startup";
  user: string;
  /** The user's name when the client named none. */
  database: string;
  replication: Replication;
  variables: Variables;
  /** `options` as sent; kept for replication connections, which pass it on. */
  options: string | undefined;
  /** Bytes of NegotiateProtocolVersion to send, when the client asked for more than 3.0. */
  negotiate: Buffer | undefined;
}
/** Why a login is refused. */
export interface Refusal {
  kind: "refused";
  /** False: the socket is closed without a word. */
  told: boolean;
  sqlstate: string;
  text: string;
}
export interface StartupRules {
  names: VariableNames;
  /** ignore_startup_parameters. */
  ignored: ReadonlySet<string>;
  /** application_name_add_host: the client's "host:port", or undefined when off. */
  peer: string | undefined;
}
