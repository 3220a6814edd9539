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
import { TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Pooler } from "../../engine/pooler/main.ts";
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
    await stage.reread();
  };

  /** A database entry at `host`, over TCP. */
  const entry = (host: string): string => {
    const { port } = door.address() as AddressInfo;
    return `far = host=${host} port=${port} dbname=postgres`;
  };
  /** Logs in where no server is to be had, until the log says why, and then for no longer. */
  const refused = async (
    pooler: Pooler,
    database: string,
    logged: () => boolean | Promise<boolean>,
  ): Promise<void> => {
    const told = failure(stage.client(pooler, { user: stage.database.user, database }));
    await until(logged);
    await (await stage.console(pooler)).ask("set client_login_timeout = '0.1'");
    expect((await told).message).toBe("client_login_timeout (server down)");
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
    [
      "verify-full",
      "127.0.0.1",
      "ours",
      /error: name `127.0.0.1' not present in server certificate/,
    ],
  ] as const;
  test.each(cases)(
    "server_tls_sslmode = %s, host %s, CA %s -> %s",
    async (mode, host, ca, want) => {
      const logfile = join(stage.directory, `log-${mode}-${host}-${ca}`);
      const settings = {
        server_tls_sslmode: mode,
        server_tls_ca_file: ca === "none" ? "" : { ours, foreign }[ca].root.cert,
        logfile,
      };
      const user = stage.database.user;
      const pooler = await stage.pooler(settings, entry(host));
      if (want instanceof RegExp)
        return await refused(pooler, "far", () => want.test(readFileSync(logfile, "utf8")));
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
    await stage.reread();
    const bob = ours.sign("bob");
    const settings = { server_tls_key_file: bob.key, server_tls_cert_file: bob.cert };
    const pooler = await stage.pooler(
      { server_tls_sslmode: "require", ...settings },
      entry("127.0.0.1"),
    );
    const client = await stage.client(pooler, { user: "bob", database: "far" });
    expect((await client.query("select current_user as name")).rows).toEqual([{ name: "bob" }]);
    writeFileSync(hba_file, before);
    await stage.reread();
  });

  test("its files may be exchanged without RELOAD, and connections stay", async () => {
    const [key, cert] = [stage.file(""), stage.file("")];
    const exchange = (name: string): void => {
      const pair = ours.sign(name);
      copyFileSync(pair.key, key);
      copyFileSync(pair.cert, cert);
    };
    exchange("one");
    const files = { server_tls_key_file: key, server_tls_cert_file: cert };
    const settings = { server_tls_sslmode: "require", pool_mode: "session", ...files };
    const pooler = await stage.pooler(settings, entry("127.0.0.1"));
    const enter = () => stage.client(pooler, { user: stage.database.user, database: "far" });
    const name = "select client_dn from pg_stat_ssl where pid = pg_backend_pid()";
    const first = await enter();
    expect((await first.query(name)).rows).toEqual([{ client_dn: "/CN=one" }]);
    exchange("two");
    expect((await (await enter()).query(name)).rows).toEqual([{ client_dn: "/CN=two" }]);
    writeFileSync(cert, "");
    expect((await (await enter()).query(name)).rows).toEqual([{ client_dn: "/CN=two" }]);
    expect(await stage.log()).toContain("TLS files have changed, the old ones are used: ");
    exchange("three");
    const console = await stage.console(pooler);
    await console.ask("reload");
    expect((await (await enter()).query(name)).rows).toEqual([{ client_dn: "/CN=three" }]);
    expect((await console.ask("show servers")).map(({ close_needed }) => close_needed)).toEqual([
      0, 0, 0, 0,
    ]);
  });

  test("a key without its certificate, or the reverse, is refused", async () => {
    const { key, cert } = ours.sign("bob");
    const lone = await failure(stage.pooler({ server_tls_key_file: key }));
    expect(lone.message).toMatch(
      /server_tls_cert_file is missing; .* server_tls_key_file needs it/,
    );
    const pooler = await stage.pooler({}, entry("127.0.0.1"));
    const console = await stage.console(pooler);
    await console.ask(`set server_tls_cert_file = '${cert}'`);
    expect(await stage.log()).toContain("server_tls_key_file is missing");
    await console.ask(`set server_tls_key_file = '${key}'`);
  });

  test("below verify-ca nobody asks for an authority, as in PgBouncer", async () => {
    const settings = { server_tls_sslmode: "require", server_tls_ca_file: "/no/such" };
    const pooler = await stage.pooler(settings, entry("127.0.0.1"));
    const client = await stage.client(pooler, { user: stage.database.user, database: "far" });
    expect((await client.query(USED)).rows).toEqual([{ ssl: true }]);
  });

  test("a server that breaks off during its login has not shown a wrong certificate", async () => {
    const key = readFileSync(trusted.key);
    const cert = readFileSync(trusted.cert);
    const breaking = createServer((socket) => {
      socket.once("data", () => {
        socket.write("S");
        const secure = new TLSSocket(socket, { isServer: true, key, cert });
        secure.on("error", () => {}).once("data", () => socket.resetAndDestroy());
      });
    });
    await once(breaking.listen(0, "127.0.0.1"), "listening");
    const { port } = breaking.address() as AddressInfo;
    const logfile = join(stage.directory, "log-breaking");
    const pooler = await stage.pooler(
      { server_tls_sslmode: "require", logfile },
      `broken = host=127.0.0.1 port=${port}`,
    );
    const log = (): string => readFileSync(logfile, "utf8");
    await refused(pooler, "broken", () => log().includes("closing because"));
    expect(log()).toContain("SSL established");
    expect(log()).not.toContain("TLS handshake error");
    breaking.close();
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
    const strict = await stage.pooler({ server_tls_sslmode: "require" }, entry("127.0.0.1"));
    const logged = async (): Promise<boolean> =>
      (await stage.log()).includes("closing because: server refused SSL");
    await refused(strict, "far", logged);
  });
});
