/**
 * A resolver's file as libevent reads it, with which PgBouncer asks. Lines that it does not know are passed
 * over, as everywhere. Source: libevent 2.1 evdns.c, resolv_conf_parse_line(), evdns_base_set_option_impl().
 */
import { isIP } from "node:net";
import { ConfigError } from "./errors.ts";
import { type ReadFile, readFromDisk, readOrRefuse } from "./ini-lines.ts";

/** Whom to ask, and how. */
export interface ResolvConf {
  /** `ADDRESS`, `ADDRESS:PORT` or `[ADDRESS]:PORT`; one at least. */
  readonly servers: readonly string[];
  /** What is put behind names that have fewer dots than `dots`, first, and behind others after all else. */
  readonly domains: readonly string[];
  readonly dots: number;
  /** Milliseconds for one question. */
  readonly timeout: number;
  /** How often one is asked. */
  readonly attempts: number;
}

/** Throws ConfigError, whose place is `at`, for a file that cannot be read or names no server. */
export function loadResolvConf(
  path: string,
  at: string,
  readFile: ReadFile = readFromDisk,
): ResolvConf {
  const found = parse(readOrRefuse(path, at, readFile));
  if (found.servers.length > 0) return found;
  throw new ConfigError({
    at,
    name: "resolv_conf",
    got: path,
    expected: "a file with a line nameserver ADDRESS",
    fix: "no nameservers listed in the file",
  });
}

function parse(text: string): ResolvConf {
  const servers: string[] = [];
  let domains: readonly string[] = [];
  const options = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [word = "", ...values] = line.split(/[ \t\r]+/).filter((part) => part !== "");
    if (word === "nameserver" && isServer(values[0])) servers.push(values[0]);
    else if (word === "domain") domains = values.slice(0, 1);
    else if (word === "search") domains = values;
    else if (word === "options") for (const option of values) options.set(...split(option));
  }
  return {
    servers,
    domains,
    dots: within(options.get("ndots"), 0, 15, 1),
    timeout: 1_000 * within(options.get("timeout"), 0.001, 3_600, 5),
    attempts: Math.trunc(within(options.get("attempts"), 1, 255, 3)),
  };
}

function isServer(text: string | undefined): text is string {
  const [, six, four, plain = ""] =
    /^(?:\[([^\]]*)\](?::\d+)?|([^:]*):\d+|(.*))$/.exec(text ?? "") ?? [];
  if (six !== undefined) return isIP(six) === 6;
  return four === undefined ? isIP(plain) > 0 : isIP(four) === 4;
}

function split(option: string): [name: string, value: string] {
  const colon = option.indexOf(":");
  return colon < 0 ? [option, ""] : [option.slice(0, colon), option.slice(colon + 1)];
}

/** A number, brought within the limits; `preset` where there is none. */
function within(text: string | undefined, least: number, most: number, preset: number): number {
  const value = Number(text || Number.NaN);
  return Number.isNaN(value) ? preset : Math.min(most, Math.max(least, value));
}
