/**
 * A socket as the relay sees it: bytes come in through one receive buffer that all sockets share, go
 * out in one write each, and both directions can be held. The bytes pass no stream of Node's in either
 * direction: `onread` hands us the buffer, and the socket's handle takes our writes. The streams and
 * their allocations, not the parsing, are what costs.
 */
import { connect, Socket } from "node:net";
import { getSystemErrorName } from "node:util";
import { CHUNK, received, Scratch } from "./bytes.ts";

/** What a channel tells its owner. Called from the event loop only, never from within a call of ours. */
export interface ChannelOwner {
  /** Bytes `start` to `end` of `buffer` have arrived. They are valid only during the call. */
  received(buffer: Buffer, start: number, end: number): void;
  /** The kernel has taken everything, after some of it had to wait. */
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

/** Bytes that may wait for the kernel before their source is held; plus one read at most. */
export const HIGH_WATER = CHUNK;

/** How long a closing socket may take to give the other side our last words. */
const LINGER_MS = 1_000;

const nothing: Buffer = Buffer.alloc(0);
const highWater = { writableHighWaterMark: HIGH_WATER };
const scratch = new Scratch();

/** In place of an owner while there is none yet. */
const nobody: ChannelOwner = { received() {}, flushed() {}, ended() {} };

/** The part of a socket's handle that is not public; the same from Node 18 to 26 at least. */
interface Handle {
  /** Writes at once what the kernel takes, and queues the rest, for which `bytes` must stay as it is. */
  writeBuffer(request: WriteRequest, bytes: Buffer): number;
  /** Bytes in the queue. */
  readonly writeQueueSize: number;
}
/**
 * Node's WriteWrap, one for each write: whether a write has used its own is not to be known. Where the
 * kernel takes the bytes at the second try, the queue is empty, but the request waits for its callback.
 */
interface WriteRequest {
  oncomplete: (status: number) => void;
  /** Keeps the bytes alive. */
  buffer: Buffer | null;
}
type WriteRequestClass = new () => WriteRequest;

/** Node's class of write requests; undefined until Node's own first write has shown it. */
let WriteRequest: WriteRequestClass | undefined;

export class Channel {
  /** Gets what is told; may be exchanged at any time, as when a login is over. */
  owner: ChannelOwner = nobody;
  /** True for a Unix socket. */
  readonly unix: boolean;
  /** Bytes that the kernel has not taken yet. */
  pending = 0;
  /** So much is pending that its source is to be held, until `flushed`. */
  congested = false;
  private socket: Socket;
  /** For writes that do not go through the socket; undefined where Node does not let us. */
  private handle: Handle | undefined;
  private closing = false;
  private over = false;
  private held = false;
  /** SUSPEND is on: nothing is read, whatever `hold` and `resume` say. */
  private frozen = false;
  /** Writes that are under way in Node's stream. */
  private streamed = 0;

  private constructor(socket: Socket, unix: boolean) {
    this.socket = socket;
    this.unix = unix;
    this.attend(socket);
  }

  /** A socket that has been replaced, as by TLS, is not listened to any more. */
  private attend(socket: Socket): void {
    const finish = (error?: Error): void => {
      if (socket === this.socket) this.finish(error);
    };
    socket.on("end", () => finish());
    socket.on("error", finish);
    socket.on("close", () => finish());
  }

  /** Opens a connection; `connected` is called when it stands, `owner.ended` if that fails. */
  static open(target: Target, connected: () => void): Channel {
    let channel: Channel | undefined;
    const onread = {
      buffer: received,
      callback: (length: number) => channel?.read(length) ?? true,
    };
    const socket = connect({ ...target, onread, noDelay: true, ...highWater });
    channel = new Channel(socket, "path" in target);
    socket.once("connect", () => {
      channel.handle = handleOf(socket);
      connected();
    });
    return channel;
  }

  /** A connection that came in by Node's own accept: bytes come as data events, chunk by chunk. */
  static accepted(socket: Socket, unix: boolean): Channel {
    const channel = new Channel(socket, unix);
    channel.handle = handleOf(socket);
    socket.on("data", channel.hear);
    return channel;
  }

  /**
   * A connection that came in as a bare handle: bytes come into the shared buffer. `handle` is an option
   * of Socket that Node's own accept uses but does not document; the listener makes sure that it works.
   */
  static ofHandle(handle: object, unix: boolean): Channel {
    let channel: Channel | undefined;
    const onread = {
      buffer: received,
      callback: (length: number) => channel?.read(length) ?? true,
    };
    const options: object = { handle, onread, manualStart: true, ...highWater };
    const socket = new Socket(options);
    channel = new Channel(socket, unix);
    channel.handle = handleOf(socket);
    socket.read(0);
    return channel;
  }

  /**
   * Puts TLS on the connection: `wrap` makes the TLS socket on top of the plain one, and from now on all
   * bytes take the way through Node's streams. `first`: bytes for TLS that have been read already.
   */
  secure<Secured extends Socket>(wrap: (plain: Socket) => Secured, first: Buffer): Secured {
    const plain = this.socket;
    plain.off("data", this.hear);
    if (first.length > 0) plain.unshift(Buffer.from(first));
    const secured = wrap(plain);
    this.socket = secured;
    this.handle = undefined;
    this.attend(secured);
    secured.on("data", this.hear);
    return secured;
  }

  /** Sends a range of a buffer that may change afterwards. */
  send(buffer: Buffer, start: number, end: number): void {
    if (this.closing || this.over) return;
    // What has to wait, waits in memory of its own; and so does what is longer than usual.
    if (this.pending > 0 || end - start > CHUNK || this.handle === undefined)
      this.write(Buffer.from(buffer.subarray(start, end)), false);
    else this.write(scratch.copy(buffer, start, end), true);
  }

  /** Sends a buffer that nobody will change. */
  sendAll(bytes: Buffer): void {
    if (!this.closing && !this.over) this.write(bytes, false);
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
    if (!this.frozen) this.socket.resume();
  }

  /** For SUSPEND: nothing is read until `thaw`. */
  freeze(): void {
    if (this.frozen) return;
    this.frozen = true;
    this.socket.pause();
  }

  /** The end of `freeze`. */
  thaw(): void {
    if (!this.frozen) return;
    this.frozen = false;
    if (!this.held) this.socket.resume();
  }

  /** The file descriptor, for SHOW FDS; -1 when there is none to be seen. */
  get descriptor(): number {
    return (this.socket as unknown as { _handle?: { fd?: number } })._handle?.fd ?? -1;
  }

  /**
   * Ends the connection after what is pending and `words`. Whatever still arrives is thrown away, and
   * who does not listen within a second is cut off.
   */
  close(words: Buffer = nothing): void {
    if (this.closing || this.over) return;
    if (words.length > 0) this.write(words, false);
    this.closing = true;
    const socket = this.socket;
    this.thaw();
    this.resume();
    socket.end();
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

  /** `lent`: the bytes stand in the scratch buffer and must have been taken when this returns. */
  private write(bytes: Buffer, lent: boolean): void {
    const { handle } = this;
    if (handle === undefined || WriteRequest === undefined || this.streamed > 0) {
      this.stream(lent ? Buffer.from(bytes) : bytes);
      return;
    }
    const request = new WriteRequest();
    request.oncomplete = this.completed;
    request.buffer = bytes;
    const error = handle.writeBuffer(request, bytes);
    // An empty queue means that the kernel has everything, and nobody looks at the bytes again.
    const pending = handle.writeQueueSize;
    if (lent && pending !== 0) scratch.give();
    if (error !== 0) this.broke(error);
    else this.note(pending);
  }

  /** Writes by way of Node's stream; nothing may overtake it there. */
  private stream(bytes: Buffer): void {
    this.streamed++;
    this.socket.write(bytes, () => {
      this.streamed--;
      if (this.pending > 0 && this.socket.writableLength === 0) this.wrote();
    });
    this.note(this.socket.writableLength);
  }

  private note(pending: number): void {
    this.pending = pending;
    if (pending >= HIGH_WATER) this.congested = true;
  }

  /** A write that was not done at once is done; one for all requests of this channel. */
  private readonly completed = (status: number): void => {
    if (this.closing || this.over || this.handle === undefined) return;
    if (status < 0) this.broke(status);
    else if (this.pending > 0 && this.handle.writeQueueSize === 0) this.wrote();
  };

  private broke(errno: number): void {
    const code = getSystemErrorName(errno);
    this.socket.destroy(Object.assign(new Error(`write ${code}`), { errno, code }));
  }

  /** Everything is written. */
  private wrote(): void {
    this.pending = 0;
    this.congested = false;
    if (!this.closing && !this.over) this.owner.flushed();
  }

  /** `onread`: false would stop the reading, which `hold` has done if it is wanted. */
  private read(length: number): boolean {
    if (!this.closing) this.owner.received(received, 0, length);
    return true;
  }

  private readonly hear = (chunk: Buffer): void => {
    if (!this.closing) this.owner.received(chunk, 0, chunk.length);
  };

  private finish(error?: NodeJS.ErrnoException | undefined): void {
    if (this.over || this.closing) return; // While closing, Node destroys the socket by itself.
    this.over = true;
    this.owner.ended(error);
  }
}

/**
 * The handle of a connected socket if it can be written to as `Channel` does. The first time Node's own
 * next write is watched for the class of its requests, which is not to be had otherwise.
 */
function handleOf(socket: Socket): Handle | undefined {
  const handle = (socket as unknown as { _handle?: Partial<Handle> })._handle;
  if (typeof handle?.writeBuffer !== "function") return undefined;
  if (typeof handle.writeQueueSize !== "number") return undefined;
  if (WriteRequest === undefined) watch(handle as Handle);
  return handle as Handle;
}

function watch(handle: Handle): void {
  const usual = handle.writeBuffer;
  handle.writeBuffer = (request, bytes) => {
    WriteRequest = request.constructor as WriteRequestClass;
    handle.writeBuffer = usual;
    return usual.call(handle, request, bytes);
  };
}
