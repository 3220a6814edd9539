/**
 * A socket as the relay sees it: bytes come in through one receive buffer that all sockets share, go
 * out in one write each, and both directions can be held. No stream of Node's is on the way of the
 * bytes that come in: `onread` hands us the buffer itself. See DESIGN notes on the hot path: the streams
 * and their allocations, not the parsing, are what costs.
 */
import { connect, Socket } from "node:net";

/** What a channel tells its owner. Called from the event loop only, never from within a call of ours. */
export interface ChannelOwner {
  /** Bytes `start` to `end` of `buffer` have arrived. They are valid only during the call. */
  received(buffer: Buffer, start: number, end: number): void;
  /** The kernel has taken everything after `congested` or `whenFlushed`. */
  flushed(): void;
  /** The other side has ended the connection, or it broke; told once, and not after our own `close`. */
  ended(error: NodeJS.ErrnoException | undefined): void;
}

/** One end of a TCP connection. */
export interface Endpoint {
  address: string | undefined;
  port: number | undefined;
}

/** Where to connect to. */
export type Target = { path: string } | { host: string; port: number };

/** Bytes of a direction that may wait in memory before its source is held; plus one read at most. */
export const HIGH_WATER = 64 * 1024;

/** How long a closing socket may take to give the other side our last words. */
const LINGER_MS = 1_000;

/** Every read of every socket lands here and is dealt with before the next one. */
const shared = Buffer.allocUnsafeSlow(64 * 1024);
const nothing: Buffer = Buffer.alloc(0);
const highWater = { writableHighWaterMark: HIGH_WATER };

/** In place of an owner while there is none yet. */
const nobody: ChannelOwner = { received() {}, flushed() {}, ended() {} };

export class Channel {
  /** Gets what is told; may be exchanged at any time, as when a login is over. */
  owner: ChannelOwner = nobody;
  /** True for a Unix socket. */
  readonly unix: boolean;
  private readonly socket: Socket;
  private closing = false;
  private over = false;
  private asked = false;
  private held = false;

  private constructor(socket: Socket, unix: boolean) {
    this.socket = socket;
    this.unix = unix;
    socket.on("drain", () => this.tellFlushed());
    socket.on("end", () => this.finish(undefined));
    socket.on("error", (error) => this.finish(error));
    socket.on("close", () => this.finish(undefined));
  }

  /** Opens a connection; `connected` is called when it stands, `owner.ended` if that fails. */
  static open(target: Target, connected: () => void): Channel {
    let channel: Channel | undefined;
    const onread = { buffer: shared, callback: (length: number) => channel?.read(length) ?? true };
    const socket = connect({ ...target, onread, noDelay: true, ...highWater });
    socket.once("connect", connected);
    channel = new Channel(socket, "path" in target);
    return channel;
  }

  /** A connection that came in by Node's own accept: bytes come as data events, chunk by chunk. */
  static accepted(socket: Socket, unix: boolean): Channel {
    const channel = new Channel(socket, unix);
    socket.on("data", (chunk: Buffer) => channel.hear(chunk));
    return channel;
  }

  /**
   * A connection that came in as a bare handle: bytes come into the shared buffer. `handle` is an option
   * of Socket that Node's own accept uses but does not document; the listener makes sure that it works.
   */
  static ofHandle(handle: object, unix: boolean): Channel {
    let channel: Channel | undefined;
    const onread = { buffer: shared, callback: (length: number) => channel?.read(length) ?? true };
    const options: object = { handle, onread, manualStart: true, ...highWater };
    const socket = new Socket(options);
    channel = new Channel(socket, unix);
    socket.read(0);
    return channel;
  }

  /** Bytes that the kernel has not taken yet. */
  get pending(): number {
    return this.socket.writableLength;
  }

  /** So much is pending that its source has to be held; `flushed` says when that is over. */
  get congested(): boolean {
    return this.socket.writableNeedDrain;
  }

  /** Sends a copy of a range: what the kernel does not take at once must outlive the shared buffer. */
  send(buffer: Buffer, start: number, end: number): void {
    if (this.closing || this.over) return;
    const copy = Buffer.allocUnsafe(end - start);
    buffer.copy(copy, 0, start, end);
    this.socket.write(copy);
  }

  /** Sends a buffer that nobody will change. */
  sendAll(bytes: Buffer): void {
    if (!this.closing && !this.over) this.socket.write(bytes);
  }

  /** Calls `owner.flushed` once everything written so far is in the kernel's hands. */
  whenFlushed(): void {
    if (this.asked || this.over) return;
    this.asked = true;
    this.socket.write(nothing, () => this.tellFlushed());
  }

  /** Stops reading. The end of the other side goes unnoticed meanwhile. */
  hold(): void {
    if (this.held) return;
    this.held = true;
    this.socket.pause();
  }

  /** Reads on. */
  resume(): void {
    if (!this.held) return;
    this.held = false;
    this.socket.resume();
  }

  /**
   * Ends the connection after what is pending and `words`. Whatever still arrives is thrown away, and
   * who does not listen within a second is cut off.
   */
  close(words: Buffer = nothing): void {
    if (this.closing || this.over) return;
    this.closing = true;
    const socket = this.socket;
    this.resume();
    socket.end(words);
    const cut = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once("close", () => clearTimeout(cut));
  }

  /** Cuts the connection at once. */
  destroy(): void {
    this.closing = true;
    this.socket.destroy();
  }

  /** Resolves when nothing is left of the socket. */
  closed(): Promise<void> {
    return new Promise((resolve) => {
      if (this.socket.closed) resolve();
      else this.socket.once("close", () => resolve());
    });
  }

  /** Switches the operating system's search for dead connections on. */
  keepAlive(): void {
    if (!this.unix) this.socket.setKeepAlive(true);
  }

  /** Address and port of the other side; nothing for a Unix socket, or once it is closed. */
  get remote(): Endpoint {
    return { address: this.socket.remoteAddress, port: this.socket.remotePort };
  }

  /** Address and port of our side. */
  get local(): Endpoint {
    return { address: this.socket.localAddress, port: this.socket.localPort };
  }

  /** `onread`: false would stop the reading, which `hold` has done if it is wanted. */
  private read(length: number): boolean {
    if (!this.closing) this.owner.received(shared, 0, length);
    return true;
  }

  private hear(chunk: Buffer): void {
    if (!this.closing) this.owner.received(chunk, 0, chunk.length);
  }

  private tellFlushed(): void {
    this.asked = false;
    if (!this.closing && !this.over) this.owner.flushed();
  }

  private finish(error: NodeJS.ErrnoException | undefined): void {
    if (this.over || this.closing) return; // While closing, Node destroys the socket by itself.
    this.over = true;
    this.owner.ended(error);
  }
}
