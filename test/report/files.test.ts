/** A report is written whole or not at all, and asks nothing of the network. */
import { execFileSync } from "node:child_process";
import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHART_FORMATS, chartFormat, writeChart } from "../../sim/report/chart-file.ts";
import { modeBars, runDistributions } from "../../sim/report/charts/index.ts";
import { checkWritable, OutputError, writeWhole } from "../../sim/report/files.ts";
import { type Report, renderHtml } from "../../sim/report/html.ts";
import { partsOf } from "../../sim/report/kept.ts";
import { compareTable } from "../../sim/report/tables.ts";
import { sampleComparison } from "./fixture.ts";

const result = sampleComparison();
const report: Report = {
  title: 'Pool modes: <checkout> & "friends"',
  findings: ["Transaction mode waits less."],
  charts: [modeBars("Modes", result.runs), runDistributions("Waits", result.runs)],
  tables: [compareTable(result.runs)],
  data: { ...result, workload: "</script><script>alert(1)</script>" },
};
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "poolwise-report-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("chart files", () => {
  const starts = { svg: "<svg", png: "\u0089PNG", html: "<!doctype html>", "vl.json": "{" };
  for (const format of CHART_FORMATS) {
    test(`.${format}`, async () => {
      const file = join(folder, `chart.${format}`);
      await writeChart(file, report);
      const text = await readFile(file, "latin1");
      expect(text.startsWith(starts[format])).toBe(true);
      if (format === "vl.json") expect(JSON.parse(text).vconcat).toHaveLength(2);
    });
  }

  test("only the known endings, in any case", () => {
    const names = ["a.svg", "a.PNG", "b.vl.json", "a.json", "svg", "a.pdf"];
    expect(names.map(chartFormat)).toEqual([
      "svg",
      "png",
      "vl.json",
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe("writing", () => {
  test("replaces a file and leaves no temporary one behind", async () => {
    const file = join(folder, "whole.txt");
    await writeWhole(file, "old");
    await writeWhole(file, "new");
    expect(await readFile(file, "utf8")).toBe("new");
    expect((await readdir(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("a missing directory is one clear line", async () => {
    const file = join(folder, "nowhere", "a.svg");
    await expect(writeWhole(file, "x")).rejects.toThrow(
      new OutputError(file, { code: "ENOENT" }).message,
    );
    expect(new OutputError("a.svg", { code: "ENOSPC" }).message).toBe(
      "cannot write a.svg: the disk is full",
    );
  });

  test("a directory in the way keeps what it has, and the temporary file goes", async () => {
    const target = join(folder, "taken.svg");
    await mkdir(target);
    await writeFile(join(target, "inside"), "kept");
    await expect(writeWhole(target, "x")).rejects.toThrow(OutputError);
    expect(await readdir(target)).toEqual(["inside"]);
    expect((await readdir(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("a link keeps pointing to its file, which keeps its permissions", async () => {
    const [file, link] = [join(folder, "target.txt"), join(folder, "link.txt")];
    await writeFile(file, "old", { mode: 0o600 });
    await symlink(file, link);
    await writeWhole(link, "new");
    expect(await readFile(file, "utf8")).toBe("new");
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  test.skipIf(process.platform === "win32")("a pipe is written to and stays a pipe", async () => {
    const pipe = join(folder, "pipe.txt");
    execFileSync("mkfifo", [pipe]);
    const [read] = await Promise.all([readFile(pipe, "utf8"), writeWhole(pipe, "through")]);
    expect(read).toBe("through");
    expect((await stat(pipe)).isFIFO()).toBe(true);
  });

  test("what cannot be written is refused before any work, and nothing is made for it", async () => {
    const [missing, folders] = [join(folder, "nowhere", "a.svg"), join(folder, "dir.svg")];
    await mkdir(folders);
    const before = await readdir(folder);
    expect(() => checkWritable(missing)).toThrow(`cannot write ${missing}: no such directory`);
    expect(() => checkWritable(folders)).toThrow(`cannot write ${folders}: it is a directory`);
    checkWritable(join(folder, "fresh.svg"));
    checkWritable("/dev/null");
    expect(await readdir(folder)).toEqual(before);
  });

  test("a full device leaves nothing", async () => {
    await expect(writeWhole("/dev/full/a.svg", "x")).rejects.toThrow(
      "cannot write /dev/full/a.svg",
    );
  });
});

describe("the HTML page", () => {
  test("is complete, escaped, and carries its data", async () => {
    const page = await renderHtml(report);
    expect(page).toContain("<title>Pool modes: &lt;checkout&gt; &amp; &quot;friends&quot;</title>");
    expect(page.match(/<svg/g)).toHaveLength(2);
    const data = /<script type="application\/json" id="result">(.*?)<\/script>/s.exec(page)?.[1];
    expect(JSON.parse(data ?? "").workload).toBe("</script><script>alert(1)</script>");
    expect(page).not.toContain("<script>alert");
  });

  test("breaks no option between its hyphens and its name", async () => {
    const findings = ["not precise: give it more with --time-limit or --set a=<b>."];
    const page = await renderHtml({ ...report, findings });
    expect(page).toContain(
      'with <span class="kept">--time-limit</span> or <span class="kept">--set</span> a=&lt;b&gt;.</p>',
    );
    expect(page).toContain(".kept{white-space:nowrap}");
  });

  // what stands in one line
  for (const [text, kept] of [
    ["Transaction mode, 20 server connections: 21 % wait", ["20 server", "21 %"]],
    ["3.98 ms on average, 1 in 1,000 longer than 18.4 ms.", ["3.98 ms", "1 in 1,000", "18.4 ms"]],
    ["p99 1.10 .. 1.30 ms after 1.5 s of warm-up", ["1.10 .. 1.30 ms", "1.5 s"]],
    ["in 10 two-hour windows, of a 30-day month", ["10 two-hour", "30-day"]],
    ["seed 1; version 0.1.0. 12 Ends.", []],
  ] as const)
    test(`keeps in one line what belongs together: ${text}`, () => {
      const parts = partsOf(text);
      expect(parts.filter((part) => part.kept).map((part) => part.text)).toEqual(kept);
      expect(parts.map((part) => part.text).join("")).toBe(text);
    });

  test("asks nothing of the network", async () => {
    const page = await renderHtml(report);
    const without = page.replaceAll("http://www.w3.org/", "").replaceAll('href="data:,"', "");
    const markup = without.replace(/<script type="application\/json".*?<\/script>/gs, "");
    expect(markup).not.toMatch(/https?:|src=|href=(?!"#)|@import|url\((?!#)/);
    expect(page).toContain("default-src 'none'");
  });

  test("has a dark and a printed face", async () => {
    const page = await renderHtml(report);
    expect(page).toContain("prefers-color-scheme:dark");
    expect(page).toContain("@media print");
  });
});
