/** The pidfile: whose it is decides whether a pooler may start. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { removePid, writePid } from "../../engine/pooler/system/pidfile.ts";

const directory = mkdtempSync(join(tmpdir(), "poolwise-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const path = join(directory, "pid");
const dead = spawnSync(process.execPath, ["-e", ""]).pid;

/** What the file says, whether a pooler starts, and why. Source: PgBouncer 1.25.2 src/main.c, check_pidfile(). */
const CASES = [
  [undefined, "starts", "there is none"],
  [`${dead}\n`, "replaces it", "its process is dead"],
  [`${process.pid}\n`, "refuses", "its process lives"],
  [`${process.pid} and more\n`, "refuses", "the number counts"],
  ["", "refuses", "it is empty, so it is about to be written"],
  ["garbage\n", "refuses", "it names no process"],
  ["-5\n", "refuses", "it names no process"],
] as const;
for (const [text, want, why] of CASES) {
  test(`a pidfile with ${JSON.stringify(text)}: ${want}, for ${why}`, () => {
    removePid(path);
    if (text !== undefined) writeFileSync(path, text);
    if (want === "refuses") {
      expect(() => writePid(path)).toThrow(`pidfile ${path} exists; is another pooler running?`);
      expect(existsSync(path) && readFileSync(path, "utf8")).toBe(text);
      return;
    }
    expect(writePid(path)).toBe(want === "replaces it");
    expect(readFileSync(path, "utf8")).toBe(`${process.pid}\n`);
  });
}
