/**
 * Calls of the operating system that Node.js has no words for: who is at the other end of a Unix socket,
 * options of a socket, ports that are shared, and sockets that go from one process to another. They go through the optional
 * package koffi and to Linux only. It is loaded at the first question, so by a pooler that needs it;
 * where it is missing, what needs it is refused by name, with `CALLS_NEED`. No call here waits.
 */
import { closeSync } from "node:fs";
import { createRequire } from "node:module";
import { isIP } from "node:net";
import { endianness } from "node:os";
import { bytesOf } from "../../wire/text.ts";

/** Options of a socket by PgBouncer's names: level and name. Source: Linux, asm-generic/socket.h, tcp.h, in6.h. */
const OPTIONS = {
  reuse_address: [1, 2],
  keepalive: [1, 9],
  send_buffer: [1, 7],
  receive_buffer: [1, 8],
  reuse_port: [1, 15],
  keepidle: [6, 4],
  keepintvl: [6, 5],
  keepcnt: [6, 6],
  defer_accept: [6, 9],
  user_timeout: [6, 18],
  v6_only: [41, 26],
} as const;
export type SocketOption = keyof typeof OPTIONS;

/** What one call has read. */
export interface Received {
  /** Bytes; 0: the other side has ended the connection. */
  readonly length: number;
  /** The open file that came with them; it is ours to close. */
  readonly descriptor: number | undefined;
}

/** The calls. All take a file descriptor; an error is the name of the system's, such as `EAGAIN`. */
export interface Libc {
  /** The user id of who has made the other end of a Unix socket; undefined: it is none. */
  peerUser(descriptor: number): number | undefined;
  /** The number of that process; undefined likewise. */
  peerProcess(descriptor: number): number | undefined;
  /** The name of a user id in the system's list; undefined: it has none. */
  userName(id: number): string | undefined;
  /** False: the system refuses. */
  setOption(descriptor: number, option: SocketOption, value: number): boolean;
  /** Undefined: it is no such socket. */
  option(descriptor: number, option: SocketOption): number | undefined;
  /** Opens a TCP socket of IPv4 or IPv6 that is neither bound nor connected. */
  socket(version: 4 | 6): number | string;
  /** Opens a TCP socket that listens there, and on whose port others may listen too. */
  listen(address: string, port: number, backlog: number): number | string;
  /** Opens a Unix socket that listens under an abstract name, which begins with `@`. */
  listenUnder(name: string, backlog: number): number | string;
  /** Opens a Unix socket that is connected to such a name. */
  connect(name: string): number | string;
  /** Sends one datagram to the Unix socket of that path; one with `@` in front has only a name. */
  notify(path: string, text: string): boolean;
  /** Sends bytes and, with the first of them, `passed`. Returns how many went. */
  send(descriptor: number, bytes: Buffer, passed?: number): number | string;
  /** Reads what is there into `into`, and takes the open file that comes along. */
  receive(descriptor: number, into: Buffer): Received | string;
}

/** Set to 1: as if it were not there. For tests, and for whoever does not trust it. */
const SWITCH = "POOLWISE_NO_KOFFI";

let found: Libc | null | undefined;

/** The calls; undefined: this is not Linux, or koffi is not installed. */
export function libc(): Libc | undefined {
  if (found === undefined) found = load() ?? null;
  return found ?? undefined;
}

/** Can settings that take a system call be obeyed? */
export const hasLibc = (): boolean => libc() !== undefined;

function load(): Libc | undefined {
  // The layouts below are those of little-endian machines.
  if (process.platform !== "linux" || endianness() !== "LE") return undefined;
  if (process.env[SWITCH] === "1") return undefined;
  try {
    return calls(createRequire(import.meta.url)("koffi") as Koffi);
  } catch {
    return undefined; // Not installed, or there is none for this machine.
  }
}

/** What we use of koffi. Its own types would have to be there wherever this is compiled. */
interface Koffi {
  load(path: null): System;
  struct(members: Record<string, unknown>): object;
  pointer(type: object): object;
  inout(type: object): object;
  sizeof(type: string): number;
  decode(value: unknown, type: object): unknown;
  errno(): number;
  readonly os: { readonly errno: Readonly<Record<string, number>> };
}
interface System {
  func(definition: string): (...values: unknown[]) => unknown;
  func(name: string, result: string, types: unknown[]): (...values: unknown[]) => unknown;
}

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;
/** Bytes of `struct ucred`: process, user and group. Source: unix(7). */
const CREDENTIALS = 12;

type Plain = Pick<Libc, "peerUser" | "peerProcess" | "userName" | "setOption" | "option">;

function calls(koffi: Koffi): Libc {
  const system = koffi.load(null); // Node itself is linked to it, whichever libc it is.
  const plain = plainCalls(koffi, system);
  return { ...plain, ...sockets(koffi, system, plain.setOption), ...messages(koffi, system) };
}

function plainCalls(koffi: Koffi, system: System): Plain {
  const getsockopt = system.func(
    "int getsockopt(int, int, int, _Out_ uint8_t *, _Inout_ uint32_t *)",
  );
  const setsockopt = system.func("int setsockopt(int, int, int, const uint8_t *, uint32_t)");
  const getpwuid = system.func("const void *getpwuid(uint32_t)");
  const account = koffi.struct({ name: "const char *" }); // Its first member; more is not asked for.
  const peer = (descriptor: number): [process: number, user: number] | undefined => {
    const credentials = Buffer.alloc(CREDENTIALS);
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, credentials, [CREDENTIALS]) !== 0)
      return undefined;
    const user = credentials.readUInt32LE(4);
    return user === 0xffff_ffff ? undefined : [credentials.readUInt32LE(0), user]; // TCP has no such thing.
  };
  return {
    peerUser: (descriptor) => peer(descriptor)?.[1],
    peerProcess: (descriptor) => peer(descriptor)?.[0],
    userName(id) {
      const entry: unknown = getpwuid(id);
      return entry === null ? undefined : (koffi.decode(entry, account) as { name: string }).name;
    },
    setOption(descriptor, option, value) {
      const [level, name] = OPTIONS[option];
      return setsockopt(descriptor, level, name, integer(value), 4) === 0;
    },
    option(descriptor, option) {
      const [level, name] = OPTIONS[option];
      const value = integer(0);
      return getsockopt(descriptor, level, name, value, [4]) === 0
        ? value.readInt32LE(0)
        : undefined;
    },
  };
}

/** The name of the last error. */
function problem(koffi: Koffi): string {
  const number = koffi.errno();
  return Object.entries(koffi.os.errno).find(([, code]) => code === number)?.[0] ?? `${number}`;
}

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
/** By the version of the protocol: its number, and the bytes of an address with its port before and after. */
const FAMILIES = { 4: [2, 4, 8], 6: [10, 8, 4] } as const;

/** Sockets that can be told something before they have a port. Source: socket(7), ip(7), ipv6(7). */
function sockets(
  koffi: Koffi,
  system: System,
  setOption: Plain["setOption"],
): Pick<Libc, "socket" | "listen" | "listenUnder" | "connect" | "notify"> {
  const make = system.func("int socket(int, int, int)");
  const bind = system.func("int bind(int, const uint8_t *, uint32_t)");
  const listen = system.func("int listen(int, int)");
  const connect = system.func("int connect(int, const uint8_t *, uint32_t)");
  const sendto = system.func(
    "int64_t sendto(int, const uint8_t *, size_t, int, const uint8_t *, uint32_t)",
  );
  const pton = system.func("int inet_pton(int, const char *, _Out_ uint8_t *)");
  const socket = (version: 4 | 6): number | string => {
    const [family] = FAMILIES[version];
    const descriptor = Number(make(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    return descriptor < 0 ? problem(koffi) : descriptor;
  };
  /** A Unix socket with which something is done that may fail. */
  const unix = (use: (descriptor: number) => boolean): number | string => {
    const descriptor = Number(make(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (descriptor < 0 || use(descriptor)) return descriptor < 0 ? problem(koffi) : descriptor;
    const why = problem(koffi);
    closeSync(descriptor);
    return why;
  };
  return {
    socket,
    listenUnder(name, backlog) {
      const place = unixPlace(name);
      return unix((it) => bind(it, place, place.length) === 0 && listen(it, backlog) === 0);
    },
    connect(name) {
      const place = unixPlace(name);
      return unix((it) => connect(it, place, place.length) === 0);
    },
    notify(path, text) {
      const descriptor = Number(make(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      if (descriptor < 0) return false;
      const name = unixPlace(path);
      const bytes = bytesOf(text);
      const flags = MSG_NOSIGNAL | MSG_DONTWAIT;
      const sent = sendto(descriptor, bytes, bytes.length, flags, name, name.length);
      closeSync(descriptor);
      return Number(sent) === bytes.length;
    },
    listen(address, port, backlog) {
      const version = isIP(address) === 6 ? 6 : 4;
      const [family, before, after] = FAMILIES[version];
      const bytes = Buffer.alloc(version === 6 ? 16 : 4);
      if (pton(family, address, bytes) !== 1) return "EINVAL";
      const head = Buffer.alloc(before);
      head.writeUInt16LE(family);
      head.writeUInt16BE(port, 2);
      const name = Buffer.concat([head, bytes, Buffer.alloc(after)]);
      const descriptor = socket(version);
      if (typeof descriptor === "string") return descriptor;
      setOption(descriptor, "reuse_address", 1);
      if (version === 6) setOption(descriptor, "v6_only", 0);
      const shared = setOption(descriptor, "reuse_port", 1);
      if (shared && bind(descriptor, name, name.length) === 0 && listen(descriptor, backlog) === 0)
        return descriptor;
      const why = problem(koffi);
      closeSync(descriptor);
      return why;
    },
  };
}

/** The address of a Unix socket; a name with `@` in front is abstract, and just so long. Source: unix(7). */
const unixPlace = (path: string): Buffer =>
  Buffer.from(`\x01\0${path.replace(/^@/, "\0")}${path.startsWith("@") ? "" : "\0"}`);

function integer(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(Math.min(value, 0x7fff_ffff));
  return bytes;
}

/** sendmsg and recvmsg. Source: their manual pages, cmsg(3). */
function messages(koffi: Koffi, system: System): Pick<Libc, "send" | "receive"> {
  const parts = koffi.struct({ base: "uint8_t *", length: "size_t" });
  const header = koffi.struct({
    name: "void *",
    nameLength: "uint32_t",
    parts: koffi.pointer(parts),
    partCount: "size_t",
    control: "uint8_t *",
    controlLength: "size_t",
    flags: "int",
  });
  const sendmsg = system.func("sendmsg", "long", ["int", koffi.pointer(header), "int"]);
  const recvmsg = system.func("recvmsg", "long", [
    "int",
    koffi.inout(koffi.pointer(header)),
    "int",
  ]);
  const word = koffi.sizeof("size_t");
  /** Room for the header, of a word and two integers, and one descriptor. */
  const room = Math.ceil((word + 12) / word) * word;
  const message = (bytes: Buffer, control: Buffer | null) => ({
    name: null,
    nameLength: 0,
    parts: { base: bytes, length: bytes.length },
    partCount: 1,
    control,
    controlLength: control?.length ?? 0,
    flags: 0,
  });
  return {
    send(descriptor, bytes, passed) {
      const control = passed === undefined ? null : rights(room, word, passed);
      const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
      const sent = Number(sendmsg(descriptor, message(bytes, control), flags));
      return sent < 0 ? problem(koffi) : sent;
    },
    receive(descriptor, into) {
      const control = Buffer.alloc(room);
      const flags = MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
      const length = Number(recvmsg(descriptor, message(into, control), flags));
      if (length < 0) return problem(koffi);
      const came = control.readInt32LE(word + 4) === SCM_RIGHTS && control.readUInt8(0) > 0;
      return { length, descriptor: came ? control.readInt32LE(word + 8) : undefined };
    },
  };
}

/** One `struct cmsghdr` with a descriptor. */
function rights(room: number, word: number, descriptor: number): Buffer {
  const control = Buffer.alloc(room);
  control.writeUInt8(word + 12, 0); // Its length, a small number in a word: little-endian.
  control.writeInt32LE(SOL_SOCKET, word);
  control.writeInt32LE(SCM_RIGHTS, word + 4);
  control.writeInt32LE(descriptor, word + 8);
  return control;
}
