/** Unix sockets under abstract names, which are just as long as they are written: as libpq looks for them. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startPooler } from "../../engine/pooler/main.ts";
import { hasLibc, libc } from "../../engine/pooler/system/libc.ts";
import { Stage as Parity } from "../parity/stage.ts";
import { NO_PGBOUNCER, PGBOUNCER } from "../pgbouncer.ts";
import { failure, Stage } from "./stage.ts";

describe.skipIf(!hasLibc())("abstract names", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open();
  });
  afterAll(() => stage?.close());
  const name = `@poolwise-${process.pid}`;

  test("clients come in by one, servers are reached by one, and nothing of it is left", async () => {
    const inner = await stage.pooler({ unix_socket_dir: name });
    const { port } = inner.address;
    const listening = readFileSync("/proc/net/unix", "utf8").split("\n");
    expect(listening.some((line) => line.endsWith(` ${name}/.s.PGSQL.${port}`))).toBe(true);
    const outer = await stage.pooler({}, `far = host=${name} port=${port} dbname=app`);
    const client = await stage.client(outer, { database: "far" });
    expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    const [server] = await (await stage.console(outer)).ask("show servers");
    const local_port = outer.address.port;
    expect(server).toMatchObject({ database: "far", addr: "unix", port, local_port });
    await inner.close();
    expect(libc()?.connect(`${name}/.s.PGSQL.${port}`)).toBe("ECONNREFUSED");
    await client.end();
  });

  test("a name that is taken, and one at which nobody is", async () => {
    const inner = await stage.pooler({ unix_socket_dir: name });
    const { port } = inner.address;
    const config = stage.ini({ unix_socket_dir: name, listen_addr: "", listen_port: port });
    await expect(startPooler({ config, quiet: true })).rejects.toThrow(
      `cannot listen on ${name}/.s.PGSQL.${port}: it is in use; is another pooler running?`,
    );
    const outer = await stage.pooler(
      { query_wait_timeout: 1 },
      `far = host=${name}-none dbname=app`,
    );
    const refused = await failure(stage.client(outer, { database: "far" }));
    expect(refused.message).toMatch(/query_wait_timeout/);
    expect(await stage.log()).toContain("closing because: connect failed");
  });

  test.skipIf(NO_PGBOUNCER !== "")("PgBouncer comes in by it, and is reached by it", async () => {
    const inner = await stage.pooler({ unix_socket_dir: name });
    const parity = new Parity(stage.database);
    const entries = { app: `host=${name} port=${inner.address.port} dbname=app` };
    const theirs = await parity.pooler({ settings: {}, entries, pgbouncer: PGBOUNCER });
    const client = await theirs.client("app");
    expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    await client.end();
    await theirs.stop();
  });
});
