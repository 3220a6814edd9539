/**
 * What the TLS settings mean: versions, ciphers, and which settings need which others. Files are not
 * read here. Source: PgBouncer 1.25.2 src/sbuf.c, sbuf_tls_setup(); lib/usual/tls/tls_config.c.
 */
import { ConfigError, didYouMean } from "./errors.ts";
import type { Config } from "./ini.ts";
import type { SettingName, Values } from "./settings.ts";

/** Versions of TLS, oldest first, as OpenSSL calls them. */
export const TLS_VERSIONS = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] as const;
export type TlsVersion = (typeof TLS_VERSIONS)[number];

/** The two sides on which the pooler speaks TLS, as the settings' names begin. */
export type TlsSide = "client" | "server";

/** Cipher suites of TLS 1.3, OpenSSL's default ones first. */
const SUITES = [
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_128_CCM_SHA256",
  "TLS_AES_128_CCM_8_SHA256",
];
const DEFAULT_SUITES = SUITES.slice(0, 3);

/** Words for "as OpenSSL has it" in the lists of ciphers. */
const DEFAULT_CIPHERS = new Set(["", "default", "secure", "normal", "fast"]);

const SECURE: readonly TlsVersion[] = ["TLSv1.2", "TLSv1.3"];
const VERSION_WORDS: Readonly<Record<string, readonly TlsVersion[]>> = {
  all: TLS_VERSIONS,
  legacy: TLS_VERSIONS,
  default: SECURE,
  secure: SECURE,
  tlsv1: TLS_VERSIONS,
  "tlsv1.0": ["TLSv1"],
  "tlsv1.1": ["TLSv1.1"],
  "tlsv1.2": ["TLSv1.2"],
  "tlsv1.3": ["TLSv1.3"],
};

/** The versions that a list such as `tlsv1.2,tlsv1.3` or `all,!tlsv1.0` names; undefined: it is none. */
export function tlsVersions(list: string): ReadonlySet<TlsVersion> | undefined {
  const versions = new Set<TlsVersion>(list.trimStart().startsWith("!") ? TLS_VERSIONS : []);
  if (list === "") return new Set(SECURE);
  for (const part of list.split(/[,:]/)) {
    const [, not = "", word = ""] = /^[ \t]*(!?)(.*)$/.exec(part.toLowerCase()) ?? [];
    const named = Object.hasOwn(VERSION_WORDS, word) ? VERSION_WORDS[word] : undefined;
    if (named === undefined) return undefined;
    for (const version of named) {
      if (not === "") versions.add(version);
      else versions.delete(version);
    }
  }
  return versions.size === 0 ? undefined : versions;
}

/** OpenSSL's list of ciphers for both settings together, as Node takes it: TLS 1.3 first. */
export function tlsCiphers(values: Values, side: TlsSide): string {
  const older = values[`${side}_tls_ciphers`];
  const suites = values[`${side}_tls13_ciphers`];
  const named = suites === null || suites === "" ? DEFAULT_SUITES.join(":") : suites;
  return `${named}:${DEFAULT_CIPHERS.has(older.toLowerCase()) ? "DEFAULT" : older}`;
}

/** One error for each TLS setting that is wrong in itself or lacks another; none: all is in order. */
export function tlsRefusals(config: Config): ConfigError[] {
  return [
    ...clientRefusals(config),
    ...pairRefusals(config),
    ...sideRefusals(config, "client"),
    ...sideRefusals(config, "server"),
  ];
}

/** Where the setting was written, or the file when it was not. */
export function placeOf(config: Config, name: SettingName): string {
  return config.given.get(name) ?? config.file;
}

function clientRefusals(config: Config): ConfigError[] {
  const { values } = config;
  const mode = values.client_tls_sslmode;
  const errors: ConfigError[] = [];
  const needs = (name: SettingName, why: string, expected: string): void => {
    errors.push(new ConfigError({ at: placeOf(config, name), name, expected, fix: why }));
  };
  if (mode !== "disable") {
    const why = `client_tls_sslmode = ${mode} needs it`;
    if (values.client_tls_key_file === "") needs("client_tls_key_file", why, "a file with a key");
    if (values.client_tls_cert_file === "")
      needs("client_tls_cert_file", why, "a file with a certificate");
  }
  if (values.auth_type === "cert" && mode !== "verify-full") {
    const at = placeOf(config, "client_tls_sslmode");
    const fix = "auth_type = cert needs it";
    const name = "client_tls_sslmode";
    errors.push(new ConfigError({ at, name, got: mode, expected: "verify-full", fix }));
  }
  if (mode.startsWith("verify") && values.client_tls_ca_file === "")
    needs(
      "client_tls_ca_file",
      `client_tls_sslmode = ${mode} needs it`,
      "a file with certificates",
    );
  return errors;
}

/**
 * For servers a key and its certificate may both be left out, but not one of them. PgBouncer then starts, and
 * fails at each server that has TLS: "private/public key mismatch".
 */
function pairRefusals(config: Config): ConfigError[] {
  const { values } = config;
  const { server_tls_key_file: key, server_tls_cert_file: certificate } = values;
  if (values.server_tls_sslmode === "disable" || (key === "") === (certificate === "")) return [];
  const [name, given, expected]: [SettingName, SettingName, string] =
    key === ""
      ? ["server_tls_key_file", "server_tls_cert_file", "a file with the key of the certificate"]
      : ["server_tls_cert_file", "server_tls_key_file", "a file with the certificate of the key"];
  const at = placeOf(config, given);
  return [new ConfigError({ at, name, expected, fix: `${given} needs it` })];
}

function sideRefusals(config: Config, side: TlsSide): ConfigError[] {
  const { values } = config;
  if (values[`${side}_tls_sslmode`] === "disable") return []; // What is not used may be anything.
  const errors: ConfigError[] = [];
  const versions = values[`${side}_tls_protocols`];
  if (tlsVersions(versions) === undefined) {
    const name: SettingName = `${side}_tls_protocols`;
    const expected = "a list of tlsv1.0 | tlsv1.1 | tlsv1.2 | tlsv1.3, or secure | all";
    const fix = didYouMean(versions, Object.keys(VERSION_WORDS));
    errors.push(new ConfigError({ at: placeOf(config, name), name, got: versions, expected, fix }));
  }
  const suites = values[`${side}_tls13_ciphers`] ?? "";
  const unknown = suites.split(":").find((suite) => suite !== "" && !SUITES.includes(suite));
  if (unknown !== undefined) {
    const name: SettingName = `${side}_tls13_ciphers`;
    const expected = `a list, between colons, of ${SUITES.join(" | ")}`;
    const fix = didYouMean(unknown, SUITES) ?? "failed to set the TLSv1.3 cipher suites";
    errors.push(new ConfigError({ at: placeOf(config, name), name, got: unknown, expected, fix }));
  }
  return errors;
}
