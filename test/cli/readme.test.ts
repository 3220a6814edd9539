/**
 * What the README tells people to type works as it stands there: in the built program, made shorter by
 * options only. A command that the README does not name before is run as well.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { simulate } from "../../sim/model/index.ts";
import { RULES } from "../../sim/study/check/check.ts";
import { hasObjective } from "../../sim/study/slo.ts";
import { familyNames, SYSTEMS } from "../../sim/study/theory/theory.ts";
import { parseWorkload } from "../../workloads/schema/load.ts";
import { Folder, inThisProcess } from "./poolwise.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const BUILT = join(ROOT, "dist/sim/cli/main.js");
const README = readFileSync(join(ROOT, "README.md"), "utf8");
const folder = new Folder();

const FEW = ["--replications", "2", "--duration", "10 s"];

/** Options that make a command short, by its name; the rest of the line stays as it is. */
const SHORTER: Record<string, string[]> = {
  simulate: FEW,
  size: FEW,
  sweep: FEW,
  theory: ["--quick", "--family", "M/M/1"],
  compare: FEW,
  live: ["--duration", "1 s", "--warmup", "300 ms", "--journal", join(folder.path, "live.journal")],
  validate: ["--duration", "1 s", "--warmup", "300 ms", "--repeats", "1"],
  replay: [],
  check: [],
  diff: FEW,
};

/** Files that a reader has and a test must make. */
const FILES: Record<string, string> = {
  "traffic.journal": join(folder.path, "live.journal"),
  "pgbouncer.ini": join(folder.path, "pgbouncer.ini"),
  "pgbouncer.new.ini": join(folder.path, "pgbouncer.new.ini"),
  "shop.yaml": join(folder.path, "shop.yaml"),
};

/** The workload that stands there. */
const [, SHOP = ""] = /^```yaml\n(.*?)^```$/ms.exec(README) ?? [];

const written = [...README.matchAll(/`poolwise ([^`]+)`|^npx poolwise (.+)$/gm)].map(
  (match) => (match[1] ?? match[2]) as string,
);
const lines = [...new Set(written)].filter((line) => !/[[\]|A-Z]{3}/.test(line));
// Some go on until somebody ends them, and `tour` takes minutes; `explore` has a test of its own.
const run = lines.filter((line) => !/^(pooler|explore|tour)\b/.test(line));

let pooler: ChildProcess | undefined;
beforeAll(() => {
  if (!existsSync(BUILT)) throw new Error("the program is not built: npm run build, or npm test");
  const ini = `[databases]\napp = host=${folder.path}\n[pgbouncer]\nunix_socket_dir = ${folder.path}\nlisten_port = 6432\nauth_type = any\n`;
  folder.file("shop.yaml", SHOP);
  folder.file("pgbouncer.ini", ini);
  folder.file("pgbouncer.new.ini", `${ini}default_pool_size = 10\n`);
});
afterAll(() => {
  pooler?.kill("SIGKILL");
  folder.remove();
});

function built(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [BUILT, ...args], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** In the order of the README, but a journal must be there before it is replayed. */
const ordered = [...run].sort((a, b) => Number(/^replay/.test(a)) - Number(/^replay/.test(b)));

describe("commands", () => {
  test("the README names every command that the program has", async () => {
    const child = built(["--help"]);
    let text = "";
    child.stdout?.on("data", (chunk) => {
      text += chunk;
    });
    await new Promise((done) => child.on("close", done));
    const commands = [...text.matchAll(/^ {2}([a-z]+)(?: \[options\]| \[command\]) .*$/gm)].map(
      (match) => match[1] as string,
    );
    expect(commands).toContain("simulate");
    const known = new Set(written.map((line) => line.split(" ")[0]));
    expect(commands.filter((name) => name !== "help" && !known.has(name))).toEqual([]);
  });

  for (const line of ordered)
    test(`poolwise ${line}`, async () => {
      const [name = "", ...rest] = line.split(" ");
      const shorter = SHORTER[name];
      expect(shorter, "say in SHORTER how it is made short").toBeDefined();
      const args = rest.map((word) => FILES[word] ?? word);
      const child = built([name, ...args, ...(shorter ?? []), "--quiet"]);
      let [output, errors] = ["", ""];
      child.stdout?.on("data", (chunk) => {
        output += chunk;
      });
      child.stderr?.on("data", (chunk) => {
        errors += chunk;
      });
      const status = await new Promise((done) => child.on("close", done));
      // A verdict or an objective may well not be met by so short a run.
      expect({ status: status === 1 ? 0 : status, errors }).toEqual({ status: 0, errors: "" });
      expect(output.length).toBeGreaterThan(100);
    });

  test("poolwise pooler pgbouncer.ini", async () => {
    expect(lines).toContain("pooler pgbouncer.ini");
    pooler = built(["pooler", FILES["pgbouncer.ini"] as string]);
    let log = "";
    await new Promise<void>((up, fail) => {
      pooler?.stderr?.on("data", (chunk) => {
        log += chunk;
        if (log.includes("process up")) up();
      });
      pooler?.on("close", (status) => fail(new Error(`ended with ${status}: ${log}`)));
    });
    const ended = new Promise((done) => pooler?.on("close", done));
    pooler.kill("SIGINT");
    expect([await ended, log]).toEqual([0, expect.stringContaining("got SIGINT")]);
    expect(existsSync(join(folder.path, ".s.PGSQL.6432"))).toBe(false);
  });
});

test("the workload in the README is one, and turns nobody away", () => {
  const workload = parseWorkload(SHOP, "README.md");
  expect(hasObjective(workload.slo)).toBe(true);
  const { all } = simulate(workload, { duration: 2e9 });
  expect(all.response.count).toBeGreaterThan(500);
  expect(all.errors).toEqual({});
});

test("every option that the README names is one of some command", async () => {
  const names = [...new Set(written.map((line) => line.split(" ")[0] as string))];
  let help = "";
  for (const name of names) help += (await inThisProcess([name, "--help"])).stdout;
  expect(help).not.toContain('default: "');
  const known = new Set(help.match(/--[a-z][a-z-]+/g));
  const named = README.match(/(?<=[ `])--[a-z][a-z-]+/g) ?? [];
  expect(named).toContain("--replications");
  expect(named.filter((option) => !known.has(option))).toEqual([]);
});

test("rules and systems are as many as the README says", () => {
  expect(README).toContain(`; ${RULES.length} rules (\`--rules\`)`);
  const systems = `${SYSTEMS.length} systems`;
  expect(README).toContain(`exact queueing theory: ${systems},`);
  expect(README).toContain(`holds ${systems} of ${familyNames().length} families`);
});

test("every npm script that the README names is there", () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const named = [...README.matchAll(/npm (?:run )?(?!ci\b|run\b)([a-z:]+)/g)].map((m) => m[1]);
  expect(named).toContain("bench");
  expect(named.filter((name) => scripts[name as string] === undefined)).toEqual([]);
});
