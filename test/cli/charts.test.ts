/**
 * Every kind of chart comes out of a command: the picture in every format, and a small one in the terminal.
 * What `validate` draws needs a database; its report is opened in test/report/browser.test.ts.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Folder, inThisProcess, SMALL } from "./poolwise.ts";

const folder = new Folder();
afterAll(() => folder.remove());
const file = folder.file("small.yaml", `${SMALL}slo: { wait_p99: 60 ms }\n`);

// arguments, titles of the charts, what stands in the terminal
const cases: [string[], string[], RegExp[]][] = [
  [
    ["simulate", file, "--occupancy", "300 ms"],
    ["Waits: small", "Queue over time: small", "Server connections, transaction mode: small"],
    [/^Waits\n50 % wait at most/m, /^Clients waiting,.*\n[▁-█]+$/m, /^ {2}1 {2}[█▒░·]{60}$/m],
  ],
  [
    ["compare", file, "--occupancy", "300 ms"],
    [
      "Pool modes: small",
      "Waits in each mode",
      "Server connections, session mode: small",
      "Server connections, transaction mode: small",
      "Server connections, statement mode: small",
    ],
    [/^Throughput\nsession +[\d.,]+\/s +█/m, /^Server connections, session mode, 0 to 300 ms/m],
  ],
  [
    ["size", file],
    ["Wait for a server connection: small", "Throughput: small"],
    [/^Wait, p99, over the pool size\n/m, /^Throughput over the pool size\n\d+ +[\d.,]+\/s +█/m],
  ],
  [
    ["sweep", file, "--vary", "default_pool_size=1..4"],
    ["Wait for a server connection: small"],
    [/^Wait, p99\n1 +\d.*█{30}$/m],
  ],
  [
    ["sweep", file, "--vary", "default_pool_size=1..3", "--vary", "clients.web.count=5,20"],
    ["p99 wait: small"],
    [/^Wait, p99: darker is longer, .*\n20 {2} █+/m],
  ],
];

describe("a command's charts", () => {
  for (const [args, titles, words] of cases)
    test(`${args[0]} ${args.slice(2).join(" ")}`, async () => {
      const [svg, png, html, vl] = ["svg", "png", "html", "vl.json"].map((ending) =>
        join(folder.path, `chart.${ending}`),
      ) as [string, string, string, string];
      const charts = [svg, png, html, vl].flatMap((name) => ["--chart", name]);
      const few = ["--replications", "4", "--duration", "5 s", "--workers", "0"];
      const { stdout, stderr } = await inThisProcess([...args, ...few, ...charts]);
      expect(stderr).toContain(`drawn: ${vl}`);
      for (const word of words) expect(stdout).toMatch(word);
      const spec = JSON.parse(readFileSync(vl, "utf8"));
      const drawn = spec.vconcat?.every((part: object) => "title" in part) ? spec.vconcat : [spec];
      expect(drawn.map((part: { title: { text: string } }) => part.title.text)).toEqual(titles);
      for (const title of titles) expect(readFileSync(svg, "utf8")).toContain(`>${title}</text>`);
      expect(readFileSync(html, "utf8").match(/<figure>/g)).toHaveLength(titles.length);
      const width = Number(/ width="(\d+)"/.exec(readFileSync(svg, "utf8"))?.[1]);
      expect(readFileSync(png).readUInt32BE(16)).toBe(2 * width);
    });
});
