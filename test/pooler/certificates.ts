/** Certificates for tests, made by openssl. Where there is none, the tests that need them are skipped. */
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";

/** Is there an openssl that can sign? Debian's package `openssl` has it. */
export const HAS_OPENSSL = /^OpenSSL 3/.test(
  spawnSync("openssl", ["version"]).stdout?.toString() ?? "",
);
/** Is there a psql? Debian's package `postgresql-client` has it. */
export const HAS_PSQL = spawnSync("psql", ["--version"]).status === 0;

/** Paths of a private key and of its certificate. */
export interface Pair {
  key: string;
  cert: string;
}

/** A certificate authority in a directory of its own. */
export class Authority {
  readonly directory: string;
  readonly root: Pair;
  private count = 0;

  constructor(directory: string, name: string) {
    this.directory = directory;
    this.root = this.make(name, ["-addext", "basicConstraints=critical,CA:true"]);
  }

  /** Signs a certificate for `name`, which is its common name, and for further DNS names. */
  sign(name: string, ...dns: string[]): Pair {
    const { cert, key } = this.root;
    const names = dns.map((other) => `DNS:${other}`).join(",");
    const more = names === "" ? [] : ["-addext", `subjectAltName=${names}`];
    return this.make(name, ["-CA", cert, "-CAkey", key, ...more]);
  }

  private make(name: string, more: readonly string[]): Pair {
    const stem = join(this.directory, `${encodeURIComponent(name)}-${++this.count}`);
    const pair = { key: `${stem}.key`, cert: `${stem}.crt` };
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const files = ["-keyout", pair.key, "-out", pair.cert, "-subj", `/CN=${name}`, "-days", "2"];
    execFileSync("openssl", ["req", "-x509", ...curve, ...files, ...more], { stdio: "pipe" });
    return pair;
  }
}
