/** What the TLS settings mean, and which combinations are refused. */
import { describe, expect, test } from "vitest";
import { parseIni, poolerRefusals, tlsCiphers, tlsVersions } from "../../engine/config/index.ts";

const load = (...lines: string[]) => parseIni("a.ini", () => `[pgbouncer]\n${lines.join("\n")}\n`);

test.each([
  ["secure", "TLSv1.2 TLSv1.3"],
  ["default", "TLSv1.2 TLSv1.3"],
  ["all", "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3"],
  ["", "TLSv1.2 TLSv1.3"],
  ["tlsv1.3", "TLSv1.3"],
  ["tlsv1.0: TLSV1.2", "TLSv1 TLSv1.2"],
  ["!tlsv1.0", "TLSv1.1 TLSv1.2 TLSv1.3"],
  ["all,!tlsv1.0,!tlsv1.1", "TLSv1.2 TLSv1.3"],
  ["tlsv1.2,!tlsv1.2", undefined],
  ["tls1.2", undefined],
  ["constructor", undefined],
])("protocols %j are %s", (list, want) => {
  const versions = tlsVersions(list);
  expect(versions && [...versions].sort().join(" ")).toBe(want);
});

test.each([
  [[], "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:DEFAULT"],
  [
    ["client_tls_ciphers = HIGH", "client_tls13_ciphers = TLS_AES_128_GCM_SHA256"],
    "TLS_AES_128_GCM_SHA256:HIGH",
  ],
] as const)("ciphers of %j are %s", (lines, want) => {
  expect(tlsCiphers(load(...lines).values, "client")).toBe(want);
});

const pair = ["client_tls_key_file = k", "client_tls_cert_file = c"];
const ca = "client_tls_ca_file = a";

describe("refused:", () => {
  test.each([
    [
      ["client_tls_sslmode = allow", "client_tls_cert_file = c"],
      "a.ini: client_tls_key_file is missing; expected a file with a key; client_tls_sslmode = allow needs it",
    ],
    [
      ["client_tls_sslmode = require", "client_tls_key_file = k"],
      "a.ini: client_tls_cert_file is missing; expected a file with a certificate; client_tls_sslmode = require needs it",
    ],
    [
      ["client_tls_sslmode = verify-ca", ...pair],
      "a.ini: client_tls_ca_file is missing; expected a file with certificates; client_tls_sslmode = verify-ca needs it",
    ],
    [
      ["auth_type = cert", "client_tls_sslmode = verify-ca", ...pair, ca],
      'a.ini:3: client_tls_sslmode is "verify-ca"; expected verify-full; auth_type = cert needs it',
    ],
    [
      ["server_tls_key_file = k"],
      "a.ini:2: server_tls_cert_file is missing; expected a file with the certificate of the key; server_tls_key_file needs it",
    ],
    [
      ["server_tls_sslmode = verify-ca", "server_tls_cert_file = c"],
      "a.ini:3: server_tls_key_file is missing; expected a file with the key of the certificate; server_tls_cert_file needs it",
    ],
    [
      ["server_tls_protocols = tlsv1.4"],
      'a.ini:2: server_tls_protocols is "tlsv1.4"; expected a list of tlsv1.0 | tlsv1.1 | tlsv1.2 | tlsv1.3, or secure | all; did you mean "tlsv1.0"?',
    ],
    [
      ["client_tls13_ciphers = unknown", "client_tls_sslmode = allow", ...pair],
      'a.ini:2: client_tls13_ciphers is "unknown"; expected a list, between colons, of TLS_AES_256_GCM_SHA384 | TLS_CHACHA20_POLY1305_SHA256 | TLS_AES_128_GCM_SHA256 | TLS_AES_128_CCM_SHA256 | TLS_AES_128_CCM_8_SHA256; failed to set the TLSv1.3 cipher suites',
    ],
  ])("%j", (lines, want) => {
    expect(poolerRefusals(load(...lines), () => false).map(({ message }) => message)).toContain(
      want,
    );
  });
});

test.each([
  [["client_tls_sslmode = require", ...pair]],
  [["client_tls_sslmode = verify-full", ...pair, ca]],
  [["server_tls_sslmode = verify-full", "server_tls_ca_file = x"]],
  [["server_tls_sslmode = verify-full"]],
  [["server_tls_key_file = k", "server_tls_cert_file = c"]],
  [["server_tls_key_file = k", "server_tls_sslmode = disable"]],
  [["client_tls13_ciphers = unknown", "client_tls_protocols = x"]],
  [["server_tls13_ciphers = unknown", "server_tls_sslmode = disable"]],
])("taken: %j", (lines) => {
  expect(poolerRefusals(load(...lines), () => false)).toEqual([]);
});
