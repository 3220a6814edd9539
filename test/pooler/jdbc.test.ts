/**
 * PostgreSQL's driver for Java through the pooler: what applications with JDBC do all day. Skipped where
 * there is no Java that can compile, or no driver (Debian: libpostgresql-jdbc-java).
 */
import { execFile, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Stage } from "./stage.ts";

const DRIVER = "/usr/share/java/postgresql.jar";
const run = promisify(execFile);

/** Undefined: all is there. */
function lack(): string | undefined {
  if (spawnSync("javac", ["-version"]).status !== 0) return "there is no JDK here";
  return existsSync(DRIVER) ? undefined : `there is no ${DRIVER} here`;
}

const missing = lack();
const reason = missing === undefined ? "" : `: skipped, ${missing}`;
if (reason !== "") process.stderr.write(`test/pooler/jdbc.test.ts${reason}\n`);

let stage: Stage;
let classes: string;
beforeAll(async () => {
  if (missing !== undefined) return;
  stage = await Stage.open();
  classes = join(stage.directory, "classes");
  const source = join(import.meta.dirname, "Smoke.java");
  await run("javac", ["-Xlint:-options", "-proc:none", "-d", classes, "-cp", DRIVER, source]);
});
afterAll(() => stage?.close());

/** What Smoke.java prints when all of it works. */
const WORKS = "prepared transactions batches cursor copy cancel errors threads".split(" ");

for (const [pool_mode, default_pool_size] of [
  ["transaction", 3],
  // Each connection keeps its server; the program has up to thirteen at a time.
  ["session", 14],
] as const)
  test.skipIf(missing !== undefined)(`JDBC in ${pool_mode} mode${reason}`, async () => {
    const pooler = await stage.pooler({
      pool_mode,
      default_pool_size,
      max_prepared_statements: 10,
      // The driver sends it at start, and PgBouncer does not track it.
      ignore_startup_parameters: "extra_float_digits",
    });
    const { host, port } = pooler.address;
    const address = `jdbc:postgresql://${host}:${port}/app`;
    const options = ["-XX:TieredStopAtLevel=1", "-cp", `${classes}:${DRIVER}`];
    const program = [...options, "Smoke", address, stage.database.user];
    const { stdout } = await run("java", program);
    expect(stdout.trim().split("\n")).toEqual(WORKS);
    await (await stage.direct()).query("drop table smoke");
  });
