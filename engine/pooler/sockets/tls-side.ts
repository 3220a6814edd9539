/**
 * What the TLS settings of one side come to: its files read, and a context for handshakes.
 * Source: PgBouncer 1.25.2 src/sbuf.c, setup_tls(); lib/usual/tls/tls.c, tls_configure_ssl_verify().
 */
import { constants, X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import {
  type Config,
  ConfigError,
  placeOf,
  type SettingName,
  TLS_VERSIONS,
  type TlsSide,
  tlsCiphers,
  tlsVersions,
  type Values,
} from "../../config/index.ts";
import { inWords } from "../system/errors.ts";
import { fileState } from "../system/file-state.ts";

/** One side's mode and context; no context with `disable`. */
export interface Side {
  readonly mode: Values["client_tls_sslmode"];
  readonly context: SecureContext | undefined;
  /** Differs where a setting differs. As in PgBouncer that is names of files, not what is in them. */
  readonly settings: string;
  /** The files as they were when they were read. */
  readonly files: string;
}

/** Whom to trust where no file says so. Source: lib/usual/config.h, USUAL_TLS_CA_FILE as in Debian. */
const SYSTEM_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt";

const PROHIBIT = {
  TLSv1: constants.SSL_OP_NO_TLSv1,
  "TLSv1.1": constants.SSL_OP_NO_TLSv1_1,
  "TLSv1.2": constants.SSL_OP_NO_TLSv1_2,
  "TLSv1.3": constants.SSL_OP_NO_TLSv1_3,
} as const;

/** Reads the files. Errors: ConfigError. */
export function readSide(config: Config, which: TlsSide): Side {
  const { values } = config;
  const mode = values[`${which}_tls_sslmode`];
  if (mode === "disable") return { mode, context: undefined, settings: mode, files: "" };
  const plain = optionsOf(values, which);
  const settings = JSON.stringify([mode, plain, namesOf(values, which)]);
  const files = filesOf(values, which);
  const options = { ...plain, ...contentsOf(config, which) };
  try {
    return { mode, context: createSecureContext(options), settings, files };
  } catch (error) {
    throw new ConfigError({
      at: placeOf(config, `${which}_tls_sslmode`),
      name: `TLS of ${which}s`,
      problem: "cannot be set up",
      expected: "a key, its certificate and ciphers that OpenSSL takes together",
      fix: (error as Error).message,
    });
  }
}

/** Changes when one of the files does. */
export const filesOf = (values: Values, which: TlsSide): string =>
  namesOf(values, which).map(fileState).join();

function namesOf(values: Values, which: TlsSide): string[] {
  const kinds = ["key", "cert", "ca"] as const;
  return kinds.map((kind) => values[`${which}_tls_${kind}_file`]);
}

function optionsOf(values: Values, which: TlsSide): SecureContextOptions {
  const allowed = tlsVersions(values[`${which}_tls_protocols`]) ?? new Set();
  let secureOptions = constants.SSL_OP_NO_TICKET | constants.SSL_OP_CIPHER_SERVER_PREFERENCE;
  for (const version of TLS_VERSIONS) if (!allowed.has(version)) secureOptions |= PROHIBIT[version];
  const options = {
    minVersion: TLS_VERSIONS[0],
    maxVersion: TLS_VERSIONS[3],
    secureOptions,
    ciphers: tlsCiphers(values, which),
  };
  if (which === "server") return options;
  const { client_tls_dheparams: dhe, client_tls_ecdhcurve: curve } = values;
  return {
    ...options,
    // "none" leaves it to OpenSSL, which has no TLS 1.3 without a curve.
    ecdhCurve: /^(auto|none|)$/i.test(curve) ? "auto" : curve,
    ...(dhe.toLowerCase() === "none" ? {} : { dhparam: "auto" }),
  };
}

/** What stands in the files that are needed. Certificates of servers are not looked at below verify-ca. */
function contentsOf(config: Config, which: TlsSide): SecureContextOptions {
  const { values } = config;
  const read = (name: SettingName, path: string): string | undefined =>
    path === "" ? undefined : textOf(config, name, path);
  const [keyName, certName, caName] = [
    `${which}_tls_key_file`,
    `${which}_tls_cert_file`,
    `${which}_tls_ca_file`,
  ] as const;
  const [key, cert] = [read(keyName, values[keyName]), read(certName, values[certName])];
  const verified = which === "client" || values.server_tls_sslmode.startsWith("verify");
  const system = existsSync(SYSTEM_AUTHORITIES) ? SYSTEM_AUTHORITIES : "";
  const path = verified ? values[caName] || system : "";
  const ca = read(caName, path);
  if (ca !== undefined) checkAuthorities(config, caName, path, ca);
  return {
    ...(key === undefined ? {} : { key }),
    ...(cert === undefined ? {} : { cert }),
    ...(ca === undefined ? {} : { ca }),
  };
}

/** Node.js takes an empty file for one that is not given. */
function textOf(config: Config, name: SettingName, path: string): string {
  const wrong = (expected: string, fix: string): ConfigError =>
    new ConfigError({ at: placeOf(config, name), name, got: path, expected, fix });
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw wrong("the name of a readable file", inWords(error as NodeJS.ErrnoException));
  }
  if (text === "") throw wrong("a file with something in it", "it is empty");
  return text;
}

const CERTIFICATE =
  /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----.*?-----END (?:X509 |TRUSTED )?CERTIFICATE-----/gs;

/** Node.js takes a file without certificates for one that trusts nobody, and leaves out what is broken. */
function checkAuthorities(config: Config, name: SettingName, path: string, text: string): void {
  const wrong = (fix: string): ConfigError =>
    new ConfigError({
      at: placeOf(config, name),
      name,
      got: path,
      expected: "a file with certificates",
      fix: `failed to load CA: ${fix}`,
    });
  const found = text.match(CERTIFICATE) ?? [];
  const begun = text.match(/-----BEGIN [A-Z0-9 ]*CERTIFICATE-----/g) ?? [];
  if (begun.length === 0) throw wrong("no certificate found");
  if (found.length < begun.length) throw wrong("a certificate has no end");
  for (const certificate of found) {
    try {
      new X509Certificate(certificate);
    } catch (error) {
      throw wrong((error as Error).message);
    }
  }
}
