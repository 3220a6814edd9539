/**
 * Connection strings: `postgresql://user:password@host:port/database?sslmode=require` and libpq's
 * `host=... port=...` form. Only what a connection needs is taken; other keywords of libpq are
 * refused rather than silently dropped, except those that could not change a measurement.
 */
import { userInfo } from "node:os";
import { ConfigError } from "../../engine/config/errors.ts";

/** Where a server listens and who logs in there. */
export interface Address {
  /** Host name, IP address, or the absolute path of a socket's directory. */
  host: string;
  port: number;
  user: string;
  password?: string | undefined;
  database: string;
  /** TLS: left out means plain; `require` encrypts; the two others verify as well. */
  sslmode?: TlsMode | undefined;
}

/** The TLS modes of libpq that encrypt. */
export type TlsMode = "require" | "verify-ca" | "verify-full";

type Parts = Record<string, string>;

const WANTED = ["host", "port", "user", "password", "dbname", "sslmode"];
/** Known to libpq, without bearing on what is measured here. */
const HARMLESS = ["application_name", "connect_timeout", "target_session_attrs", "gssencmode"];
const PLAIN = ["disable", "allow", "prefer"];
const ENCRYPTED: readonly string[] = ["require", "verify-ca", "verify-full"];

/**
 * Reads a connection string. What it leaves out comes from PGHOST, PGPORT, PGUSER, PGPASSWORD and
 * PGDATABASE of `env`, then from libpq's defaults. Errors: ConfigError, which never shows a
 * password.
 */
export function parseDsn(text: string, env: NodeJS.ProcessEnv = process.env): Address {
  if (text.trim() === "") throw refusal("", undefined, "postgresql://user@host:port/database");
  const parts = /^postgres(ql)?:\/\//.test(text) ? urlParts(text) : keywordParts(text);
  for (const key of Object.keys(parts))
    if (!WANTED.includes(key) && !HARMLESS.includes(key))
      throw refusal(`keyword ${key}`, undefined, [...WANTED, ...HARMLESS].join(" | "));
  const user = parts.user || env.PGUSER || userInfo().username;
  return {
    host: parts.host || env.PGHOST || "localhost",
    port: portOf(parts.port || env.PGPORT || "5432"),
    user,
    password: parts.password || env.PGPASSWORD || undefined,
    database: parts.dbname || env.PGDATABASE || user,
    sslmode: tlsMode(parts.sslmode || env.PGSSLMODE || "prefer"),
  };
}

/** `address` as a person reads it, without its password. */
export function showAddress(address: Address): string {
  const place = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${address.user}@${place}:${address.port}/${address.database}`;
}

function urlParts(text: string): Parts {
  // A socket's directory may stand percent-encoded where the host goes, which URL refuses to read.
  const match = /^[a-z]+:\/\/(?:([^@/?]*)@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/.exec(text);
  if (match === null) throw refusal("", undefined, "postgresql://user@host:port/database");
  const [, login = "", place = "", database = "", query = ""] = match;
  const [, host = "", port = ""] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(place) ?? [];
  const [user = "", ...password] = login.split(":");
  return {
    host: decode(host.replace(/^\[|\]$/g, "")),
    port,
    user: decode(user),
    password: decode(password.join(":")),
    dbname: decode(database),
    ...Object.fromEntries(new URLSearchParams(query)),
  };
}

function keywordParts(text: string): Parts {
  const parts: Parts = {};
  const pattern = /\s*([a-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(\S*))\s*/y;
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (match === null)
      throw refusal("", undefined, "postgresql://user@host:port/database or key=value pairs");
    parts[match[1] ?? ""] = (match[2] ?? match[3] ?? "").replace(/\\(.)/g, "$1");
  }
  return parts;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refusal("", undefined, 'percent-encoding such as %20; "%" itself is %25');
  }
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) throw refusal("port", text, "1..65535");
  return port;
}

function tlsMode(text: string): TlsMode | undefined {
  if (PLAIN.includes(text)) return undefined;
  if (ENCRYPTED.includes(text)) return text as TlsMode; // One of the three: just checked.
  throw refusal("sslmode", text, [...PLAIN, ...ENCRYPTED].join(" | "));
}

/** Shows only the part at fault: the whole string may hold a password. */
function refusal(name: string, got: string | undefined, expected: string): ConfigError {
  const at = "connection string";
  if (name === "") return new ConfigError({ at, name: "it", problem: "cannot be read", expected });
  return new ConfigError({ at, name, got, expected });
}
