/** Who is at a pooler's address: the successor is not to be found before it succeeds, and nobody is left. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PoolerSeat, type SeatOptions } from "../../sim/study/live/pooler-seat.ts";

const port = 6432;
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "seat-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** The directory in which whoever answers at the address was started. */
async function whoIsThere(host = join(directory, "s")): Promise<string> {
  const client = new pg.Client({ host, port, user: "me", database: "pgbouncer" });
  client.on("error", () => undefined);
  await client.connect();
  const { rows } = await client.query("SHOW CONFIG");
  await client.end();
  return rows.find(({ key }) => key === "unix_socket_dir").value;
}

test("a successor that was prepared, once or twice, takes the address over when it is told to", async () => {
  writeFileSync(join(directory, "users.txt"), '"me" ""\n');
  const iniOf: SeatOptions["iniOf"] = (number, placeOf) => [
    ...["[databases]", "[pgbouncer]", `listen_port = ${port}`],
    `unix_socket_dir = ${placeOf(number)}`,
    ...["auth_type = trust", `auth_file = ${directory}/users.txt`, "admin_users = me"],
  ];
  const seat = await PoolerSeat.take({ iniOf, directory, port });
  try {
    expect(await whoIsThere()).toBe(directory);
    for (const next of ["next1", "next2"]) {
      const before = await whoIsThere();
      await seat.prepare();
      await seat.prepare();
      expect(await whoIsThere()).toBe(before);
      seat.signal("SIGQUIT");
      await seat.succeed();
      expect(await whoIsThere()).toBe(join(directory, next));
    }
    await seat.prepare();
    const old = await seat.relieve();
    expect(await whoIsThere()).toBe(join(directory, "next3"));
    const place = seat.placeOf(2);
    expect(await whoIsThere(place), "it is there for those who have it").toBe(place);
    await old?.kill();
    expect(await whoIsThere()).toBe(join(directory, "next3"));
    await seat.prepare(); // Nobody ever hears of this one.
  } finally {
    await seat.stop();
  }
  const sockets = readdirSync(directory, { recursive: true }).map(String);
  expect(sockets.filter((name) => name.includes(".s.PGSQL")).length).toBeLessThanOrEqual(3);
  await expect(whoIsThere()).rejects.toThrow();
});
