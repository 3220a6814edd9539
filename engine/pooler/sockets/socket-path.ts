/**
 * Where a Unix socket is: in a directory, or, with `@` in front, under an abstract name, which no file has. Such a
 * name is as long as it is written; what Node.js makes of one is filled up with zeros, and nobody else finds it.
 * So they take system calls, see `libc.ts`. Source: PgBouncer 1.25.2 src/pooler.c, create_unix_socket().
 */
import { connect, Socket } from "node:net";
import { join } from "node:path";
import { CALLS_NEED, type Config, ConfigError } from "../../config/index.ts";
import { hasLibc, libc } from "../system/libc.ts";

export const isAbstract = (place: string): boolean => place.startsWith("@");

/** Does this host stand for a Unix socket? */
export const isUnixHost = (host: string): boolean => host.startsWith("/") || isAbstract(host);

/** Path of the Unix socket in a directory, or its abstract name. */
export function socketPath(directory: string, port: number): string {
  const name = `.s.PGSQL.${port}`;
  return isAbstract(directory) ? `${directory}/${name}` : join(directory, name);
}

/** A connection to a Unix socket, whichever kind of place it is at. */
export const dial = (place: string): Socket =>
  isAbstract(place) ? connectAbstract(place) : connect({ path: place });

/** True if somebody listens there. */
export function answers(place: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = dial(place);
    // A queue of connections that is full has somebody who is to take them.
    const full = ({ code }: NodeJS.ErrnoException): void => resolve(code === "EAGAIN");
    socket.once("connect", () => resolve(true)).once("error", full);
    socket.once("connect", () => socket.destroy());
  });
}

/** A connection to an abstract name. Whether it stands is told by its events, as with any other. */
export function connectAbstract(name: string): Socket {
  const got = libc()?.connect(name) ?? "ENOSYS";
  const failed = typeof got === "string";
  const socket = failed ? new Socket() : new Socket({ fd: got, manualStart: true } as object);
  process.nextTick(() => {
    if (socket.destroyed) return;
    const of = { code: got, address: name };
    if (failed) socket.destroy(Object.assign(new Error(`connect ${got} ${name}`), of));
    else socket.emit("connect");
  });
  return socket;
}

/** What asks for abstract names where there are no system calls; undefined: nothing does. */
export function abstractRefusal({ values, given, databases }: Config): ConfigError | undefined {
  const expected = `a directory: an abstract name takes ${CALLS_NEED}`;
  const refuse = (at: string, name: string, got: string): ConfigError =>
    new ConfigError({ at, name, got, expected });
  const { unix_socket_dir } = values;
  const entry = databases.find(({ host }) => (host ?? "").split(",").some(isAbstract));
  if ((!isAbstract(unix_socket_dir) && entry === undefined) || hasLibc()) return undefined;
  if (entry === undefined)
    return refuse(given.get("unix_socket_dir") ?? "", "unix_socket_dir", unix_socket_dir);
  return refuse(entry.at, `host of database ${entry.name}`, entry.host ?? "");
}
