/** For which machines a certificate stands. */
import type { PeerCertificate } from "node:tls";
import { expect, test } from "vitest";
import { standsForHost } from "../../engine/pooler/sockets/certificates.ts";

const certificate = (common: string, subjectaltname = ""): PeerCertificate =>
  ({
    subject: { CN: common },
    ...(subjectaltname === "" ? {} : { subjectaltname }),
  }) as PeerCertificate;

test.each([
  // common name, further names, host, does it stand for it?
  ["db", "", "db", true],
  ["db", "", "DB", true],
  ["db", "", "db.example", false],
  ["db", "DNS:other", "db", true],
  ["db", "DNS:other, DNS:third", "third", true],
  ["*.example.com", "", "a.example.com", true],
  ["*.example.com", "", "a.b.example.com", false],
  ["*.example.com", "", ".example.com", false],
  ["*.example.com", "", "example.com", false],
  ["*.com", "", "example.com", false],
  ["*", "", "db", false],
  ["*a.example.com", "", "aa.example.com", false],
  ["x", "DNS:*.example.com", "a.example.com", true],
  ["10.0.0.1", "", "10.0.0.1", true],
  ["x", "DNS:10.0.0.1", "10.0.0.1", false],
  ["x", "DNS:y, IP Address:10.0.0.1", "10.0.0.1", true],
  ["x", "IP Address:10.0.0.2", "10.0.0.1", false],
  ["x", "IP Address:0:0:0:0:0:0:0:1", "::1", true],
])("%s and %j: %s -> %s", (common, more, host, want) => {
  expect(standsForHost(certificate(common, more), host)).toBe(want);
});
