/** The page of `explore`: its knobs, its command line and file, and that all of them say the same. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { browserThere, startBrowser } from "../../notebooks/chromium.ts";
import { bookmarkOf, stateFrom } from "../../notebooks/explore/bookmark.ts";
import { type Knob, knobsOf } from "../../notebooks/explore/knobs.ts";
import { reportOf } from "../../notebooks/explore/results.ts";
import { around, rates, times, wholeNumbers } from "../../notebooks/explore/scales.ts";
import {
  commandLine,
  fileWith,
  initialOf,
  overridesOf,
  type Question,
  quoted,
  type State,
  varyOf,
} from "../../notebooks/explore/state.ts";
import { openPage } from "../../notebooks/visit.ts";
import type { Result } from "../../sim/study/results/index.ts";
import { parseWorkload, type Workload } from "../../workloads/schema/load.ts";
import { poolerOf } from "../../workloads/schema/pooler.ts";
import { Folder, inThisProcess, SMALL } from "../cli/poolwise.ts";
import { tooWide, unreachable } from "./browser.ts";

const texts = readdirSync("workloads")
  .filter((name) => name.endsWith(".yaml"))
  .map((name) => [`workloads/${name}`, readFileSync(`workloads/${name}`, "utf8")] as const);
const several = `name: several
databases: { shop: { pool_size: 5 }, desk: { pool_mode: session }, odd: }
clients:
  - { name: a.b, database: shop, arrivals: { rate: 1.5/min }, timeout: 2 s,
      transaction: { service: { lognormal: { mean: 3 ms, cv: 2 } } } }
  - { name: 7, database: desk, count: 3, think: 0 ms, session: { transactions: { constant: 4 } },
      transaction: { statements: 2, gap: { erlang: { mean: 1 ms, k: 2 } }, service: 1 ms },
      app_pool: { instances: 2, size: 3 } }
  - { name: odd, database: odd, arrivals: { gap: { weibull: { scale: 1 s, shape: 2 } } },
      transaction: { service: { mixture: [{ weight: 1, of: 1 ms }] } } }
server: { cores: 2.5, usl: { sigma: 0, kappa: 0.01 } }
`.replace("name: 7", 'name: "7"');

const still: State = { question: "simulate", turned: new Map(), more: [] };
const turn = (...entries: [string, string][]): State => ({ ...still, turned: new Map(entries) });

describe("knobs", () => {
  for (const [file, text] of [...texts, ["several.yaml", several] as const])
    test(`${file}: each begins where the file has it, and turns it and nothing else`, () => {
      // A file without the section has a pooler like PgBouncer.
      const loaded = (state: State): Workload => {
        const { pooler: own, ...rest } = parseWorkload(text, file, overridesOf(state));
        const pooler = own ?? poolerOf({ ...parse(text), pooler: {} }, false, String);
        return { ...rest, pooler };
      };
      const workload = loaded(still);
      const knobs = knobsOf(parse(text), workload);
      expect(new Set(knobs.map(({ key }) => key)).size).toBe(knobs.length);
      // A knob of no value yet says so by an empty one, which is never an assignment.
      const said = knobs.filter((knob) => initialOf(knob) !== "");
      const same = said.map((knob): [string, string] => [knob.key, initialOf(knob)]);
      expect(loaded(turn(...same))).toEqual(workload);
      for (const knob of knobs) {
        const other = knob.values[knob.initial === 0 ? 1 : knob.initial - 1] as string;
        const turned = loaded(turn([knob.key, other]));
        if (knob.key !== "--replications") expect(turned, knob.key).not.toEqual(workload);
      }
    });

  test("the kinds, databases and distributions of a file of many shapes", () => {
    const knobs = knobsOf(parse(several), parseWorkload(several, "several.yaml"));
    const keys = knobs.filter(({ group }) => group !== "Simulation").map(({ key }) => key);
    expect(keys.filter((key) => /^(pool_|default|databases|clients|server[.])/.test(key))).toEqual([
      ...["pool_mode", "databases.desk.pool_mode", "default_pool_size", "databases.shop.pool_size"],
      ...["clients.0.arrivals.rate", "clients.0.transaction.service.lognormal.mean"],
      ...["clients.0.timeout", "clients.1.count", "clients.1.think"],
      ...["clients.1.transaction.service", "clients.1.transaction.statements"],
      ...["clients.1.transaction.gap.erlang.mean", "clients.1.session.transactions.constant"],
      ...["clients.1.app_pool.instances", "clients.1.app_pool.size"],
      ...["clients.odd.arrivals.gap.weibull.scale", "server.cores", "server.usl.kappa"],
      ...["server.max_connections", "server.connect_time"],
    ]);
  });

  test("their values rise, are round, and hold the file's own", () => {
    expect(around(7).slice(0, 4)).toEqual([0.4, 0.5, 0.6, 0.8]);
    expect(wholeNumbers(102, 1).slice(396)).toEqual([397, 398, 399, 400, 405]);
    expect(wholeNumbers(0, 0)).toEqual(Array.from({ length: 41 }, (_, i) => i));
    expect(wholeNumbers(12_000, 1).slice(-2)).toEqual([47_500, 48_000]);
    expect(times("0.1 s")).toContain("0.1 s");
    expect(times("0.1 s")).toEqual(expect.arrayContaining(["80 ms", "2 s"]));
    expect(times("0 ms").slice(0, 2)).toEqual(["0 ms", "50 us"]);
    expect(rates("200/s")).toEqual(expect.arrayContaining(["150/s", "200/s", "250/s"]));
  });
});

describe("the state", () => {
  const state: State = {
    question: "simulate",
    turned: new Map([
      ["--pool-mode", "session"],
      ["--pool-size", "3"],
      ["query_wait_timeout", "5"],
      ["clients.web.think.exponential", "80 ms"],
      ["--seed", "4"],
      ["--replications", "20"],
    ]),
    more: ["clients.web.name=o'web", "server.cores=2"],
  };

  test("is a command that a shell reads word by word", () => {
    expect(commandLine("my load.yaml", state, "")).toBe(
      "poolwise simulate 'my load.yaml' --pool-mode session --pool-size 3 --seed 4 " +
        "--set query_wait_timeout=5 --set 'clients.web.think.exponential=80 ms' " +
        "--set 'clients.web.name=o'\\''web' --set server.cores=2 --replications 20",
    );
    for (const word of ["", "a b", "o'web", "$HOME", "5 %", "`x`"])
      expect(execFileSync("sh", ["-c", `printf %s ${quoted(word)}`]).toString()).toBe(word);
  });

  test("is a workload file that keeps its comments and is loaded as the options are", () => {
    const text = `# why\n${SMALL}`;
    const changed = fileWith(text, state);
    expect(changed).toContain("# why\nname: small\n");
    expect(changed).toContain("default_pool_size: 3\n");
    expect(parseWorkload(changed, "f")).toEqual(parseWorkload(text, "f", overridesOf(state)));
    const many = turn(["--pool-size", "9"], ["pool_mode", "session"]);
    const all = fileWith(several, many);
    expect(parseWorkload(all, "f")).toEqual(parseWorkload(several, "f", overridesOf(many)));
    for (const [file, whole] of texts) {
      const same = parseWorkload(fileWith(whole, still), file);
      expect(same).toEqual(parseWorkload(whole, file));
    }
  });

  test("leaves to a question what it varies itself", () => {
    const knobs = knobsOf(parse(SMALL), parseWorkload(SMALL, "f"));
    expect(varyOf(knobs, turn(["--pool-size", "50"]))).toBe("default_pool_size=30..70:5");
    expect(varyOf(knobs, still)).toBe("default_pool_size=1..9:1");
    const sweep = commandLine("f", { ...state, question: "sweep" }, "default_pool_size=1..9:1");
    expect(sweep).toContain("sweep f --vary default_pool_size=1..9:1 --pool-mode session --seed");
    const compare = commandLine("f", { ...state, question: "compare" }, "");
    expect(compare).toContain("compare f --pool-size 3 --seed 4");
  });

  test("outlives a reload, as far as it fits the workload", () => {
    const knobs: Knob[] = knobsOf(parse(SMALL), parseWorkload(SMALL, "f"));
    const asked = { ...state, question: "sweep" } as const;
    expect(stateFrom(bookmarkOf(asked), knobs)).toEqual(asked);
    const odd = "--pool-size=0&nothing=1&question=what&--pool-mode=transaction";
    expect(stateFrom(odd, knobs)).toEqual(still);
  });
});

const INI = "ini: ./pool.ini\nclients";

/** What the command that stands on the page prints. */
async function printed(page: Page): Promise<Result> {
  const line = (await page.locator("[data-copy=command]").textContent()) ?? "";
  const words = execFileSync("sh", ["-c", `printf '%s\\n' ${line}`])
    .toString()
    .split("\n");
  const { stdout } = await inThisProcess([...words.slice(1, -1), "--json", "--workers", "0"]);
  return JSON.parse(stdout);
}

/** Waits for the answer to what was just changed. */
const answered = (page: Page): Promise<unknown> =>
  page.waitForSelector('.background[data-state="done"]');

const figuresOn = (page: Page): Promise<string[][]> =>
  page
    .locator("table")
    .first()
    .locator("tbody tr")
    .evaluateAll((rows) =>
      rows.map((row) => [...row.children].map((cell) => cell.textContent ?? "")),
    );

/** The first table of the report that the command writes. */
const figuresOf = (result: Result): string[][] | undefined =>
  reportOf(result.command as Question, result, [{ default_pool_size: "" }]).tables[0]?.rows;

test.skipIf(!browserThere)(
  "in a browser: nothing leaves the page, and the command that it shows prints its figures",
  async () => {
    if (!existsSync("dist/explore/index.html")) throw new Error("npm run build, or npm test");
    const folder = new Folder();
    // With files beside it, of which the page has the texts only.
    folder.file("times.csv", "1 ms\n2 ms\n12 ms\n");
    const pool = "[databases]\napp = host=h\n[pgbouncer]\nmax_client_conn = 100\n";
    folder.file("pool.ini", `${pool}default_pool_size = 2\npool_mode = transaction\n`);
    const text = SMALL.replace("exponential: 5 ms", "empirical: { file: times.csv }");
    const small = folder.file("small.yaml", text.replace(/pgbouncer:.*?clients/s, INI));
    const served = spawn(process.execPath, ["dist/sim/cli/main.js", "explore", small, "--no-open"]);
    const browser = await startBrowser();
    try {
      const url = String((await once(served.stdout, "data"))[0]).trim();
      const own = new RegExp(`^(data|blob):|^${url}(#.*)?$`);
      const { page, troubles } = await openPage(browser, url, own);
      await answered(page);
      expect(await figuresOn(page)).toEqual(figuresOf(await printed(page)));
      expect(await unreachable(page)).toEqual([]);
      expect(await tooWide(page)).toBe(0);

      const count = page.getByLabel("count", { exact: true });
      await count.press("ArrowRight");
      await page.getByLabel("pool_mode", { exact: true }).selectOption("session");
      await page.getByLabel(/^Further changes/).fill("query_wait_timeout=0");
      await page.getByLabel(/^Further changes/).press("Control+Enter");
      await answered(page);
      const command = (await page.locator("[data-copy=command]").textContent()) ?? "";
      expect(command).toContain("--pool-mode session --set clients.web.count=21 --set query_wait");
      expect(await figuresOn(page)).toEqual(figuresOf(await printed(page)));
      const file = (await page.locator("[data-copy=file]").textContent()) ?? "";
      expect(parseWorkload(file, small).clients[0]?.count).toBe(21);

      for (const [question, rows] of [
        ["the three pool modes", 3],
        ["over the pool size", 9],
      ] as const) {
        await page.getByLabel(question).check();
        await answered(page);
        const result = await printed(page);
        expect(result.runs).toHaveLength(rows);
        expect(await figuresOn(page)).toEqual(figuresOf(result));
        expect(await tooWide(page)).toBe(0);
      }

      await page.reload();
      await answered(page);
      expect(await page.locator(".turned").count()).toBe(2);
      await page.getByLabel(/^Further changes/).fill("default_pol_size=0");
      await page.getByLabel(/^Further changes/).press("Control+Enter");
      const refusal = await page.getByRole("alert").innerText();
      expect(refusal).toMatch(/--set default_pol_size=0: .* did you mean "default_pool_size"/);
      expect(troubles).toEqual([]);
    } finally {
      await browser.close();
      served.kill();
      folder.remove();
    }
  },
);
