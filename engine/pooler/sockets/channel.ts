/**
 * A socket as the relay sees it: bytes come in through one receive buffer that all sockets share, go
 * out in one write each, and both directions can be held.
 */
import { connect, isIP, type LookupFunction, Socket } from "node:net";
import { CHUNK } from "../../wire/shared.ts";
import { BareLine } from "./bare-line.ts";
import type { Endpoint, Line, LineListener } from "./line.ts";
import { type NativeHandle, usable } from "./native.ts";
import { connectAbstract, isAbstract } from "./socket-path.ts";
import { StreamLine } from "./stream-line.ts";

/** What a channel tells its owner. Called from the event loop only, never from within a call of ours. */
export interface ChannelOwner {
  /** Bytes `start` to `end` of `buffer` have arrived. They are valid only during the call. */
  received(buffer: Buffer, start: number, end: number): void;
  /** The kernel has taken everything, after some of it had to wait. */
  flushed(): void;
  /** The other side has ended the connection, or it broke; told once, and not after our own `close`. */
  ended(error: NodeJS.ErrnoException | undefined): void;
}

/** Where to connect to. */
export type Target = { path: string } | { host: string; port: number };

/** Its port, which a Unix socket has in its name. */
export const portOf = (target: Target): number =>
  "host" in target ? target.port : Number(/\d+$/.exec(target.path)?.[0] ?? 0);

/** Bytes that may wait for the kernel before their source is held; plus one read at most. */
export const HIGH_WATER = CHUNK;

/** How long a closing socket may take to give the other side our last words. */
const LINGER_MS = 1_000;

const nothing: Buffer = Buffer.alloc(0);

/** In place of an owner while there is none yet. */
const nobody: ChannelOwner = { received() {}, flushed() {}, ended() {} };

export class Channel implements LineListener {
  /** True for a Unix socket. */
  readonly unix: boolean;
  /** So much is pending that its source is to be held, until `flushed`. */
  congested = false;
  private told: ChannelOwner = nobody;
  /** Its `received`. There are more kinds of owners than V8 keeps apart where it looks for a method. */
  private take: ChannelOwner["received"] = nobody.received;
  private line: Line;
  /** False: it is about to connect. */
  private standing = true;
  private closing = false;
  private over = false;
  private held = false;
  /** SUSPEND is on: nothing is read, whatever `hold` and `resume` say. */
  private frozen = false;

  private constructor(unix: boolean, way: NativeHandle | Socket) {
    this.unix = unix;
    this.line = way instanceof Socket ? new StreamLine(way, this) : new BareLine(way, this);
  }

  /**
   * Opens a connection; `connected` is called when it stands, `owner.ended` if that fails. `lookup` finds
   * the addresses of a name. `before` is told of a TCP socket and the version of its protocol when it is
   * about to connect; with it, only the first address of a name is tried.
   */
  static open(
    target: Target,
    lookup: LookupFunction,
    connected: () => void,
    before?: (socket: Socket, version: number) => void,
  ): Channel {
    const socket = connecting(target, lookup, before);
    const channel = new Channel("path" in target, socket);
    channel.standing = false;
    socket.once("connect", () => {
      channel.standing = true;
      channel.strip(socket);
      connected();
    });
    return channel;
  }

  /** A connection that came in by Node's own accept. */
  static accepted(socket: Socket, unix: boolean): Channel {
    return new Channel(unix, socket);
  }

  /** A connection that came in as a bare handle. */
  static ofHandle(handle: NativeHandle, unix: boolean): Channel {
    return new Channel(unix, handle);
  }

  /** An open socket that came from another process; nothing is read of it until `thaw`. */
  static ofDescriptor(descriptor: number, unix: boolean): Channel {
    const socket = new Socket({ fd: descriptor, manualStart: true } as object);
    const channel = new Channel(unix, socket);
    channel.strip(socket);
    channel.freeze();
    return channel;
  }

  /** Gets what is told; may be exchanged at any time, as when a login is over. */
  set owner(owner: ChannelOwner) {
    this.told = owner;
    this.take = owner.received;
  }

  /** Bytes that the kernel has not taken yet. */
  get pending(): number {
    return this.line.pending;
  }

  /**
   * Puts TLS on the connection: `wrap` makes the TLS socket on top of the plain one, and from now on all
   * bytes take the way through Node's streams. `first`: bytes for TLS that have been read already.
   */
  secure<Secured extends Socket>(wrap: (plain: Socket) => Secured, first: Buffer): Secured {
    const plain = this.plain();
    if (first.length > 0) plain.unshift(Buffer.from(first));
    const secured = wrap(plain);
    this.line = new StreamLine(secured, this);
    return secured;
  }

  /** Sends a range of a buffer that may change afterwards. */
  send(buffer: Buffer, start: number, end: number): void {
    if (this.closing || this.over) return;
    this.line.send(buffer, start, end);
    if (this.line.pending >= HIGH_WATER) this.congested = true;
  }

  /** Sends a buffer that nobody will change. */
  sendAll(bytes: Buffer): void {
    if (this.closing || this.over) return;
    this.line.sendAll(bytes);
    if (this.line.pending >= HIGH_WATER) this.congested = true;
  }

  /** Stops reading. The end of the other side goes unnoticed meanwhile. */
  hold(): void {
    if (this.held) return;
    this.held = true;
    this.line.pause();
  }

  /** Reads on. */
  resume(): void {
    if (!this.held) return;
    this.held = false;
    if (!this.frozen) this.line.resume();
  }

  /** For SUSPEND: nothing is read until `thaw`. */
  freeze(): void {
    if (this.frozen) return;
    this.frozen = true;
    this.line.pause();
  }

  /** The end of `freeze`. */
  thaw(): void {
    if (!this.frozen) return;
    this.frozen = false;
    if (!this.held) this.line.resume();
  }

  /** Nothing of it is in buffers of Node's: another process can go on with it. */
  get movable(): boolean {
    return this.line instanceof BareLine;
  }

  /** The file descriptor, for SHOW FDS; -1 when there is none to be seen. */
  get descriptor(): number {
    return this.line.descriptor;
  }

  /**
   * Ends the connection after what is pending and `words`. Whatever still arrives is thrown away, and
   * who does not listen within a second is cut off.
   */
  close(words: Buffer = nothing): void {
    if (this.closing || this.over) return;
    if (!this.standing) {
      this.destroy(); // There is nobody yet to hear last words.
      return;
    }
    if (words.length > 0) this.line.sendAll(words);
    this.closing = true;
    this.thaw();
    this.resume();
    const { line } = this;
    line.end();
    const cut = setTimeout(() => line.destroy(), LINGER_MS);
    void line.closed().then(() => clearTimeout(cut));
  }

  /** Cuts the connection at once. */
  destroy(): void {
    this.closing = true;
    this.line.destroy();
  }

  /** Resolves when nothing is left of the socket. */
  closed(): Promise<void> {
    return this.line.closed();
  }

  /** Switches the operating system's search for dead connections on. */
  keepAlive(): void {
    if (!this.unix) this.line.keepAlive();
  }

  /** Address and port of the other side; nothing for a Unix socket, or once it is closed. */
  get remote(): Endpoint {
    return this.line.remote;
  }

  /** Address and port of our side. */
  get local(): Endpoint {
    return this.line.local;
  }

  // --- from the line ---------------------------------------------------------------------------------

  arrived(buffer: Buffer, start: number, end: number): void {
    if (!this.closing) this.take.call(this.told, buffer, start, end);
  }

  drained(): void {
    this.congested = false;
    if (!this.closing && !this.over) this.told.flushed();
  }

  finished(error: NodeJS.ErrnoException | undefined): void {
    if (this.over || this.closing) return; // While closing, the line destroys itself.
    this.over = true;
    this.told.ended(error);
  }

  // ---------------------------------------------------------------------------------------------------

  /** Takes the handle out of a socket that has connected: the streams were for getting there. */
  private strip(socket: Socket): void {
    const inside = socket as unknown as { _handle: unknown };
    const handle = usable(inside._handle);
    if (handle === undefined || !(this.line instanceof StreamLine)) return;
    this.line.release();
    inside._handle = null; // As Node does itself when a socket is sent to another process.
    this.line = new BareLine(handle, this);
    if (this.held || this.frozen) this.line.pause();
  }

  /** A socket of Node's around the connection. */
  private plain(): Socket {
    const { line } = this;
    if (line instanceof StreamLine) return line.release();
    const options: object = { handle: (line as BareLine).release(), manualStart: true };
    return new Socket(options).on("error", () => {}); // The socket on top of it tells.
  }
}

function connecting(
  target: Target,
  lookup: LookupFunction,
  before: ((socket: Socket, version: number) => void) | undefined,
): Socket {
  if ("path" in target && isAbstract(target.path)) return connectAbstract(target.path);
  if (before !== undefined) return connectTold(target, lookup, before);
  return connect({ ...target, lookup, noDelay: true });
}

function connectTold(
  target: Target,
  lookup: LookupFunction,
  before: (socket: Socket, version: number) => void,
): Socket {
  const told: LookupFunction = (name, options, done) =>
    lookup(name, options, (error, address, version) => {
      if (error === null) before(socket, version ?? 4);
      done(error, address, version);
    });
  const more = { lookup: told, noDelay: true, autoSelectFamily: false };
  const socket = connect({ ...target, ...more });
  // An address is not looked up; Node.js connects in the next turn.
  const version = "host" in target ? isIP(target.host) : 0;
  if (version !== 0) before(socket, version);
  return socket;
}
