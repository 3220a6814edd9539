/** Grammar of the admin console. Signatures first. */
export type ShowName =
  | "active_sockets"
  | "clients"
  | "config"
  | "databases"
  | "dns_hosts"
  | "dns_zones"
  | "fds"
  | "help"
  | "lists"
  | "mem"
  | "peer_pools"
  | "peers"
  | "pools"
  | "servers"
  | "sockets"
  | "state"
  | "stats"
  | "stats_averages"
  | "stats_totals"
  | "totals"
  | "users"
  | "version";
export type ConsoleCommand =
  | { kind: "show"; what: ShowName }
  /** A server parameter that a driver asks for; the value is fixed. */
  | { kind: "show_fixed"; name: string; value: string }
  | { kind: "set"; key: string; value: string }
  /** A SET of a server parameter: answered by NOTICE "SET ignored". */
  | { kind: "set_ignored"; key: string }
  /** database "": all of them. */
  | { kind: "pause" | "resume" | "kill" | "reconnect" | "wait_close"; database: string }
  | { kind: "disable" | "enable"; database: string }
  | { kind: "kill_client"; client: number }
  | { kind: "reload" | "suspend" }
  | { kind: "shutdown"; mode: "immediate" | "wait_for_servers" | "wait_for_clients" }
  /** Answer: errorResponse("ERROR", "08P01", text) and ReadyForQuery. */
  | { kind: "error"; text: string };
export declare function parseCommand(sql: string): ConsoleCommand;
