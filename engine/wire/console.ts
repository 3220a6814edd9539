/**
 * Grammar of the admin console: one command per query, words in any case, names bare or in double
 * quotes, values in single quotes.
 * Source: PgBouncer 1.25.2 src/admin.c; pgbouncer-semantics.md 3.9 and 5.
 */

export const SHOW_NAMES = [
  "active_sockets",
  "clients",
  "config",
  "databases",
  "dns_hosts",
  "dns_zones",
  "fds",
  "help",
  "lists",
  "mem",
  "peer_pools",
  "peers",
  "pools",
  "servers",
  "sockets",
  "state",
  "stats",
  "stats_averages",
  "stats_totals",
  "totals",
  "users",
  "version",
] as const;
export type ShowName = (typeof SHOW_NAMES)[number];

export type ConsoleCommand =
  | { kind: "show"; what: ShowName }
  /** A server parameter that a driver asks for; the value is fixed. */
  | { kind: "show_fixed"; name: string; value: string }
  | { kind: "set"; key: string; value: string }
  /** SET of such a parameter: answered by NOTICE "SET ignored" and command tag SET. */
  | { kind: "set_ignored"; key: string }
  /** `database`: "" means all of them. */
  | { kind: "pause" | "resume" | "kill" | "reconnect" | "wait_close"; database: string }
  | { kind: "disable" | "enable"; database: string }
  | { kind: "kill_client"; client: number }
  | { kind: "reload" | "suspend" }
  | { kind: "shutdown"; mode: "immediate" | "wait_for_servers" | "wait_for_clients" }
  /** `errorResponse("ERROR", "08P01", text)`, then ReadyForQuery. */
  | { kind: "error"; text: string }
  /** The same, for who may give such a command at all. */
  | { kind: "misuse"; text: string };

/** Parameters that drivers ask for or set without need. */
const FIXED = new Map([
  ["client_encoding", "UTF-8"],
  ["default_transaction_isolation", "read committed"],
  ["standard_conforming_strings", "on"],
  ["datestyle", "ISO"],
  ["timezone", "GMT"],
]);

const WORD = `("(?:[^"]|"")*"|[0-9a-z_]+)`;
const STRING = `('(?:[^']|'')*')`;
const END = String.raw`[ \t\n\r]*(?:;[ \t\n\r]*)?$`;
const SPACE = String.raw`[ \t\n\r]`;
const COMMAND = new RegExp(`^${SPACE}*${WORD}(?:${SPACE}+${WORD})?${END}`, "i");
const SET = new RegExp(
  `^${SPACE}*set${SPACE}+${WORD}${SPACE}*(?:=|to)${SPACE}*(?:${STRING}|${WORD})${END}`,
  "i",
);
/** Longest words, in characters, without and with quotes counted as PgBouncer counts them. */
const LONGEST = { command: 15, argument: 63, value: 255 };
const BAD_ARGUMENTS: ConsoleCommand = { kind: "error", text: "bad arguments" };

/** Reads one query; `error` when it is not a command, with PgBouncer's text. */
export function parseCommand(sql: string): ConsoleCommand {
  const command = COMMAND.exec(sql);
  if (command !== null) {
    const [, name = "", argument = ""] = command;
    if (name.length > LONGEST.command || argument.length > LONGEST.argument) return BAD_ARGUMENTS;
    return named(unquote(name).toLowerCase(), unquote(argument), sql);
  }
  const set = SET.exec(sql);
  if (set === null) return invalid(sql);
  const [, key = "", string, word] = set;
  const value = string ?? word ?? "";
  const nameless = key === '""' || key.length > LONGEST.argument;
  if (nameless || value.length > LONGEST.value) return BAD_ARGUMENTS;
  return assign(unquote(key), unquote(value));
}

function assign(key: string, value: string): ConsoleCommand {
  if (FIXED.has(key.toLowerCase())) return { kind: "set_ignored", key };
  return { kind: "set", key, value };
}

function named(name: string, argument: string, sql: string): ConsoleCommand {
  switch (name) {
    case "show":
    case "select":
      return show(argument.toLowerCase(), sql);
    case "pause":
    case "resume":
    case "kill":
    case "reconnect":
    case "wait_close":
      return { kind: name, database: argument };
    case "disable":
    case "enable":
      if (argument === "") return { kind: "misuse", text: "a database is required" };
      return { kind: name, database: argument };
    case "kill_client":
      return killClient(argument);
    case "reload":
    case "suspend":
      return argument === "" ? { kind: name } : invalid(sql);
    case "shutdown":
      return shutdown(argument.toLowerCase(), sql);
    default:
      return invalid(sql);
  }
}

function show(what: string, sql: string): ConsoleCommand {
  const value = FIXED.get(what);
  if (value !== undefined) return { kind: "show_fixed", name: what, value };
  const known = SHOW_NAMES.find((name) => name === what);
  return known === undefined ? invalid(sql) : { kind: "show", what: known };
}

function killClient(argument: string): ConsoleCommand {
  const number = /^\s*[+-]?[0-9]+/.exec(argument); // As C's sscanf; what follows does not matter.
  if (number === null) return { kind: "misuse", text: "invalid client pointer supplied" };
  return { kind: "kill_client", client: Number(number[0]) };
}

function shutdown(mode: string, sql: string): ConsoleCommand {
  if (mode === "") return { kind: "shutdown", mode: "immediate" };
  if (mode === "wait_for_servers" || mode === "wait_for_clients") return { kind: "shutdown", mode };
  return invalid(sql);
}

function invalid(sql: string): ConsoleCommand {
  return { kind: "error", text: `invalid command '${sql}', use SHOW HELP;` };
}

/** Takes the quotes off, of either kind; doubled ones within stand for one. */
function unquote(text: string): string {
  const quote = text[0];
  if (quote !== '"' && quote !== "'") return text;
  return text.slice(1, -1).replaceAll(quote + quote, quote);
}
