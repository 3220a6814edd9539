/** The program from outside: what it prints where, how it refuses, and how it ends. */
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { resultSchema } from "../../sim/study/results/index.ts";
import { Folder, inThisProcess, type Outcome, poolwise, SMALL } from "./poolwise.ts";

const folder = new Folder();
afterAll(() => folder.remove());
const small = folder.file("small.yaml", SMALL);
const strict = folder.file("strict.yaml", `${SMALL}slo: { wait_p99: 1 us }\n`);

describe("help and version", () => {
  test("--version is the package's", async () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8"));
    expect(await poolwise(["--version"])).toEqual({
      status: 0,
      stdout: `${version}\n`,
      stderr: "",
    });
  });

  test("--help lists the commands with examples, on stdout", async () => {
    const { status, stdout, stderr } = await poolwise(["--help"]);
    expect([status, stderr]).toEqual([0, ""]);
    for (const word of ["simulate", "compare", "pooler", "Try:"]) expect(stdout).toContain(word);
  });

  for (const command of ["simulate", "compare", "pooler"]) {
    test(`${command} --help explains it with examples`, async () => {
      const { status, stdout } = await inThisProcess([command, "--help"]);
      expect(status).toBe(0);
      expect(stdout).toContain(`Usage: poolwise ${command}`);
      expect(stdout).toContain(`Examples:\n  poolwise ${command}`);
    });
  }

  test("an option that may be repeated says nothing of an empty default", async () => {
    for (const command of ["simulate", "sweep", "check", "live"])
      expect((await inThisProcess([command, "--help"])).stdout).not.toContain("[]");
  });

  for (const [args, same] of [
    [["help"], ["--help"]],
    [["help", "help"], ["--help"]],
    [["-h"], ["--help"]],
    [
      ["size", "-h"],
      ["size", "--help"],
    ],
    [
      ["help", "size"],
      ["size", "--help"],
    ],
    [
      ["help", "pooler"],
      ["pooler", "--help"],
    ],
  ] as const) {
    test(`${args.join(" ")} is ${same.join(" ")}`, async () => {
      expect(await inThisProcess(args)).toEqual(await inThisProcess(same));
    });
  }

  test("help with a command that there is not is refused as the command is", async () => {
    const { status, stdout, stderr } = await inThisProcess(["help", "siz"]);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toBe("poolwise: unknown command 'siz' (Did you mean size?)\n");
  });

  test("no command at all is bad usage: help on stderr", async () => {
    const { status, stdout, stderr } = await poolwise([]);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("Usage: poolwise");
  });
});

describe("bad usage and bad input: one line on stderr, nothing on stdout, status 2", () => {
  const broken = folder.file("broken.yaml", SMALL.replace("exponential: 5 ms", "exponental: 5 ms"));
  // arguments, message
  const cases: [string[], string][] = [
    [["frobnicate"], "unknown command 'frobnicate'"],
    [["simulate"], "missing required argument 'workload'"],
    [["simulate", small, "--sede", "3"], "unknown option '--sede' (Did you mean --seed?)"],
    [["simulate", small, "--seed"], "option '--seed <number>' argument missing"],
    [["simulate", small, "--seed", "x"], '--seed: number is "x"; expected a whole number from 0'],
    [["compare", small, "--pool-mode", "session"], "unknown option '--pool-mode'"],
    [
      ["compare", small, "--occupancy", "2"],
      '--occupancy: time is "2"; expected a duration above 0 with its unit, such as 2 s',
    ],
    [
      ["simulate", small, "--occupancy", "999999 h"],
      '--occupancy: time is "999999 h"; expected a duration up to an hour, such as 2 s',
    ],
    [
      ["simulate", small, "--occupancy", "1 s", "--set", "pooler.processes=2"],
      'pooler.processes is "2"; expected one process',
    ],
    [
      ["simulate", small, "--pool-mode", "trans"],
      '--pool-mode: pool_mode is "trans"; expected session | transaction | statement; did you mean "transaction"?',
    ],
    [
      ["simulate", small, "--replications", "0"],
      '--replications: number is "0"; expected a whole number from 1',
    ],
    [
      ["size", strict, "--replications", "1"],
      '--replications: number is "1"; expected a whole number from 2',
    ],
    [
      ["compare", strict, "--clients", "--replications", "1"],
      '--replications: number is "1"; expected a whole number from 2',
    ],
    [
      ["simulate", small, "--time-limit", "5"],
      '--time-limit: time is "5"; expected a duration above 0 with its unit, such as 30 s',
    ],
    [
      ["simulate", small, "--chart", "a.pdf"],
      "--chart: a.pdf is of no known kind; expected a name that ends in .svg | .png | .html | .vl.json",
    ],
    [
      ["simulate", "nowhere.yaml"],
      "nowhere.yaml: the workload cannot be read (no such file); expected the path of a YAML file, such as workloads/storefront.yaml",
    ],
    [
      ["simulate", "pgbouncer.ini"],
      "pgbouncer.ini: the workload is a pgbouncer.ini; expected a YAML file with clients, which may name it (ini: PATH); poolwise check judges an ini alone",
    ],
    [["simulate", broken], `${broken}:10: clients[0].transaction.service`],
    [
      ["compare", small, "--set", "pool_mode=session"],
      "--set pool_mode=session has no effect: compare tries every pool mode; leave it out",
    ],
    [
      ["compare", small, "--clients"],
      "no objective that clients are to meet; give --wait-p99 '10 ms', or slo: { wait_p99: 10 ms } in the file",
    ],
    [
      ["size", small, "--wait-p99", "10"],
      '--wait-p99 10: slo.wait_p99 is "10"; expected a duration such as 10 ms, 1.5 s, 2 min',
    ],
    [
      ["sweep", small, "--vary", "default_pool_size=2,two"],
      '--vary default_pool_size=two: default_pool_size is "two"; expected an integer',
    ],
    [
      ["sweep", small, "--vary", "default_pool_size=2..4", "--pool-size", "3"],
      "--pool-size and --vary default_pool_size: one of the two",
    ],
    [
      [
        "sweep",
        small,
        "--vary",
        "default_pool_size=2..4",
        "--set",
        "pgbouncer.default_pool_size=9",
      ],
      "--set pgbouncer.default_pool_size=9 and --vary default_pool_size: one of the two",
    ],
    [["check", "--rules", "--presets"], "--rules and --presets: one of the two"],
    [["check", "--presets", "--json"], "--json has no effect with --presets: leave it out"],
    [
      ["check", "nowhere.ini"],
      "nowhere.ini: the file cannot be read (no such file); expected the name of a readable file",
    ],
    [
      ["sweep", small, "--vary", "run.seed=2..4"],
      "--vary run.seed has no effect: every point has the same draws and the same warm-up",
    ],
    [
      ["sweep", small, "--vary", "run.duration=2 s..4 s:1 s", "--duration", "3 s"],
      "--duration and --vary run.duration: one of the two",
    ],
    [
      ["simulate", small, "--precision", "5"],
      '--precision: run.precision is "5"; expected a share such as 5 % or 0.05',
    ],
    [["theory", "--studies", "3", "--seed", "0"], "--studies is of --coverage; give it --coverage"],
    [
      ["theory", "--coverage", "--family", "M/M/1"],
      "--family has no effect with --coverage: leave one of the two out",
    ],
    [["pooler", "nowhere.ini"], "nowhere.ini"],
  ];
  for (const [args, message] of cases) {
    test(`${args.join(" ").replaceAll(folder.path, "..")}`, async () => {
      const { status, stdout, stderr } = await inThisProcess(args);
      expect([status, stdout]).toEqual([2, ""]);
      expect(stderr).toContain(message);
      expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    });
  }
});

describe("no command writes over the file that it reads", () => {
  const link = join(folder.path, "link");
  const ini = folder.file("mine.ini", "[databases]\n[pgbouncer]\n");
  beforeAll(() => symlinkSync(small, link));
  for (const [args, input, option] of [
    [["simulate", small, "--metrics", small], small, "--metrics"],
    [["simulate", small, "--metrics", link], small, "--metrics"],
    [["live", small, "--journal", small], small, "--journal"],
    [["validate", small, "--journal", small], small, "--journal"],
    [["pooler", ini, "--journal", ini], ini, "--journal"],
  ] as const) {
    test(`${args.join(" ").replaceAll(folder.path, "..")}`, async () => {
      const before = readFileSync(input, "utf8");
      const { status, stderr } = await inThisProcess(args);
      expect(stderr).toBe(
        `poolwise: ${option}: ${args.at(-1)} is the file that is read; give it another name\n`,
      );
      expect(status).toBe(2);
      expect(readFileSync(input, "utf8")).toBe(before);
    });
  }
});

describe("simulate", () => {
  test("prints a report to stdout, and nothing to stderr when it is no terminal", async () => {
    const { status, stdout, stderr } = await poolwise(["simulate", small]);
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("transaction mode, 2 server connections");
    expect(stdout).toMatch(/wait, mean {2,}[\d.]+ [mu]s/);
    expect(stdout).toContain("To repeat: seed 1;");
  });

  test("--json is one object of the published schema, the same for the same seed", async () => {
    const args = ["simulate", small, "--json", "--seed", "5", "--set", "default_pool_size=3"];
    const [first, again] = await Promise.all([poolwise(args), poolwise(args)]);
    const result = resultSchema.parse(JSON.parse(first?.stdout ?? ""));
    expect(result).toMatchObject({ command: "simulate", workload: "small", seed: 5 });
    expect(result.runs[0]).toMatchObject({ pool_size: 3, settings: { default_pool_size: 3 } });
    const same = resultSchema.parse(JSON.parse(again?.stdout ?? ""));
    const timeless = (runs: typeof result.runs) => runs.map((run) => ({ ...run, wall_s: 0 }));
    expect(timeless(same.runs)).toEqual(timeless(result.runs));
  });

  test("an objective that is not met is status 1, and the report says so", async () => {
    const { status, stdout } = await poolwise(["simulate", strict]);
    expect(status).toBe(1);
    expect(stdout).toContain("NOT met");
  });

  test("--replications makes exactly so many, however precise they are and whatever time they take", async () => {
    for (const [times, more] of [
      [3, ["--precision", "0.1 %"]],
      [12, ["--precision", "90 %", "--time-limit", "1 ms"]],
    ] as const) {
      const args = ["simulate", small, "--json", "--replications", `${times}`, ...more];
      const { stdout } = await inThisProcess([...args, "--workers", "0"]);
      expect(resultSchema.parse(JSON.parse(stdout)).runs[0]?.replications).toBe(times);
    }
  });

  test("--quiet leaves out explanations", async () => {
    const { stdout } = await poolwise(["simulate", small, "--quiet"]);
    expect(stdout).not.toContain("meaning");
  });

  test("options reach the run", async () => {
    const args = ["simulate", small, "--json", "--pool-size", "4", "--pool-mode", "session"];
    const { stdout } = await poolwise([...args, "--duration", "2 s", "--precision", "50 %"]);
    const [run] = resultSchema.parse(JSON.parse(stdout)).runs;
    expect(run).toMatchObject({ pool_size: 4, pool_mode: "session" });
    expect((run?.simulated_s ?? 0) / (run?.replications ?? 1)).toBe(2);
  });
});

describe("compare", () => {
  test("three modes, their differences, and what each takes away", async () => {
    const { status, stdout } = await poolwise(["compare", small]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/session, 2 +transaction, 2 +statement, 2/);
    expect(stdout).toContain("transaction instead of session");
    expect(stdout).toContain("What each mode takes away");
  });

  test("--json obeys the schema and has the paired differences", async () => {
    const { stdout } = await poolwise(["compare", small, "--json"]);
    const result = resultSchema.parse(JSON.parse(stdout));
    expect(result.runs.map((run) => run.pool_mode)).toEqual([
      "session",
      "transaction",
      "statement",
    ]);
    expect(result.differences).toHaveLength(3);
  });

  test("--clients: the most clients of each mode, with an objective from the command line", async () => {
    const args = ["--clients", "--wait-p99", "20 ms", "--precision", "25 %", "--json"];
    const { status, stdout, stderr } = await poolwise(["compare", small, ...args]);
    expect(status).toBe(0);
    expect(stderr).toContain("note: statement mode: as transaction mode");
    const { most_clients = [], runs } = resultSchema.parse(JSON.parse(stdout));
    expect(most_clients.map(({ pool_mode }) => pool_mode)).toEqual(
      runs.map(({ pool_mode }) => pool_mode),
    );
    expect(most_clients[0]?.clients).toBe(2);
    expect(most_clients[1]?.clients).toBeGreaterThan(2);
  });

  test("status 1 only when no mode meets the objective", async () => {
    expect((await poolwise(["compare", strict])).status).toBe(1);
  });
});

describe("chart files", () => {
  test("all four kinds at once, and their names on stderr", async () => {
    const files = ["a.svg", "a.png", "a.html", "a.vl.json"].map((name) => join(folder.path, name));
    const { status, stderr } = await poolwise([
      "compare",
      small,
      ...files.flatMap((file) => ["--chart", file]),
    ]);
    expect(status).toBe(0);
    expect(stderr).toBe(files.map((file) => `drawn: ${file}\n`).join(""));
    const [svg, png, html, lite] = files.map((file) => readFileSync(file));
    expect(svg?.toString()).toMatch(/^<svg.*<\/svg>$/s);
    expect(png?.subarray(1, 4).toString()).toBe("PNG");
    expect(html?.toString()).toContain('"command":"compare"');
    expect(JSON.parse(lite?.toString() ?? "")).toHaveProperty("vconcat");
  });

  test("a folder that is not there is refused before anything is simulated, with status 3", async () => {
    const file = join(folder.path, "nowhere", "a.svg");
    const { status, stdout, stderr } = await poolwise(["simulate", small, "--chart", file]);
    expect([status, stdout]).toEqual([3, ""]);
    expect(stderr).toBe(`poolwise: cannot write ${file}: no such directory\n`);
  });

  test.skipIf(process.getuid?.() === 0)("a folder that may not be written to", async () => {
    chmodSync(folder.path, 0o500);
    const { status, stderr } = await poolwise([
      "simulate",
      small,
      "--chart",
      `${folder.path}/b.svg`,
    ]);
    chmodSync(folder.path, 0o700);
    expect(status).toBe(3);
    expect(stderr).toContain("permission denied");
  });

  test("what cannot be replaced stays as it was, without a temporary file", async () => {
    const target = join(folder.path, "taken.svg");
    writeFileSync(join(folder.path, "kept"), "");
    const { status } = await poolwise(["simulate", small, "--chart", `${target}/`]);
    expect(status).toBe(2);
    expect(existsSync(target)).toBe(false);
    expect(readdirSync(folder.path).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});

describe("pipes and Ctrl-C", () => {
  test("a reader that goes away is no failure", async () => {
    const { status, stderr } = await poolwise(["simulate", small], { closeAfter: 10 });
    expect([status, stderr]).toEqual([0, ""]);
  });

  /** Presses Ctrl-C later and later, until the program has come as far as `far` says. */
  async function interrupted(args: string[], far: (outcome: Outcome) => boolean): Promise<Outcome> {
    for (let interruptAfter = 4_000; ; interruptAfter *= 2) {
      const outcome = await poolwise(args, { interruptAfter });
      if (far(outcome) || interruptAfter > 60_000) return outcome;
    }
  }

  test("Ctrl-C prints what is known so far and ends with 130", async () => {
    const endless = ["--precision", "0.01 %", "--time-limit", "1 h", "--duration", "20 s"];
    const args = ["simulate", small, "--json", ...endless];
    const { status, stdout } = await interrupted(args, (outcome) => outcome.stdout !== "");
    expect(status).toBe(130);
    const result = resultSchema.parse(JSON.parse(stdout));
    expect(result.interrupted).toBe(true);
    expect(result.runs[0]?.replications).toBeGreaterThan(0);
  });

  test("Ctrl-C before anything is known gives up what is under way, in one line", async () => {
    const endless = ["--duration", "1000000 d", "--time-limit", "1 h"];
    const args = ["simulate", small, "--quiet", ...endless];
    const { status, stdout, stderr } = await interrupted(args, (outcome) => outcome.stderr !== "");
    expect([status, stdout]).toEqual([130, ""]);
    expect(stderr).toMatch(/^poolwise: interrupted before the first replication was done: .*\n$/);
  });
});
