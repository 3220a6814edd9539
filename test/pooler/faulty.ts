/** Databases that fail on demand: a way to the real one that can be shut, and one that only pretends. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { authenticationOk, backendKeyData, readyForQuery } from "../../engine/wire/writer.ts";
import type { Database } from "../../workloads/database/index.ts";

async function listen(port: number, take: (socket: Socket) => void): Promise<Server> {
  const server = createServer(take).listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}

const portOf = (server: Server): number => (server.address() as { port: number }).port;

/** A TCP port that leads to the database, until it is shut, and again when it is opened. */
export class Gate {
  port = 0;
  private server: Server | undefined;
  private readonly sockets = new Set<Socket>();
  private readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  async open(): Promise<void> {
    this.server = await listen(this.port, (socket) => this.take(socket));
    this.port = portOf(this.server);
  }

  /** Cuts all connections; new ones are refused. */
  async shut(): Promise<void> {
    const server = this.server as Server;
    server.close();
    for (const socket of this.sockets) socket.destroy();
    await once(server, "close");
  }

  private take(socket: Socket): void {
    const { host, port } = this.database;
    const path = `${host}/.s.PGSQL.${port}`;
    const other = host.startsWith("/") ? connect({ path }) : connect({ host, port });
    for (const end of [socket, other]) {
      this.sockets.add(end);
      end.on("error", () => {});
      end.on("close", () => {
        this.sockets.delete(end);
        socket.destroy();
        other.destroy();
      });
    }
    socket.pipe(other).pipe(socket);
  }
}

/**
 * A port at which connections hang: the kernel takes as many as fit its queue, and nobody fetches them.
 * A stopped process does it, with its queue filled. `close` ends it.
 */
export async function hangingPort(): Promise<{ port: number; close: () => void }> {
  const script = `require("net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 },
    function () { console.log(this.address().port) })`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  child.kill("SIGSTOP");
  const port = Number(line.toString());
  const fillers = Array.from({ length: 8 }, () => connect({ host: "127.0.0.1", port }));
  for (const socket of fillers) socket.on("error", () => {});
  await sleep(100);
  return {
    port,
    close: () => {
      for (const socket of fillers) socket.destroy();
      child.kill("SIGKILL");
    },
  };
}

/** What a server says when a client has logged in. */
export const WELCOME = Buffer.concat([
  authenticationOk(),
  backendKeyData(Buffer.alloc(8)),
  readyForQuery(),
]);

/**
 * A server that answers the `turn`-th chunk of a connection, counted from the startup message at 0,
 * with what `answer` does. Returns its port and a way to close it.
 */
export async function pretend(
  answer: (socket: Socket, turn: number, chunk: Buffer) => void,
): Promise<{ port: number; close(): void }> {
  const server = await listen(0, (socket) => {
    let turn = 0;
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => answer(socket, turn++, chunk));
  });
  return { port: portOf(server), close: () => server.close() };
}
