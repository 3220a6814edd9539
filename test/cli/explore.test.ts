/** The server of `explore`: one page, for this machine only, and every refusal in one line. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { connect, createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { type Explorer, serveExplorer } from "../../sim/cli/explore-server.ts";
import { givenOf } from "../../sim/study/given.ts";
import { Folder, inThisProcess, SMALL } from "./poolwise.ts";

const folder = new Folder();
afterAll(() => folder.remove());
const small = folder.file("small.yaml", SMALL);
const PAGE = '<p>page</p><script type="application/json" id="given">null</script>';

let explorer: Explorer | undefined;
afterEach(async () => {
  await explorer?.close();
  explorer = undefined;
});

const serve = async (file: string): Promise<Explorer> => {
  explorer = await serveExplorer(PAGE, () => givenOf(file, "1.2.3"), 0);
  return explorer;
};

interface Answer {
  status: number | undefined;
  text: string;
}

/** One request; `fetch` would not let us choose the host's name. */
async function ask(url: string, method = "GET", host?: string): Promise<Answer> {
  const asked = request(url, { method, ...(host === undefined ? {} : { headers: { host } }) });
  asked.end();
  const [response] = await once(asked, "response");
  let text = "";
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, text };
}

const given = (text: string): Record<string, unknown> =>
  JSON.parse(/id="given">(.*?)<\/script>/s.exec(text)?.[1] ?? "");

describe("what is served", () => {
  test("the page with the workload in it, which no script of the file can leave", async () => {
    const text = `${SMALL}description: "</script><script>alert(1)</script> $& $1"\n`;
    const { url } = await serve(folder.file("evil.yaml", text));
    const answer = await ask(url);
    expect(answer.status).toBe(200);
    expect(answer.text.match(/<script/g)).toHaveLength(1);
    expect(given(answer.text)).toMatchObject({ poolwise: "1.2.3", text, files: {} });
  });

  // method, path, host, status, why
  const cases = [
    ["GET", "", undefined, 200, "the page"],
    ["GET", "?x=1", undefined, 200, "the page"],
    ["GET", "", "localhost:1", 200, "another name of this machine"],
    ["HEAD", "", undefined, 200, "the page, but for its text"],
    ["GET", "index.html", undefined, 404, "nothing beside the page"],
    ["GET", "../package.json", undefined, 404, "no files of the disk"],
    ["POST", "", undefined, 405, "nothing to change"],
    ["GET", "", "evil.example", 403, "a page elsewhere that calls this address by its own name"],
  ] as const;
  for (const [method, path, host, want, why] of cases)
    test(`${method} /${path} ${host ?? ""} -> ${want}: ${why}`, async () => {
      const { url } = await serve(small);
      const answer = await ask(url + path, method, host);
      expect(answer.status).toBe(want);
      expect(answer.text.includes("page</p>")).toBe(want === 200 && method === "GET");
    });

  test("the file is read again at each visit, and what is wrong with it is said", async () => {
    const file = folder.file("changing.yaml", SMALL);
    const { url } = await serve(file);
    folder.file("changing.yaml", SMALL.replace("count: 20", "count: 21"));
    expect(given((await ask(url)).text).text).toContain("count: 21");
    folder.file("changing.yaml", SMALL.replace("count: 20", "cuont: 20"));
    expect(given((await ask(url)).text)).toEqual({
      problem: expect.stringContaining("changing.yaml:8: clients[0].cuont"),
    });
  });

  test("the files that a workload names come with it", () => {
    folder.file("pool.ini", "[databases]\napp = host=h\n[pgbouncer]\ndefault_pool_size = 7\n");
    folder.file("times.csv", "1 ms\n9 ms\n");
    const text = SMALL.replace(/pgbouncer:.*?clients/s, "ini: pool.ini\nclients")
      .replace("exponential: 5 ms", "empirical: { file: times.csv }")
      .replace("network", "schedule: [{ clients: web, curve: day.csv, every: 1 h }]\nnetwork");
    folder.file("day.csv", "0 s, 1\n30 min, 2\n");
    const { files } = givenOf(folder.file("named.yaml", text), "0");
    expect(Object.keys(files).map((path) => path.replace(/.*\//, ""))).toEqual([
      "pool.ini",
      "times.csv",
      "day.csv",
    ]);
  });

  const outside = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .find(({ internal, family }) => !internal && family === "IPv4");
  test.skipIf(outside === undefined)("nobody from outside gets a connection", async () => {
    const { url } = await serve(small);
    const socket = connect(Number(new URL(url).port), outside?.address);
    const [error] = await once(socket, "error");
    expect(error.code).toBe("ECONNREFUSED");
  });
});

describe("the command", () => {
  const broken = folder.file("broken.yaml", SMALL.replace("count: 20", "count: -1"));
  // arguments, message
  const cases: [string[], string][] = [
    [["explore"], "missing required argument 'workload'"],
    [["explore", "nowhere.yaml"], "nowhere.yaml: the workload cannot be read (no such file)"],
    [["explore", broken], `${broken}:8: clients[0].count is "-1"`],
    [["explore", small, "--port", "http"], '--port: number is "http"; expected a port'],
    [["explore", small, "--port", "65536"], '--port: number is "65536"; expected a port'],
  ];
  for (const [args, message] of cases)
    test(`${args.join(" ").replaceAll(folder.path, "..")}`, async () => {
      const { status, stdout, stderr } = await inThisProcess([...args, "--no-open"]);
      expect([status, stdout]).toEqual([2, ""]);
      expect(stderr).toContain(message);
      expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    });

  test("a port that is taken is status 2 and one line", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    const ended = await inThisProcess(["explore", small, "--no-open", "--port", String(port)]);
    other.close();
    expect(ended).toEqual({
      status: 2,
      stdout: "",
      stderr: `poolwise: --port: ${port} is taken by another program; give another one, or none for a free one\n`,
    });
  });

  test("the built program serves the built page until Ctrl-C, which is status 0", async () => {
    const child = spawn(process.execPath, ["dist/sim/cli/main.js", "explore", small, "--no-open"]);
    const [line] = await once(child.stdout, "data");
    expect(String(line)).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\n$/);
    const { status, text } = await ask(String(line).trim());
    expect(status).toBe(200);
    expect(given(text)).toMatchObject({ typed: small });
    expect(text.length).toBeGreaterThan(readFileSync("dist/explore/index.html").length);
    child.kill("SIGINT");
    expect((await once(child, "close"))[0]).toBe(0);
  });
});
