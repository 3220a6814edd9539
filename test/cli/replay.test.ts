/** `poolwise replay`: what it prints, its exit status, and files that are no journals. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Core, DEFAULTS, JournalWriter, SECOND } from "../../engine/core/index.ts";
import { resultSchema } from "../../sim/study/results/index.ts";
import { Folder, inThisProcess } from "./poolwise.ts";

const folder = new Folder();
const path = join(folder.path, "traffic.journal");
afterAll(() => folder.remove());

/** A client that asks a pool of one for a server again and again; then `idle` turns without anything. */
function record(idle: number): Buffer {
  const core = new Core({
    ...DEFAULTS,
    databases: [{ name: "app" }],
    users: [],
    default_pool_size: 1,
  });
  const parts: Uint8Array[] = [];
  const writer = new JournalWriter(core, 0, (bytes) => parts.push(bytes) > 0);
  const pool = [core.database("app"), core.user("ann")] as const;
  for (let at = 1; at < 1_500; at++) {
    const client = core.accept(at * SECOND);
    core.startup(at * SECOND, client, ...pool);
    core.settle(at * SECOND);
    core.disconnect(at * SECOND, client);
    core.settle(at * SECOND);
    while (core.effects.next());
  }
  for (let at = 1_500; at < 1_500 + idle; at++) core.settle(at * SECOND);
  writer.end();
  return Buffer.concat(parts);
}

let journal: Buffer;
beforeAll(() => {
  journal = record(0);
  folder.bytes("traffic.journal", journal);
});

describe("poolwise replay", () => {
  test("the same decisions: a verdict, tables, status 0", async () => {
    const { status, stdout, stderr } = await inThisProcess(["replay", path]);
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("Verdict: pass. Every decision is the recorded one");
    expect(stdout).toContain("recorded");
  });

  test("--json is one object of the published schema; --chart draws the queue", async () => {
    const chart = join(folder.path, "queue.vl.json");
    const { status, stdout, stderr } = await inThisProcess([
      ...["replay", path, "--json"],
      ...["--chart", chart],
    ]);
    expect([status, stderr]).toEqual([0, `drawn: ${chart}\n`]);
    const result = resultSchema.parse(JSON.parse(stdout));
    expect(result).toMatchObject({
      command: "replay",
      workload: "traffic.journal",
      verdict: "pass",
    });
    expect(result.replay?.equal).toBe(true);
    expect(result.replay?.timeline.length).toBeGreaterThan(200);
  });

  test("a journal that is cut off says so", async () => {
    const cut = folder.bytes("cut.journal", journal.subarray(0, journal.length - 2));
    const { status, stdout } = await inThisProcess(["replay", cut]);
    expect(status).toBe(0);
    expect(stdout).toContain("The journal was cut off");
  });

  test("too short for a hash: unsure, status 0", async () => {
    const short = folder.bytes("short.journal", journal.subarray(0, journal.indexOf(10, 20) + 30));
    const { status, stdout } = await inThisProcess(["replay", short]);
    expect([status, stdout.includes("Verdict: unsure.")]).toEqual([0, true]);
  });

  test("other decisions: status 1, and where", async () => {
    const text = journal.toString("latin1").replace('"max_client_conn":100', '"max_client_conn":0');
    const changed = folder.bytes("changed.journal", Buffer.from(text, "latin1"));
    const { status, stdout } = await inThisProcess(["replay", changed]);
    expect(status).toBe(1);
    expect(stdout).toContain("Verdict: fail.");
  });
});

test("damage among turns without decisions is seen as well: status 1, and where", async () => {
  const idle = record(2_000);
  idle.fill(0xff, idle.length - 2_000, idle.length - 2_000 + 64);
  const { status, stdout } = await inThisProcess(["replay", folder.bytes("damaged.journal", idle)]);
  expect(status).toBe(1);
  expect(stdout).toMatch(/the file is damaged at byte \d+/);
});

describe("what is no journal: one line, status 2", () => {
  const expected = "expected a file that `poolwise pooler INI --journal FILE` wrote";
  const cases: [string, () => string, string][] = [
    ["nowhere", () => "nowhere.journal", "cannot be read (no such file)"],
    ["a directory", () => join(folder.path, "sub"), "cannot be read (it is a directory)"],
    ["empty", () => folder.file("empty", ""), "is none"],
    ["a text", () => folder.file("text", "pool_mode = session\n\n"), "is none"],
    ["a head without its end", () => folder.file("head", "poolwise journal 1\n{"), "is none"],
    ["a head that is no settings", () => folder.file("bad", "poolwise journal 1\n{}\n"), "is none"],
  ];
  mkdirSync(join(folder.path, "sub"));
  for (const [name, file, problem] of cases)
    test(name, async () => {
      const { status, stdout, stderr } = await inThisProcess(["replay", file()]);
      expect([status, stdout]).toEqual([2, ""]);
      expect(stderr).toContain(`the journal ${problem}`);
      expect(stderr).toContain(expected);
      expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    });
});
