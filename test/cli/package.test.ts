/** What `npm pack` puts into the package is what its commands need, and nothing else. */
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, expect, test } from "vitest";
import { resultSchema } from "../../sim/study/results/index.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "poolwise-package-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Its files, by the list of npm. */
function listed(): string[] {
  const args = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  const [pack] = JSON.parse(execFileSync("npm", args, { cwd: ROOT }).toString());
  return pack.files.map(({ path }: { path: string }) => path);
}

test("programs, pages, workloads and schemas, no tests, no sources", () => {
  const files = listed();
  const { bin } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const needed: string[] = [
    ...Object.values<string>(bin),
    ...["dist/explore/index.html", "dist/workloads/live/driver.js", "dist/engine/pooler/child.js"],
    ...["workloads/tour.yaml", "workloads/workload.schema.json", "sim/study/result.schema.json"],
    ...["LICENSE", "README.md", "CHANGELOG.md"],
  ];
  expect(needed.filter((file) => !files.includes(file))).toEqual([]);
  expect(files.filter((file) => /(^|\/)test\/|\.ts$|\.map$/.test(file))).toEqual([]);
});

test("its programs run where nothing else is", () => {
  for (const file of listed()) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(ROOT, file), join(folder, file));
  }
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const run = (file: string, ...args: string[]): string =>
    execFileSync(process.execPath, [join(folder, file), ...args], { cwd: tmpdir() }).toString();
  const workload = join(folder, "workloads/tour.yaml");
  const args = ["--json", "--replications", "2", "--duration", "2 s", "--workers", "1"];
  const result = run("dist/sim/cli/main.js", "simulate", workload, ...args);
  expect(resultSchema.parse(JSON.parse(result)).runs[0]?.transactions).toBeGreaterThan(100);
  expect(run("dist/engine/pooler/pgbouncer.js", "--version")).toMatch(/^PgBouncer 1\.25/);
  expect(existsSync(join(folder, "dist/test"))).toBe(false);
});
