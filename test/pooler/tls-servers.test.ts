/** TLS of servers, against a PostgreSQL with certificates. Skipped without openssl. */
import { randomInt } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Authority, HAS_OPENSSL, type Pair } from "./certificates.ts";
import { failure, Stage, until } from "./stage.ts";

/** The private PostgreSQL's own: all of them have port 5432. Linux takes any address of 127/8. */
const ADDRESS = `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`;

describe.skipIf(!HAS_OPENSSL)("TLS of servers", () => {
  let stage: Stage;
  let ours: Authority;
  let foreign: Authority;
  let trusted: Pair;
  let door: Server;

  /** A way in at 127.0.0.1, which is `localhost`. */
  beforeAll(async () => {
    stage = await Stage.open({ listen_addresses: ADDRESS });
    ours = new Authority(mkdtempSync(join(stage.directory, "ours-")), "Our CA");
    foreign = new Authority(mkdtempSync(join(stage.directory, "foreign-")), "Foreign CA");
    door = createServer((near) => {
      const far = connect({ host: ADDRESS, port: 5432, localAddress: "127.0.0.1" });
      near.pipe(far).pipe(near);
      near.on("error", () => far.destroy());
      far.on("error", () => near.destroy());
    });
    await once(door.listen(0, "127.0.0.1"), "listening");
    const direct = await stage.direct();
    const [{ data_directory }] = (await direct.query("show data_directory")).rows;
    trusted = ours.sign("localhost", "localhost");
    const { uid, gid } = statSync(data_directory);
    for (const [from, name] of [
      [trusted.key, "site.key"],
      [trusted.cert, "site.crt"],
      [ours.root.cert, "ca.crt"],
    ] as const) {
      const path = join(data_directory, name);
      copyFileSync(from, path);
      chownSync(path, uid, gid);
      chmodSync(path, 0o600);
    }
    const settings = {
      ssl_key_file: "site.key",
      ssl_cert_file: "site.crt",
      ssl_ca_file: "ca.crt",
    };
    for (const [name, value] of Object.entries(settings))
      await direct.query(`alter system set ${name} = '${value}'`);
    await encrypt(true);
  });

  afterAll(async () => {
    await stage.close();
    door.close();
  });

  const encrypt = async (on: boolean): Promise<void> => {
    const direct = await stage.direct();
    await direct.query(`alter system set ssl = ${on ? "on" : "off"}`);
    await direct.query("select pg_reload_conf()");
    const want = on ? "on" : "off";
    await until(async () => (await direct.query("show ssl")).rows[0].ssl === want);
  };

  /** A database entry at `host`, over TCP. */
  const entry = (host: string): string => {
    const { port } = door.address() as AddressInfo;
    return `far = host=${host} port=${port} dbname=postgres`;
  };
  const USED = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";

  const cases = [
    // server_tls_sslmode, host, CA, want
    ["disable", "127.0.0.1", "none", false],
    ["allow", "127.0.0.1", "none", true],
    ["prefer", "127.0.0.1", "none", true],
    ["require", "127.0.0.1", "none", true],
    ["verify-ca", "127.0.0.1", "ours", true],
    ["verify-ca", "127.0.0.1", "foreign", /certificate verify failed: self.signed certificate/],
    ["verify-full", "localhost", "ours", true],
    ["verify-full", "127.0.0.1", "ours", /certificate verify failed: Hostname\/IP does not match/],
  ] as const;
  test.each(cases)(
    "server_tls_sslmode = %s, host %s, CA %s -> %s",
    async (mode, host, ca, want) => {
      const logfile = join(stage.directory, `log-${mode}-${host}-${ca}`);
      const settings = {
        server_tls_sslmode: mode,
        server_tls_ca_file: ca === "none" ? "" : { ours, foreign }[ca].root.cert,
        client_login_timeout: 1,
        logfile,
      };
      const pooler = await stage.pooler(settings, entry(host));
      const user = stage.database.user;
      if (want instanceof RegExp) {
        const error = await failure(stage.client(pooler, { user, database: "far" }));
        expect(error.message).toBe("client_login_timeout (server down)");
        expect(readFileSync(logfile, "utf8")).toMatch(want);
        return;
      }
      const client = await stage.client(pooler, { user, database: "far" });
      expect((await client.query(USED)).rows).toEqual([{ ssl: want }]);
      const [row] = await (await stage.console(pooler)).ask("show servers");
      expect(row?.tls).toMatch(want ? /^TLSv1\.3\/TLS_/ : /^$/);
      expect(readFileSync(logfile, "utf8").includes("SSL established: TLSv1.3/")).toBe(want);
    },
  );

  test("a certificate of our own opens a server that asks for one", async () => {
    const direct = await stage.direct();
    const [{ hba_file }] = (await direct.query("show hba_file")).rows;
    const before = readFileSync(hba_file, "utf8");
    writeFileSync(hba_file, `hostssl all bob 127.0.0.1/32 cert\n${before}`);
    await direct.query("select pg_reload_conf()");
    const bob = ours.sign("bob");
    const settings = { server_tls_key_file: bob.key, server_tls_cert_file: bob.cert };
    const pooler = await stage.pooler(
      { server_tls_sslmode: "require", ...settings },
      entry("127.0.0.1"),
    );
    const client = await stage.client(pooler, { user: "bob", database: "far" });
    expect((await client.query("select current_user as name")).rows).toEqual([{ name: "bob" }]);
    writeFileSync(hba_file, before);
    await direct.query("select pg_reload_conf()");
  });

  test("a changed mode reconnects the servers; RELOAD without a change does not", async () => {
    const pooler = await stage.pooler({ server_tls_sslmode: "disable" }, entry("127.0.0.1"));
    const client = await stage.client(pooler, { user: stage.database.user, database: "far" });
    const admin = await stage.console(pooler);
    const seen = async () =>
      (await client.query("select ssl, pid from pg_stat_ssl where pid = pg_backend_pid()")).rows[0];
    const first = await seen();
    await admin.ask("reload");
    expect(await seen()).toEqual(first);
    await admin.ask("set server_tls_sslmode = 'require'");
    expect(await seen()).toMatchObject({ ssl: true });
  });

  test("a server without TLS: prefer goes on without, require does not", async () => {
    await encrypt(false);
    const user = stage.database.user;
    const easy = await stage.pooler({ server_tls_sslmode: "prefer" }, entry("127.0.0.1"));
    const client = await stage.client(easy, { user, database: "far" });
    expect((await client.query(USED)).rows).toEqual([{ ssl: false }]);
    const settings = { server_tls_sslmode: "require", client_login_timeout: 1 };
    const strict = await stage.pooler(settings, entry("127.0.0.1"));
    const error = await failure(stage.client(strict, { user, database: "far" }));
    expect(error.message).toBe("client_login_timeout (server down)");
    expect(await stage.log()).toContain("closing because: server refused SSL");
  });
});
