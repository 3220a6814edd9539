/** What a private database has room for. */
import { expect, test } from "vitest";
import { roomFor } from "../../sim/cli/real.ts";
import { mostServerConnections } from "../../sim/study/live/room.ts";
import { parseWorkload } from "../../workloads/schema/load.ts";

const workload = (settings: string, more = "") =>
  parseWorkload(
    `name: room
pgbouncer: { pool_mode: transaction, ${settings} }
server: { max_connections: 30 }
clients: [{ name: web, count: 12, think: 1 s, transaction: { service: 1 ms } }]
${more}`,
    "room.yaml",
  );

const takeover = "schedule: [{ at: 1 s, for: 1 s, fault: pooler_takeover }]";

// settings, more, connections at most, room, why
for (const [settings, more, most, room, why] of [
  [
    "default_pool_size: 20",
    "",
    20,
    82,
    "nobody is refused: there is room for those who look on too",
  ],
  ["default_pool_size: 30", "", 30, 92, "the last one still has room"],
  ["default_pool_size: 30, reserve_pool_size: 1", "", 31, 30, "one is refused, as in a simulation"],
  ["default_pool_size: 0", "", Number.POSITIVE_INFINITY, 30, "a pool without a size"],
  ["default_pool_size: 0, max_db_connections: 9", "", 9, 71, "which its database limits"],
  ["default_pool_size: 20", takeover, 40, 30, "two poolers for a while"],
  ["default_pool_size: 20", "pooler: { processes: 2 }", 40, 30, "two processes"],
] as const)
  test(`${settings}, ${more || "no more"}: ${why}`, () => {
    const given = workload(settings, more);
    expect(mostServerConnections(given)).toBe(most);
    expect(roomFor(given)).toBe(room);
  });
