/** TLS of clients, with libpq's and Node's own as the other end. Skipped without openssl or psql. */

import { once } from "node:events";
import { mkdtempSync, readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Pooler } from "../../engine/pooler/main.ts";
import { cancelRequest, query, sslRequest, startupMessage } from "../../engine/wire/writer.ts";
import { Authority, HAS_OPENSSL, HAS_PSQL, type Pair } from "./certificates.ts";
import { psql, type Said } from "./psql.ts";
import { failure, Stage, until } from "./stage.ts";

describe.skipIf(!HAS_OPENSSL || !HAS_PSQL)("TLS", () => {
  let stage: Stage;
  let ours: Authority;
  let foreign: Authority;
  let site: Pair;

  beforeAll(async () => {
    stage = await Stage.open();
    ours = new Authority(mkdtempSync(join(stage.directory, "ours-")), "Our CA");
    foreign = new Authority(mkdtempSync(join(stage.directory, "foreign-")), "Foreign CA");
    site = ours.sign("localhost", "localhost");
  });
  afterAll(() => stage.close());

  /** Settings by which clients can use TLS. */
  const clientTls = (mode: string): Record<string, string> => ({
    client_tls_sslmode: mode,
    client_tls_key_file: site.key,
    client_tls_cert_file: site.cert,
    client_tls_ca_file: ours.root.cert,
  });

  const place = (pooler: Pooler, user = "alice", dbname = "app") => {
    const { host, port } = pooler.address;
    return { host: "localhost", hostaddr: host, port, user, dbname };
  };

  describe("of clients", () => {
    const cases = [
      // client_tls_sslmode, sslmode of psql, its certificate, what it gets
      ["disable", "prefer", "none", "plain"],
      ["disable", "require", "none", /server does not support SSL/],
      ["allow", "disable", "none", "plain"],
      ["allow", "require", "none", "TLSv1.3"],
      ["prefer", "prefer", "none", "TLSv1.3"],
      ["require", "disable", "none", /FATAL: +SSL required/],
      ["require", "verify-full", "none", "TLSv1.3"],
      ["require", "require", "ours", "TLSv1.3"],
      ["require", "require", "foreign", /SSL|closed/],
      ["verify-ca", "require", "none", /certificate required/],
      ["verify-ca", "require", "ours", "TLSv1.3"],
      ["verify-full", "require", "foreign", /SSL|closed/],
      ["verify-full", "verify-full", "ours", "TLSv1.3"],
    ] as const;
    test.each(cases)(
      "client_tls_sslmode = %s, psql with %s and certificate: %s -> %s",
      async (...row) => {
        const [mode, sslmode, shown, want] = row;
        const pooler = await stage.pooler(mode === "disable" ? {} : clientTls(mode));
        const pair = shown === "none" ? undefined : { ours, foreign }[shown].sign("alice");
        const certificate: Record<string, string> =
          pair === undefined ? {} : { sslkey: pair.key, sslcert: pair.cert };
        const options = { sslmode, sslrootcert: ours.root.cert, ...certificate };
        const said = await psql(
          { ...place(pooler, "admin", "pgbouncer"), ...options },
          "show clients",
        );
        if (want instanceof RegExp) expect(said.error).toMatch(want);
        else expect([said.error, tlsColumn(said)]).toEqual(["", want === "plain" ? "" : want]);
      },
    );

    /** The version in the column `tls` of the first row. */
    const tlsColumn = (said: Said): string => said.out.split("|")[17]?.split("/")[0] ?? "";

    test("a Unix socket never has it, and never needs it", async () => {
      const pooler = await stage.pooler(clientTls("require"));
      const unix = { ...place(pooler), hostaddr: "", host: pooler.address.socket };
      expect((await psql({ ...unix, sslmode: "prefer" }, "select 1")).out).toBe("1");
    });

    test("protocols and ciphers as set; the login is logged with both", async () => {
      const suite = "TLS_CHACHA20_POLY1305_SHA256";
      const logfile = join(stage.directory, "log-ciphers");
      const cases = [
        [{ client_tls13_ciphers: suite }, `TLSv1.3/${suite}`],
        [{ client_tls_ecdhcurve: "none" }, "TLSv1.3/TLS_AES_256_GCM_SHA384"],
        [
          { client_tls_protocols: "tlsv1.2", client_tls_ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" },
          "TLSv1.2/ECDHE-ECDSA-AES128-GCM-SHA256",
        ],
      ] as const;
      for (const [settings, want] of cases) {
        const pooler = await stage.pooler({ ...clientTls("require"), ...settings, logfile });
        const said = await psql({ ...place(pooler), sslmode: "require" }, "select 1");
        expect([said.error, said.out]).toEqual(["", "1"]);
        expect(readFileSync(logfile, "utf8")).toContain(`user=alice tls=${want} replication=no`);
      }
    });

    test("SCRAM goes without channel binding, as in PgBouncer: who requires it stays out", async () => {
      const auth_file = stage.file('"alice" "secret"\n');
      const settings = { ...clientTls("require"), auth_type: "scram-sha-256", auth_file };
      const options = { ...place(await stage.pooler(settings)), sslmode: "require" };
      const enter = async (password: string, channel_binding: string): Promise<string> => {
        const said = await psql({ ...options, password, channel_binding }, "select 1");
        return said.out || said.error;
      };
      expect(await enter("secret", "prefer")).toBe("1");
      expect(await enter("wrong", "prefer")).toContain("FATAL:  SASL authentication failed");
      expect(await enter("secret", "require")).toContain("channel binding");
    });

    test("RELOAD takes new certificates; broken ones leave the old in force", async () => {
      const pooler = await stage.pooler(clientTls("require"));
      const admin = await stage.client(pooler, {
        user: "admin",
        database: "pgbouncer",
        ssl: { rejectUnauthorized: false },
      });
      const trusting = async (authority: Authority): Promise<string> => {
        const options = { sslmode: "verify-full", sslrootcert: authority.root.cert };
        const said = await psql({ ...place(pooler), ...options }, "select 1");
        return said.out || (/certificate verify failed/.exec(said.error)?.[0] ?? said.error);
      };
      expect(await trusting(ours)).toBe("1");
      const other = foreign.sign("localhost", "localhost");
      // Between the two the key does not fit the certificate, and the old pair stays in force.
      const notices: string[] = [];
      admin.on("notice", ({ message }) => notices.push(message ?? ""));
      await admin.query(`set client_tls_key_file = '${other.key}'`);
      const stays = "TLS settings could not be applied, still using old configuration";
      expect(notices).toEqual([stays]);
      expect(await trusting(ours)).toBe("1");
      await admin.query(`set client_tls_cert_file = '${other.cert}'`);
      expect(await trusting(ours)).toBe("certificate verify failed");
      expect(await trusting(foreign)).toBe("1");
      await admin.query("reload");
      expect(await trusting(ours)).toBe("1");
      expect(await stage.log()).toContain("could not be reloaded, keeping old configuration");
    });

    test("a file without certificates is no authority: RELOAD leaves the old one in force", async () => {
      const empty = stage.file("none\n");
      const broken = stage.file(
        `${readFileSync(ours.root.cert)}-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n`,
      );
      for (const client_tls_ca_file of [empty, broken]) {
        const settings = { ...clientTls("verify-ca"), client_tls_ca_file };
        const error = await failure(stage.pooler(settings));
        expect(error.message).toMatch(/client_tls_ca_file is ".*"; expected a file with cert/);
      }
      const nothing = { ...clientTls("require"), client_tls_cert_file: stage.file("") };
      expect((await failure(stage.pooler(nothing))).message).toMatch(
        /cert_file is .*; it is empty/,
      );
      const pooler = await stage.pooler(clientTls("verify-ca"));
      const { key: sslkey, cert: sslcert } = ours.sign("alice");
      const enter = async () =>
        (await psql({ ...place(pooler), sslmode: "require", sslkey, sslcert }, "select 1")).out;
      const console = await stage.console(unixOnly(pooler));
      await console.ask(`set client_tls_ca_file = '${empty}'`);
      expect(await enter()).toBe("1");
      expect(await stage.log()).toContain("failed to load CA: no certificate found");
    });

    test("RELOAD holds for who has connected and not asked yet", async () => {
      const pooler = await stage.pooler(clientTls("require"));
      const { host, port } = pooler.address;
      const early = [connect({ host, port }), connect({ host, port })];
      await Promise.all(early.map((socket) => once(socket, "connect")));
      const [asking, plain] = early as [Socket, Socket];
      const console = await stage.console(unixOnly(pooler));
      await until(async () => Number((await console.ask("show lists"))[7]?.items) === 2);
      await console.ask("set client_tls_sslmode = 'disable'");
      asking.write(sslRequest());
      expect(String((await once(asking, "data"))[0])).toBe("N");
      await console.ask("set client_tls_sslmode = 'require'");
      plain.write(startupMessage([["user", "alice"]]));
      expect(String((await once(plain, "data"))[0])).toContain("SSL required");
      for (const socket of early) socket.destroy();
    });

    test("a handshake that fails, or is left, is logged once, and the end of its client is not", async () => {
      const logfile = join(stage.directory, "log-handshakes");
      const pooler = await stage.pooler({ ...clientTls("require"), logfile });
      const log = () => readFileSync(logfile, "utf8");
      const { key: sslkey, cert: sslcert } = foreign.sign("alice");
      await psql({ ...place(pooler), sslmode: "require", sslkey, sslcert }, "select 1");
      await until(() => /TLS handshake error: certificate verify failed/.test(log()));
      const { host, port } = pooler.address;
      const leaving = connect({ host, port });
      leaving.write(sslRequest());
      await once(leaving, "data");
      leaving.destroy();
      await until(() =>
        /TLS handshake error: handshake failed: .*unexpected eof while reading/.test(log()),
      );
      expect(log()).not.toContain("closing because");
    });

    test("a client that breaks off as it asks for TLS leaves nothing behind", async () => {
      const pooler = await stage.pooler({ ...clientTls("require"), client_login_timeout: 0 });
      const console = await stage.console(unixOnly(pooler));
      const { host, port } = pooler.address;
      for (let count = 0; count < 20; count++) {
        const socket = connect({ host, port });
        await once(socket, "connect");
        socket.write(sslRequest());
        socket.resetAndDestroy();
      }
      const logins = async () => Number((await console.ask("show lists"))[7]?.items);
      await until(async () => (await logins()) === 0, logins);
    });

    test("a cancel request inside TLS stops the query", async () => {
      const pooler = await stage.pooler(clientTls("require"));
      const client = await stage.client(pooler, { ssl: { rejectUnauthorized: false } });
      const running = failure(client.query("select pg_sleep(60)"));
      const watcher = await stage.direct();
      const sleeping = "select 1 from pg_stat_activity where query like 'select pg_sleep(60)'";
      await until(async () => (await watcher.query(sleeping)).rowCount === 1);
      const { processID, secretKey } = client as unknown as Record<string, number>;
      const key = Buffer.alloc(8);
      key.writeInt32BE(processID ?? 0, 0);
      key.writeInt32BE(secretKey ?? 0, 4);
      const socket = await asked(pooler);
      socket.write(cancelRequest(key));
      expect((await running).code).toBe("57014");
      await closed(socket);
    });

    test("TLS from the first byte, for clients that name PostgreSQL's protocol", async () => {
      const pooler = await stage.pooler(clientTls("require"));
      const direct = async (protocol: string): Promise<TLSSocket> => {
        const { host, port } = pooler.address;
        const options = { host, port, rejectUnauthorized: false, ALPNProtocols: [protocol] };
        const socket = connectTls(options);
        await once(socket, "secureConnect");
        return socket;
      };
      const socket = await direct("postgresql");
      socket.write(
        startupMessage([
          ["user", "alice"],
          ["database", "app"],
        ]),
      );
      socket.write(query("select 1"));
      expect(await heard(socket, (bytes) => bytes.includes("SELECT 1"))).toBe(true);
      socket.destroy();
      await expect(direct("http/1.1")).rejects.toThrow(/alert|ALPN|application protocol/i);
      const plain = await stage.pooler();
      const { host, port } = plain.address;
      const refused = connectTls({ host, port, rejectUnauthorized: false });
      await expect(once(refused, "secureConnect")).rejects.toThrow();
    });

    test("a second SSLRequest inside TLS ends the connection, and so do bytes that came with the first", async () => {
      const pooler = await stage.pooler(clientTls("require"));
      const socket = await asked(pooler);
      socket.write(sslRequest());
      await closed(socket);
      const { host, port } = pooler.address;
      const early = connect({ host, port });
      const answer: Buffer[] = [];
      early.on("data", (chunk) => answer.push(chunk));
      early.write(Buffer.concat([sslRequest(), startupMessage([["user", "alice"]])]));
      await closed(early);
      expect(String(Buffer.concat(answer))).toContain(
        "received unencrypted data after SSL request",
      );
    });

    test("who sends what is no TLS, once logged in, is cut off", async () => {
      const pooler = await stage.pooler(clientTls("require"));
      const { host, port } = pooler.address;
      const inner = connect({ host, port });
      const between = createServer((socket) => {
        socket.on("error", () => undefined).pipe(inner);
        inner.on("error", () => undefined).pipe(socket);
      });
      await once(between.listen(0, "127.0.0.1"), "listening");
      const there = (between.address() as AddressInfo).port;
      const how = { rejectUnauthorized: false, ALPNProtocols: ["postgresql"] };
      const socket = connectTls({ port: there, ...how }).on("error", () => undefined);
      await once(socket, "secureConnect");
      socket.write(
        startupMessage([
          ["user", "alice"],
          ["database", "app"],
        ]),
      );
      await heard(socket, (bytes) => bytes.at(-6) === 0x5a);
      inner.write(Buffer.concat([Buffer.from([0x17, 3, 3, 0, 64]), Buffer.alloc(64, 7)]));
      const console = await stage.console(unixOnly(pooler));
      await until(async () => {
        const rows = await console.ask("show clients");
        return rows.every(({ database }) => database === "pgbouncer");
      });
      await closed(inner);
      between.close();
    });

    test("a client that does not read holds its server; all bytes arrive in the end", async () => {
      const pooler = await stage.pooler(clientTls("require"));
      const socket = await asked(pooler);
      socket.write(
        startupMessage([
          ["user", "alice"],
          ["database", "app"],
        ]),
      );
      await heard(socket, (bytes) => bytes.at(-6) === 0x5a);
      socket.pause();
      const rows = 40_000;
      socket.write(query(`select repeat('x', 1000) from generate_series(1, ${rows})`));
      const console = await stage.client(pooler, {
        user: "admin",
        database: "pgbouncer",
        ssl: { rejectUnauthorized: false },
      });
      const waiting = async (): Promise<number> => {
        const { rows } = await console.query("show sockets");
        return Math.max(...rows.map(({ send_avail }) => Number(send_avail)));
      };
      let most = 0;
      await until(async () => {
        most = await waiting();
        return most > 0;
      });
      for (let look = 0; look < 20; look++) most = Math.max(most, await waiting());
      // What is kept is a few reads, not the 40 MB of the answer.
      expect(most).toBeLessThan(1024 * 1024);
      let bytes = 0;
      socket.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
      });
      socket.resume();
      await until(() => bytes > rows * 1000);
      socket.destroy();
    });
  });

  test.each([
    [
      { client_tls_key_file: "/no/such" },
      /client_tls_key_file is "\/no\/such"; expected the name of a readable file; No such file or directory/,
    ],
    [
      { client_tls_ciphers: "nonsense" },
      /TLS of clients cannot be set up; expected .*no cipher match/i,
    ],
    [{ client_tls_ecdhcurve: "nonsense" }, /TLS of clients cannot be set up/],
  ])("the pooler does not start with %j", async (settings, want) => {
    const error = await failure(stage.pooler({ ...clientTls("require"), ...settings }));
    expect(error.message).toMatch(want);
  });

  /** The same pooler for a driver that asks for no TLS. */
  function unixOnly(pooler: Pooler): Pooler {
    const { port, socket } = pooler.address;
    return { ...pooler, address: { host: socket, port, socket } };
  }

  /** A connection on which TLS was asked for and agreed upon. */
  async function asked(pooler: Pooler): Promise<TLSSocket> {
    const { host, port } = pooler.address;
    const plain = connect({ host, port });
    plain.write(sslRequest());
    expect(String((await once(plain, "data"))[0])).toBe("S");
    const socket = connectTls({ socket: plain, rejectUnauthorized: false });
    await once(socket, "secureConnect");
    return socket;
  }
});

async function closed(socket: Socket): Promise<void> {
  socket.on("error", () => {});
  socket.resume();
  if (!socket.closed) await once(socket, "close");
}

/** True once what the socket says is as wanted; false if it ends first. */
function heard(socket: Socket, wanted: (bytes: Buffer) => boolean): Promise<boolean> {
  let bytes = Buffer.alloc(0);
  return new Promise((resolve) => {
    const listen = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk]);
      if (!wanted(bytes)) return;
      socket.off("data", listen);
      resolve(true);
    };
    socket.on("data", listen).once("close", () => resolve(false));
  });
}
