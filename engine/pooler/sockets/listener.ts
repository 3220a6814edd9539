/**
 * Where clients come in: one TCP socket per address of listen_addr, and a Unix socket. Accepted
 * connections are taken as bare handles where Node allows it, see `native.ts`.
 */
import { randomBytes } from "node:crypto";
import { lookup } from "node:dns/promises";
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  lstatSync,
  renameSync,
  rmSync,
} from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { OutsideError } from "../system/errors.ts";
import { libc } from "../system/libc.ts";
import { groupId } from "../system/user.ts";
import { PASSED_BACKLOG } from "./activation.ts";
import { Channel } from "./channel.ts";
import type { Door, DoorsRole } from "./doors.ts";
import { type NativeHandle, usable } from "./native.ts";
import { type Place, sharedPlace } from "./shared-port.ts";
import { answers, isAbstract, socketPath } from "./socket-path.ts";

/** What to listen on. */
export interface ListenSettings {
  /** Addresses; `*` is all of them. Empty: no TCP. */
  addresses: readonly string[];
  /** 0 lets the system choose a port for TCP. */
  port: number;
  backlog: number;
  /** Other processes may listen on the same port. */
  reusePort: boolean;
  /** Connections over TCP are accepted when they have said something; where the system can be told. */
  deferAccept: boolean;
  /** Bytes that each TCP connection may receive at once; 0: the system's choice. */
  receiveBuffer: number;
  /** Directory of the Unix socket; empty: none. */
  socketDirectory: string;
  socketMode: number;
  /** Group that the Unix socket is given to; empty: our own. */
  socketGroup: string;
}

/** Seconds for which a silent connection is not accepted. Source: PgBouncer 1.25.2 src/pooler.c. */
const DEFERRED = 45;

/** How often, and after how many milliseconds, a place is tried that another process may be leaving. */
const TRIES = 100;
const RETRY_MS = 50;

/** Called with each new connection. */
export type OnClient = (channel: Channel) => void;

/** Open listening sockets. */
export class Listener implements DoorsRole {
  /** Port of the first TCP socket; 0 if there is none. */
  port = 0;
  /** Path of the Unix socket; empty if there is none. */
  path = "";
  /** What it listens on, for people. */
  readonly places: string[] = [];
  passed = false;
  private readonly tcp: Server[] = [];
  private unix: Server | undefined;
  /** Unix sockets that are not ours to remove. */
  private readonly lent: Server[] = [];
  private settings: ListenSettings | undefined;
  private readonly onClient: OnClient;

  constructor(onClient: OnClient) {
    this.onClient = onClient;
  }

  /**
   * Opens what is asked for. With `warn`, which is told of them, some of the addresses may be left out, as in
   * PgBouncer, but not all. Errors: OutsideError that names the address and the reason; nothing is open then.
   */
  async open(settings: ListenSettings, warn?: (text: string) => void): Promise<void> {
    this.settings = settings;
    try {
      await this.openAll(settings, warn);
      if (settings.socketDirectory !== "") await this.openUnix(settings);
    } catch (error) {
      await this.close();
      throw error;
    }
    if (this.tcp.length === 0 && this.unix === undefined)
      throw new OutsideError(
        "nowhere to listen on: listen_addr and unix_socket_dir are both empty",
      );
  }

  /**
   * Listens on sockets that another process has opened. A Unix socket that went away with it is opened anew.
   */
  async adopt(doors: readonly Pick<Door, "descriptor" | "unix">[], settings: ListenSettings) {
    this.settings = settings;
    const { backlog } = settings;
    for (const { descriptor } of doors.filter(({ unix }) => !unix))
      this.addTcp(await this.listen({ fd: descriptor, backlog }, false), settings);
    const path = socketPath(settings.socketDirectory, this.port || settings.port);
    for (const { descriptor } of doors.filter(({ unix }) => unix)) {
      const gone = !isAbstract(path) && !isSocket(path);
      if (settings.socketDirectory === "" || gone) closeSync(descriptor);
      else this.addUnix(await this.listen({ fd: descriptor, backlog }, true), path);
    }
    if (settings.socketDirectory !== "" && this.unix === undefined) await this.openUnix(settings);
  }

  /** Listens on sockets that systemd has passed. Errors: OutsideError for one that is none. */
  async takePassed(descriptors: readonly number[], settings: ListenSettings): Promise<void> {
    this.settings = settings;
    this.passed = true;
    for (const fd of descriptors) {
      const server = await this.listen({ fd, backlog: PASSED_BACKLOG }).catch((error: Error) => {
        const what = `failed to set up socket passed from service manager (fd ${fd})`;
        throw new OutsideError(`${what}: ${error.message}`);
      });
      if (isUnix(server)) this.lent.push(server);
      else this.addTcp(server, settings);
    }
  }

  get doors(): Door[] {
    const tcp = this.tcp.map((server) => {
      const { address, port } = server.address() as AddressInfo;
      return { descriptor: descriptorOf(server), unix: false, address, port };
    });
    const port = this.port || (this.settings?.port ?? 0);
    const unix = this.unix === undefined ? this.lent : [this.unix];
    const files = unix.map(descriptorOf);
    return [
      ...tcp,
      ...files.map((descriptor) => ({ descriptor, unix: true, address: "unix", port })),
    ];
  }

  letGo(): void {
    for (const server of [...this.tcp.splice(0), this.unix]) server?.close();
    this.unix = undefined;
  }

  async takeBack(): Promise<void> {
    const { settings, port } = this;
    if (settings === undefined) return;
    // A process that ends closes its sockets one after the other, ours among them.
    for (let tries = TRIES; ; tries--) {
      this.places.length = 0;
      try {
        await this.open({ ...settings, port: port || settings.port });
        return;
      } catch (error) {
        if (tries === 0) throw error;
        await sleep(RETRY_MS);
      }
    }
  }

  /** New settings are in force: those that an open socket can follow. */
  tune({ deferAccept, receiveBuffer }: ListenSettings): void {
    for (const server of this.tcp) {
      defer(server, deferAccept);
      limit(server, receiveBuffer);
    }
  }

  /** Stops taking TCP connections; the Unix socket stays open for the console. */
  async closeTcp(): Promise<void> {
    await Promise.all(this.tcp.splice(0).map(closed));
  }

  /** Stops taking connections and removes the socket file. */
  async close(): Promise<void> {
    const unix = this.unix;
    this.unix = undefined;
    if (unix !== undefined && !isAbstract(this.path)) remove(this.path);
    const files = unix === undefined ? this.lent.splice(0) : [unix];
    await Promise.all([this.closeTcp(), ...files.map(closed)]);
  }

  private async openAll(settings: ListenSettings, warn?: (text: string) => void): Promise<void> {
    const refused: OutsideError[] = [];
    for (const name of settings.addresses) {
      for (const host of await addressesOf(name, settings.port)) {
        await this.openTcp(settings, host).catch((error: Error) => {
          if (!(error instanceof OutsideError) || warn === undefined) throw error;
          refused.push(error);
        });
      }
    }
    const [first, ...others] = refused;
    if (this.tcp.length > 0 || first === undefined)
      for (const { message } of refused) warn?.(message);
    else if (others.length === 0) throw first;
    else {
      const list = settings.addresses.join(", ");
      const why = refused.map(({ message }) => message).join("; ");
      throw new OutsideError(
        `failed to listen on any address in listen_addr list: ${list}: ${why}`,
      );
    }
  }

  /** `host`: an address; undefined: all of them. */
  private async openTcp(settings: ListenSettings, host: string | undefined): Promise<void> {
    const port = this.port === 0 ? settings.port : this.port;
    const { backlog, reusePort } = settings;
    const place = { host, port, backlog };
    const shared = reusePort ? await this.shared(place) : place;
    this.addTcp(await this.listen(shared, false), settings);
  }

  private async shared(place: Place & { port: number; backlog: number }): Promise<Place> {
    try {
      return await sharedPlace(place.host, place.port, place.backlog);
    } catch (error) {
      throw cannot(place, error as NodeJS.ErrnoException);
    }
  }

  private addTcp(server: Server, settings: ListenSettings): void {
    this.tcp.push(server);
    if (settings.deferAccept) defer(server, true);
    limit(server, settings.receiveBuffer);
    const bound = server.address();
    if (bound === null || typeof bound === "string") return;
    if (this.port === 0) this.port = bound.port;
    const ip = bound.family === "IPv6" ? `[${bound.address}]` : bound.address;
    this.places.push(`${ip}:${bound.port}`);
  }

  private async openUnix(settings: ListenSettings): Promise<void> {
    const port = this.port === 0 ? settings.port : this.port;
    const path = socketPath(settings.socketDirectory, port);
    const { backlog, socketGroup, socketMode } = settings;
    if (isAbstract(path)) {
      const fd = libc()?.listenUnder(path, backlog) ?? "ENOSYS";
      if (typeof fd === "string") throw cannot({ path }, { code: fd, message: fd });
      this.addUnix(await this.listen({ fd, backlog }, true, path), path);
      return; // It has no file, and so neither a group nor an access mode.
    }
    // Node.js removes the name that it has given when it closes the socket; that of ours must outlive us
    // where another process goes on with the socket. A stale one is replaced.
    const own = join(settings.socketDirectory, `.s.${randomBytes(4).toString("hex")}`);
    if (await isTaken(path)) throw cannot({ path }, { code: "EADDRINUSE" });
    const server = await this.listen({ path: own, backlog }, true, path);
    try {
      if (socketGroup !== "") giveTo(own, socketGroup);
      chmodSync(own, socketMode);
      renameSync(own, path);
    } catch (error) {
      server.close();
      throw error instanceof OutsideError ? error : cannot({ path }, error as Error);
    }
    this.addUnix(server, path);
  }

  private addUnix(server: Server, path: string): void {
    this.unix = server;
    this.path = path;
    this.places.push(`unix:${path}`);
  }

  /** `unix`: left out, the socket tells. `name`: what errors call the place, unless it is what the options say. */
  private listen(options: Place, unix?: boolean, name = options.path): Promise<Server> {
    const server = createServer({ noDelay: true, allowHalfOpen: false });
    const local = (): boolean => unix ?? isUnix(server);
    server.on("connection", (socket) => this.onClient(Channel.accepted(socket, local())));
    return new Promise((resolve, reject) => {
      server.once("error", (error: NodeJS.ErrnoException) =>
        reject(cannot({ ...options, path: name }, error)),
      );
      server.listen(options, () => {
        server.removeAllListeners("error");
        // Out of file descriptors, for one: the client goes without, the pooler goes on.
        server.on("error", () => {});
        const kind = local();
        takeHandles(server, (handle) => this.onClient(Channel.ofHandle(handle, kind)));
        resolve(server);
      });
    });
  }
}

/** Where to listen for a name of listen_addr: at all its addresses. Errors: OutsideError if it has none. */
async function addressesOf(name: string, port: number): Promise<(string | undefined)[]> {
  if (name === "*") return [undefined];
  try {
    const found = await lookup(name, { all: true });
    return [...new Set(found.map(({ address }) => address))];
  } catch (error) {
    throw cannot({ host: name, port }, error as Error);
  }
}

/** The part of a listening handle that is not public; the same from Node 18 to 26 at least. */
interface ListeningHandle {
  readonly fd?: number;
  onconnection?: (error: number, client: object | undefined) => void;
}

/**
 * Has accepted connections come to `take` as bare handles. Where Node has changed inside, nothing happens,
 * and connections come by the `connection` event.
 */
function takeHandles(server: Server, take: (handle: NativeHandle) => void): void {
  const listening = (server as unknown as { _handle?: ListeningHandle })._handle;
  const usual = listening?.onconnection;
  if (listening === undefined || typeof usual !== "function") return;
  listening.onconnection = (error, client) => {
    const handle = error === 0 ? usable(client) : undefined;
    if (handle === undefined) {
      usual.call(listening, error, client);
      return;
    }
    handle.setNoDelay?.(true);
    take(handle);
  };
}

/** Of one that listens on a descriptor: those of TCP have an address. */
const isUnix = (server: Server): boolean => server.address() === null;

function descriptorOf(server: Server): number {
  return (server as unknown as { _handle?: ListeningHandle })._handle?.fd ?? -1;
}

function defer(server: Server, on: boolean): void {
  const descriptor = descriptorOf(server);
  if (on || libc()?.option(descriptor, "defer_accept"))
    libc()?.setOption(descriptor, "defer_accept", on ? DEFERRED : 0);
}

/**
 * Connections inherit it: clients are never promised more than they may send, see `tuneBefore`. The system's
 * own choice does not come back where a limit has been set before.
 */
function limit(server: Server, receiveBuffer: number): void {
  if (receiveBuffer > 0) libc()?.setOption(descriptorOf(server), "receive_buffer", receiveBuffer);
}

function giveTo(path: string, group: string): void {
  try {
    chownSync(path, -1, groupId(group));
  } catch (error) {
    throw new OutsideError(`cannot give ${path} to group ${group}: ${(error as Error).message}`);
  }
}

/** Somebody listens there, or it is no socket at all. A killed process leaves one that does not answer. */
async function isTaken(path: string): Promise<boolean> {
  return existsSync(path) && (!isSocket(path) || (await answers(path)));
}

function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Its directory is not ours any more: whoever starts next finds that nobody answers there.
  }
}

function isSocket(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true;
}

function cannot(
  options: Place,
  error: { readonly code?: string | undefined; readonly message?: string },
): OutsideError {
  const opened = options.fd === undefined ? undefined : `descriptor ${options.fd}`;
  const where = options.path ?? opened ?? `${options.host ?? "*"}:${options.port}`;
  const why: Record<string, string> = {
    EADDRINUSE: "it is in use; is another pooler running?",
    EACCES: "permission denied",
    EADDRNOTAVAIL: "this machine has no such address",
    ENOENT: "there is no such directory",
  };
  return new OutsideError(`cannot listen on ${where}: ${why[error.code ?? ""] ?? error.message}`);
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
