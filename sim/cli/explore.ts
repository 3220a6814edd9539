/** `poolwise explore`: a local page with a workload's knobs as sliders. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { givenOf } from "../study/given.ts";
import { serveExplorer } from "./explore-server.ts";
import { STATUS, UsageError } from "./failure.ts";
import { note, print } from "./output.ts";
import { packageFolder, version } from "./version.ts";

const EXAMPLES = `
The page simulates in the browser, with the same code as this program, and says the command line and the
workload file that give the same figures. It is served to this machine only, and nothing leaves it. The
file is read again when the page is loaded again. Ctrl-C ends it.

Examples:
  poolwise explore workloads/storefront.yaml
  poolwise explore workloads/retry-storm.yaml --port 8080 --no-open`;

interface ExploreOptions {
  port?: string;
  open: boolean;
  quiet?: boolean;
}

/** The command; `finish` is told the exit status when the page is no longer served. */
export function exploreCommand(finish: (status: number) => void): Command {
  return new Command("explore")
    .description("A local page with the workload's knobs as sliders, simulated in the browser")
    .argument("<workload>", "workload file, such as workloads/storefront.yaml")
    .option("--port <number>", "port of 127.0.0.1 to serve the page on (default: a free one)")
    .option("--no-open", "do not open the page in a browser")
    .option("--quiet", "no notes")
    .addHelpText("after", EXAMPLES)
    .action(async (file: string, options: ExploreOptions) => finish(await run(file, options)));
}

async function run(file: string, options: ExploreOptions): Promise<number> {
  const port = portOf(options.port);
  const given = () => givenOf(file, version());
  given(); // What is wrong with the file is said here, not in a page.
  const explorer = await serveExplorer(builtPage(), given, port);
  await print(explorer.url);
  if (!options.quiet) note(`${file} is served on this address until Ctrl-C`);
  if (options.open) openInBrowser(explorer.url);
  await interrupted();
  await explorer.close();
  return STATUS.done;
}

function portOf(text = "0"): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new UsageError(
    `--port: number is "${text}"; expected a port from 1 to 65535, such as 8080`,
  );
}

/** The page as `npm run build` made it. */
function builtPage(): string {
  try {
    return readFileSync(join(packageFolder(), "dist/explore/index.html"), "utf8");
  } catch {
    throw new UsageError("the page is not built; in a clone of the project: npm run build");
  }
}

/** Asks the system to show the page. Whoever has no browser has the address. */
function openInBrowser(url: string): void {
  const [program, ...before] = OPENERS[process.platform] ?? ["xdg-open"];
  const child = spawn(program as string, [...before, url], { stdio: "ignore", detached: true });
  child.on("error", () => undefined);
  child.unref();
}

const OPENERS: Readonly<Record<string, readonly string[]>> = {
  darwin: ["open"],
  win32: ["cmd", "/c", "start", ""],
};

/** Until Ctrl-C, or until the program is told to end. */
function interrupted(): Promise<void> {
  return new Promise((done) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => done());
  });
}
