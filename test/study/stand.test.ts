/** What a live run stands on has the pools that the simulator has. */
import pg from "pg";
import { expect, test } from "vitest";
import { type Cell, openStand } from "../../sim/study/live/stand.ts";
import { closedKind, exponential, textbook } from "../../sim/study/theory/textbook.ts";

test("each user of a database has a pool of its own size and mode", async () => {
  const kind = closedKind(4, exponential(30), exponential(6));
  const clients = ["ann", "bob"].map((user) => ({ ...kind, name: `of ${user}`, user }));
  const { settings, ...workload } = textbook(clients, 9);
  const users = [{ name: "ann", pool_size: 3, pool_mode: "session" as const }];
  const stand = await openStand({
    workload: { ...workload, settings: { ...settings, users } },
    database: { host: "127.0.0.1", port: 1, user: "owner", database: "nowhere" },
    cells: [OWN],
  });
  const [address] = stand.admin ?? [];
  const client = new pg.Client(address);
  try {
    await client.connect();
    const { rows } = await client.query("SHOW DATABASES");
    const shown = Object.fromEntries(rows.map((row) => [row.name, [row.pool_size, row.pool_mode]]));
    const { databases = {} } = stand.target(OWN);
    expect(shown[databases["of ann"] ?? ""]).toEqual([3, "session"]);
    expect(shown[databases["of bob"] ?? ""]).toEqual([9, "transaction"]);
    expect(stand.entries(OWN).size).toBe(2);
    expect(stand.connections(OWN)).toBe(12);
  } finally {
    await client.end();
    await stand.close();
  }
});

test("a database's other settings are its pools' too", async () => {
  const kind = closedKind(4, exponential(30), exponential(6));
  const { settings, ...workload } = textbook([kind], 9);
  const own = {
    reserve_pool_size: 2,
    min_pool_size: 1,
    max_db_connections: 7,
    server_lifetime: 60e9,
  };
  const databases = [{ name: "app", ...own, query_wait_timeout: 3e9 }];
  const stand = await openStand({
    workload: { ...workload, settings: { ...settings, databases } },
    database: { host: "127.0.0.1", port: 1, user: "owner", database: "nowhere" },
    cells: [OWN, ROOMY],
  });
  const [address] = stand.admin ?? [];
  const client = new pg.Client(address);
  try {
    await client.connect();
    const { rows } = await client.query("SHOW DATABASES");
    const { max_db_connections: max_connections, ...shown } = { ...own, server_lifetime: 60 };
    const found = rows.find((row) => row.name === "own_app");
    expect(found).toMatchObject({ ...shown, max_connections });
    const plain = rows.find((row) => row.name === "roomy_app");
    expect(plain, "where the machine is measured nobody may wait").toMatchObject({
      ...{ pool_size: 40, reserve_pool_size: 0, max_connections: 0 },
    });
  } finally {
    await client.end();
    await stand.close();
  }
});

const ROOMY: Cell = { name: "roomy", pool_mode: "transaction", pool_size: 40, plain: true };
const OWN: Cell = { name: "own", pool_mode: "transaction", pool_size: 9, own: true };
