/** `simulate --show` and `--metrics`. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { resultSchema } from "../../sim/study/results/index.ts";
import { Folder, inThisProcess, SMALL } from "./poolwise.ts";

const folder = new Folder();
afterAll(() => folder.remove());
const file = folder.file("small.yaml", SMALL);
const metrics = join(folder.path, "metrics.txt");

describe("simulate", () => {
  test("--show --json: the tables, and the truth beside them, as the schema says", async () => {
    const { stdout, status } = await inThisProcess([
      "simulate",
      file,
      "--show",
      "--every",
      "2 s",
      "--set",
      "stats_period=3",
      "--json",
      "--quiet",
    ]);
    expect(status).toBe(0);
    const { dashboard } = resultSchema.parse(JSON.parse(stdout)).runs[0] ?? {};
    expect(dashboard).toMatchObject({ every_s: 2, stats_period_s: 3 });
    expect(dashboard?.pools.map((row) => row.at_s)).toEqual([0, 2, 4]);
    expect(dashboard?.stats[0]).toHaveProperty("avg_wait_time");
  });

  test("--metrics writes for Prometheus, from --start on; without --show the page is as before", async () => {
    const common = ["simulate", file, "--workers", "0", "--quiet"];
    const plain = await inThisProcess(common);
    const args = ["--metrics", metrics, "--start", "2026-03-01", "--every", "1 s"];
    const { status } = await inThisProcess([...common, ...args]);
    expect(status).toBe(0);
    expect(plain.stdout).not.toContain("SHOW");
    const text = readFileSync(metrics, "utf8");
    const begin = Date.parse("2026-03-01T00:00:00Z") / 1000;
    expect(text).toContain(`\npgbouncer_up 1 ${begin + 5}\n# TYPE`);
    expect(text.endsWith("# EOF\n")).toBe(true);
  });

  for (const [option, got, message] of [
    [
      "--every",
      "0 s",
      '--every: time is "0 s"; expected a duration from 1 ms with its unit, such as 15 s',
    ],
    [
      "--every",
      "often",
      '--every: time is "often"; expected a duration from 1 ms with its unit, such as 15 s',
    ],
    [
      "--every",
      "1 ns",
      '--every: time is "1 ns"; expected a duration from 1 ms with its unit, such as 15 s',
    ],
    [
      "--start",
      "2026-02-31",
      '--start: time is "2026-02-31"; expected a date, or date and time, such as 2026-01-01T00:00:00Z',
    ],
    [
      "--start",
      "noon",
      '--start: time is "noon"; expected a date, or date and time, such as 2026-01-01T00:00:00Z',
    ],
  ] as const) {
    test(`${option} '${got}' is refused before anything is written`, async () => {
      const target = join(folder.path, "never.txt");
      const args = ["simulate", file, "--metrics", target, option, got];
      const { status, stdout, stderr } = await inThisProcess(args);
      expect({ status, stdout, stderr }).toEqual({
        status: 2,
        stdout: "",
        stderr: `poolwise: ${message}\n`,
      });
      expect(existsSync(target)).toBe(false);
    });
  }

  for (const [args, message] of [
    [["--show", "--csv"], "--csv and --show: one of the two, CSV has only the runs"],
    [["--every", "1 s"], "--every has no effect alone; give it --show or --metrics FILE"],
    [["--start", "2026-03-01"], "--start is of the samples of --metrics; give it --metrics FILE"],
    [
      ["--show", "--start", "2026-03-01"],
      "--start is of the samples of --metrics; give it --metrics FILE",
    ],
  ] as const) {
    test(`${args.join(" ")}: refused, for it would do nothing`, async () => {
      const { status, stdout, stderr } = await inThisProcess(["simulate", file, ...args]);
      expect({ status, stdout, stderr }).toEqual({
        status: 2,
        stdout: "",
        stderr: `poolwise: ${message}\n`,
      });
    });
  }
});
