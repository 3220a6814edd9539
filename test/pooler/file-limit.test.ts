/** The line about open files that a pooler says at its start. */
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { loadConfig } from "../../engine/config/index.ts";
import { fileLimitLine, mostFiles } from "../../engine/pooler/system/file-limit.ts";

const INI = `[databases]
a = host=/x
b = host=/x pool_size=7 user=zed
* = host=/x
[users]
carl = pool_mode=session
[pgbouncer]
max_client_conn = 100
default_pool_size = 20
`;
const config = loadConfig("a.ini", () => INI);

test("each of five users may fill a database, one with a user of its own has one pool", () => {
  expect(mostFiles(config, ["u1", "u2"])).toBe(100 + 10 + 2 + 5 * 20 + 7);
});

test.runIf(existsSync("/proc/self/limits"))("the line is PgBouncer's, with the real limits", () => {
  expect(fileLimitLine(config, ["u1", "u2"])).toMatch(
    /^kernel file descriptor limit: \d+ \(hard: \d+\); max_client_conn: 100, max expected fd use: 219$/,
  );
});
