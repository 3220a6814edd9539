/** A private PostgreSQL: what it is like while it lives, and how it fails to start. */
import { chmod, cp, mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serverAccount } from "../../workloads/database/account.ts";
import { startCluster } from "../../workloads/database/cluster.ts";
import { embeddedPackage, runnableBinaries } from "../../workloads/database/embedded.ts";
import { type Database, OutsideError, resolveDatabase } from "../../workloads/database/index.ts";
import { installedBinaries } from "../../workloads/database/installed.ts";
import { firstLine, remains, removeTree, sharedDirectory, spawnOwner } from "./helpers.ts";

const bin = await embeddedPackage();
const installed = await installedBinaries(process.env);
const COLLATION = "select datcollate from pg_database where datname = 'postgres'";
const root = process.getuid?.() === 0;

async function ask(database: Database, sql: string, user = database.user): Promise<string> {
  const client = new pg.Client({
    host: database.host,
    port: database.port,
    user,
    database: "postgres",
  });
  await client.connect();
  try {
    const { rows } = await client.query({ text: sql, rowMode: "array" });
    return rows.flat().join(",");
  } finally {
    await client.end();
  }
}

describe.skipIf(bin === undefined)(
  "the embedded PostgreSQL (skipped: package not installed)",
  () => {
    let database: Database;
    beforeAll(async () => {
      const lines: string[] = [];
      database = await resolveDatabase({
        env: { PATH: process.env.PATH, PGPORT: "1", PGOPTIONS: "-c bogus=1" },
        maxConnections: 3,
        roles: ["shop"],
        settings: { work_mem: "5MB" },
        onProgress: (line) => lines.push(line),
      });
      expect(lines).toEqual(["starting the embedded PostgreSQL"]);
    });
    afterAll(() => database.stop());

    test("tells where it is and what it is", () => {
      expect(database).toMatchObject({ source: "embedded", port: 5432, user: "postgres" });
      expect(database.version).toMatch(/^\d+\.\d+/);
    });

    const settings = [
      ["TimeZone", "UTC"],
      ["server_encoding", "UTF8"],
      ["lc_collate", "C"],
      ["listen_addresses", ""],
      ["fsync", "off"],
      ["work_mem", "5MB"],
    ] as const;
    for (const [name, value] of settings)
      test(`${name} is "${value}"`, async () => {
        const sql = name === "lc_collate" ? COLLATION : `show ${name}`;
        expect(await ask(database, sql)).toBe(value);
      });

    test("ordinary users have just the connections asked for; observers get in", async () => {
      const clients = Array.from({ length: 4 }, () => {
        const { host, port } = database;
        return new pg.Client({ host, port, user: "shop", database: "postgres" });
      });
      const outcomes = [];
      for (const client of clients)
        outcomes.push(
          await client.connect().then(
            () => "in",
            () => "out",
          ),
        );
      expect(outcomes).toEqual(["in", "in", "in", "out"]);
      expect(await ask(database, "select 1")).toBe("1");
      await Promise.all(clients.slice(0, 3).map((client) => client.end()));
    });
  },
);

describe.skipIf(bin === undefined)("the end of a private server", () => {
  test("stop leaves nothing, and may be called twice", async () => {
    const database = await resolveDatabase({ env: { PATH: process.env.PATH } });
    await Promise.all([database.stop(), database.stop()]);
    await database.stop();
    expect(await remains(database.host)).toEqual([]);
  });

  test("a setting it refuses is told in its own words", async () => {
    const settings = { shared_buffers: "banana" };
    const start = resolveDatabase({ env: { PATH: process.env.PATH }, settings });
    await expect(start).rejects.toThrow(OutsideError);
    await expect(start).rejects.toThrow(/did not start.*\n[\s\S]*shared_buffers.*banana/);
  });
});

describe("programs that cannot run", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await sharedDirectory();
  });
  afterAll(() => removeTree(directory));

  test("a failing initdb is told in its own words, and nothing is left", async () => {
    await writeFile(join(directory, "initdb"), "#!/bin/sh\necho no space on $2 >&2\nexit 1\n");
    await chmod(join(directory, "initdb"), 0o755);
    const account = await serverAccount();
    const failure = await startCluster({ bin: directory, account, settings: {} }).catch((e) => e);
    expect(failure).toBeInstanceOf(OutsideError);
    expect(failure.exitStatus).toBe(3);
    const [, cluster = ""] = /no space on (.*)\/data/.exec(failure.detail) ?? [];
    expect(await remains(cluster)).toEqual([]);
  });

  test("a missing initdb is named", async () => {
    const account = await serverAccount();
    const start = startCluster({ bin: "/nonexistent", account, settings: {} });
    await expect(start).rejects.toThrow("/nonexistent/initdb");
  });
});

describe.skipIf(installed === undefined)("the system's PostgreSQL (skipped: not installed)", () => {
  test("is found and runs", async () => {
    const account = await serverAccount();
    const cluster = await startCluster({ bin: installed ?? "", account, settings: {} });
    await cluster.stop();
    expect(await remains(cluster.host)).toEqual([]);
  });

  test("PG_BINDIR is asked before PATH", async () => {
    const directory = await sharedDirectory();
    for (const name of ["initdb", "postgres"]) {
      await writeFile(join(directory, name), "#!/bin/sh\n");
      await chmod(join(directory, name), 0o755);
    }
    expect(await installedBinaries({ PG_BINDIR: directory, PATH: installed })).toBe(directory);
    await rm(join(directory, "initdb"));
    expect(await installedBinaries({ PG_BINDIR: directory, PATH: installed })).toBe(installed);
    await removeTree(directory);
  });
});

describe.skipIf(bin === undefined)("a package whose links were never made", () => {
  let directory: string;
  let copy: string;
  beforeAll(async () => {
    directory = await sharedDirectory();
    copy = join(directory, "package");
    await cp(dirname(dirname(bin ?? "")), copy, { recursive: true, verbatimSymlinks: true });
    for (const entry of await readdir(join(copy, "native/lib"), { withFileTypes: true }))
      if (entry.isSymbolicLink()) await rm(join(copy, "native/lib", entry.name));
  });
  afterAll(async () => {
    await chmod(join(copy, "native/lib"), 0o755);
    await removeTree(directory);
  });

  test("read-only: an ordinary user runs a copy, made once", async () => {
    await chmod(join(copy, "native/lib"), 0o555);
    const temporary = await sharedDirectory();
    const used = [];
    for (let round = 0; round < 2; round++) {
      const owner = await spawnOwner(temporary, ["stop", join(copy, "native/bin")], true);
      const [host = "", runnable] = (await firstLine(owner)).split(" ");
      used.push(runnable);
      expect(await remains(host)).toEqual([]);
    }
    expect(used[0]).toMatch(new RegExp(`^${temporary}/poolwise-postgres-17[^/]*/bin$`));
    expect(used[1]).toBe(used[0]);
    expect(await readdir(temporary)).toHaveLength(used.length); // The cache, and tsx's own.
    await removeTree(temporary);
  });

  test("writable: they are made in place, and making them again does no harm", async () => {
    await chmod(join(copy, "native/lib"), 0o755);
    expect(await runnableBinaries(join(copy, "native/bin"), undefined)).toBe(
      join(copy, "native/bin"),
    );
    expect(await runnableBinaries(join(copy, "native/bin"), undefined)).toBe(
      join(copy, "native/bin"),
    );
    const account = await serverAccount();
    const cluster = await startCluster({ bin: join(copy, "native/bin"), account, settings: {} });
    await cluster.stop();
  });

  test.skipIf(!root)("as root: a cache that another user made is not used", async () => {
    const temporary = await sharedDirectory();
    const before = process.env.TMPDIR;
    process.env.TMPDIR = temporary;
    try {
      const account = await serverAccount();
      const cache = dirname(await runnableBinaries(join(copy, "native/bin"), account));
      expect(dirname(cache)).toBe(temporary);
      await rm(cache, { recursive: true });
      await mkdir(`${cache}-bait`);
      await symlink(`${cache}-bait`, cache);
      const use = runnableBinaries(join(copy, "native/bin"), account);
      await expect(use).rejects.toThrow("remove it");
    } finally {
      if (before === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = before;
      await removeTree(temporary);
    }
  });
});
