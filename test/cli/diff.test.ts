/** `poolwise diff` from outside: what it prints, what it refuses, and the gate that it is. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { resultSchema } from "../../sim/study/results/index.ts";
import { Folder, inThisProcess, SMALL } from "./poolwise.ts";

const folder = new Folder();
afterAll(() => folder.remove());
const small = folder.file("small.yaml", SMALL);
const ini = (size: number) =>
  `[databases]\napp = host=db\n[pgbouncer]\npool_mode = transaction\ndefault_pool_size = ${size}\n`;
const old = folder.file("old.ini", ini(3));
const fresh = folder.file("new.ini", ini(2));

test("the verdict first, then what changed, what it does, and both sides", async () => {
  const { status, stdout } = await inThisProcess(["diff", old, fresh, small, "--wait-p99", "1 s"]);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^Verdict: pass/);
  expect(stdout).toMatch(/default_pool_size {2,}3 {2,}2 {2,}RELOAD {2,}yes/);
  expect(stdout).toMatch(/wait, mean {2,}\+\d+ us {2,}\S+ \.\. \S+ \S+ {2,}yes/);
  expect(stdout).toContain("Under the old and the new settings");
  expect(stdout).toContain("To repeat: seed 1;");
});

test("settings that change no figure: it says so", async () => {
  const { stdout } = await inThisProcess(["diff", old, old, small, "--replications", "2"]);
  expect(stdout).toContain("No difference: every figure is the same.");
  expect(stdout).toContain("No setting has changed");
});

test("--csv says of which file each line is", async () => {
  const args = ["diff", old, fresh, small, "--csv", "--replications", "2", "--quiet"];
  const [head, ...lines] = (await inThisProcess(args)).stdout.trimEnd().split("\r\n");
  expect(head).toMatch(/^file,pool_mode,/);
  expect(lines.map((line) => line.split(",")[0])).toEqual([old, fresh]);
});

test("a missed objective is status 1; --json obeys the schema; the page is drawn", async () => {
  const page = join(folder.path, "change.html");
  const args = ["diff", old, fresh, small, "--wait-p99", "1us", "--json", "--quiet"];
  const { status, stdout } = await inThisProcess([...args, "--chart", page]);
  expect(status).toBe(1);
  const result = resultSchema.parse(JSON.parse(stdout));
  expect(result).toMatchObject({ command: "diff", workload: "small", verdict: "fail" });
  expect(result.slo).toMatchObject({ met: false, terms: [{ name: "wait_p99", limit: 0.001 }] });
  expect(result.differences).toMatchObject([{ from: old, to: fresh }]);
  expect(result.changes).toHaveLength(1);
  expect(existsSync(page)).toBe(true);
});

describe("bad input: one line, status 2", () => {
  const broken = folder.file("broken.ini", `${ini(3)}default_pool_sise = 4\n`);
  const cases: [string[], string][] = [
    [[old, fresh], "missing required argument 'workload'"],
    [[old, broken, small], `${broken}:6: default_pool_sise is unknown`],
    [[old, "nowhere.ini", small], "nowhere.ini"],
    [[old, fresh, small, "--pool-size", "3"], "unknown option '--pool-size'"],
    [
      [old, fresh, small, "--wait-p99", "10"],
      '--wait-p99 10: slo.wait_p99 is "10"; expected a duration',
    ],
    [[old, fresh, small, "--timeouts", "2"], '--timeouts 2: slo.timeouts is "2"; expected a share'],
    [
      [old, fresh, small, "--set", "default_pool_size=5"],
      "--set default_pool_size=5 holds for both files, and would hide that they differ in default_pool_size",
    ],
  ];
  for (const [args, message] of cases) {
    test(`${args.join(" ").replaceAll(folder.path, "..")}`, async () => {
      const { status, stdout, stderr } = await inThisProcess(["diff", ...args]);
      expect([status, stdout]).toEqual([2, ""]);
      expect(stderr).toContain(message);
      expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    });
  }
});

test("--help explains it with examples", async () => {
  const { status, stdout } = await inThisProcess(["diff", "--help"]);
  expect(status).toBe(0);
  expect(stdout).toContain("A change of pgbouncer.ini");
  expect(stdout).toContain("Examples:\n  poolwise diff");
});
