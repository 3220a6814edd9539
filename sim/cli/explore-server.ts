/**
 * Serves the page of `explore`: one page, on the loopback interface only. What the page needs stands in it,
 * so that it asks for nothing else. The workload file is read again for every visit.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ConfigError } from "../../engine/config/index.ts";
import type { Broken, Given } from "../study/given.ts";
import { UsageError } from "./failure.ts";

const LOOPBACK = "127.0.0.1";

/** In the built page; stands where the workload comes. */
const EMPTY = '<script type="application/json" id="given">null</script>';

export interface Explorer {
  url: string;
  close(): Promise<void>;
}

/**
 * Serves `page` on `port` (0: any free one), with what `given` finds at each visit. Errors: UsageError for
 * a port that cannot be had.
 */
export async function serveExplorer(
  page: string,
  given: () => Given,
  port: number,
): Promise<Explorer> {
  const server = createServer((request, response) => answer(page, given, request, response));
  await listening(server, port);
  const url = `http://${LOOPBACK}:${(server.address() as AddressInfo).port}/`;
  const close = (): Promise<void> =>
    new Promise((done) => {
      server.close(() => done());
      server.closeAllConnections(); // A browser keeps its connections open.
    });
  return { url, close };
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "is taken by another program",
  EACCES: "is for the administrator of the machine only",
};

function listening(server: Server, port: number): Promise<void> {
  return new Promise((done, fail) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const reason = REASONS[error.code ?? ""] ?? `cannot be used (${error.message})`;
      fail(new UsageError(`--port: ${port} ${reason}; give another one, or none for a free one`));
    });
    server.listen(port, LOOPBACK, done);
  });
}

const HEADERS = {
  "Cache-Control": "no-store",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "X-Frame-Options": "DENY",
};

function answer(
  page: string,
  given: () => Given,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const say = (status: number, text: string, type = "text/plain"): void => {
    response.writeHead(status, { ...HEADERS, "Content-Type": `${type}; charset=utf-8` });
    response.end(request.method === "HEAD" ? undefined : text);
  };
  const [path] = (request.url ?? "").split("?");
  // A page elsewhere may give this address another name, to read what is served here.
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? ""))
    say(403, "this address is served to the machine itself only\n");
  else if (request.method !== "GET" && request.method !== "HEAD")
    say(405, "there is nothing here but a page to read\n");
  else if (path !== "/") say(404, `there is no ${path} here, only /\n`);
  else say(200, withGiven(page, given), "text/html");
}

/** The page with the workload in it, or with what is wrong with the file now. */
function withGiven(page: string, given: () => Given): string {
  let content: Given | Broken;
  try {
    content = given();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    content = { problem: error.message };
  }
  // `<` must not end the script.
  const json = JSON.stringify(content).replaceAll("<", "\\u003c");
  return page.replace(EMPTY, () => EMPTY.replace("null", () => json));
}
