/** What one side of TLS trusts where no file says so. Skipped without openssl. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, connect as dial } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer } from "node:tls";
import { afterAll, expect, test, vi } from "vitest";
import { parseIni } from "../../engine/config/index.ts";
import { readSide } from "../../engine/pooler/sockets/tls-side.ts";
import { Authority, HAS_OPENSSL } from "./certificates.ts";

/** Stands in for the system's authorities. */
const system = vi.hoisted(() => ({ text: "" }));
vi.mock("node:fs", async (original) => {
  const real = await original<typeof import("node:fs")>();
  const isSystem = (path: unknown): boolean => path === "/etc/ssl/certs/ca-certificates.crt";
  const existsSync = (path: string): boolean => isSystem(path) || real.existsSync(path);
  const readFileSync = (path: string, encoding?: BufferEncoding) =>
    isSystem(path) ? system.text : real.readFileSync(path, encoding);
  return { ...real, default: real, existsSync, readFileSync };
});

const directory = mkdtempSync(join(tmpdir(), "pws-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test.skipIf(!HAS_OPENSSL)(
  "the system's authorities, as PgBouncer does, not those of Node.js",
  async () => {
    const authority = new Authority(directory, "System CA");
    const site = authority.sign("db", "db");
    system.text = readFileSync(authority.root.cert, "utf8");
    const config = parseIni("a.ini", () => "[pgbouncer]\nserver_tls_sslmode = verify-full\n");
    const { context } = readSide(config, "server");
    const server = createServer({ key: readFileSync(site.key), cert: readFileSync(site.cert) });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const socket = dial(port, "127.0.0.1");
    const secured = connect({
      socket,
      servername: "db",
      ...(context ? { secureContext: context } : {}),
    });
    await new Promise<void>((resolve, reject) => {
      secured.once("secureConnect", resolve).once("error", reject);
    });
    expect(secured.authorized).toBe(true);
    secured.destroy();
    server.close();
  },
);
