/**
 * A socket through Node's streams: for TLS, for the time until a connection stands, and for all where
 * Node's insides are not what we know (see `native.ts`).
 */
import type { Socket } from "node:net";
import type { Endpoint, Line, LineListener } from "./line.ts";

/** In place of a listener that has another line by now. */
const nobody: LineListener = { arrived() {}, drained() {}, finished() {} };

export class StreamLine implements Line {
  private readonly socket: Socket;
  private listener: LineListener;
  /** So much waits that `drained` is to be told. */
  private waited = false;
  private paused = false;
  /** The other side has ended while nothing was to be read: Node says so all the same. */
  private ended = false;

  constructor(socket: Socket, listener: LineListener) {
    this.socket = socket;
    this.listener = listener;
    socket.on("data", (chunk: Buffer) => this.listener.arrived(chunk, 0, chunk.length));
    socket.on("end", () => this.finish());
    socket.on("error", (error) => this.listener.finished(error));
    socket.on("close", () => this.finish());
  }

  get pending(): number {
    return this.socket.writableLength;
  }

  send(buffer: Buffer, start: number, end: number): void {
    this.sendAll(Buffer.from(buffer.subarray(start, end)));
  }

  sendAll(bytes: Buffer): void {
    this.socket.write(bytes, this.wrote);
    if (this.socket.writableLength > 0) this.waited = true;
  }

  pause(): void {
    this.paused = true;
    this.socket.pause();
  }

  resume(): void {
    this.paused = false;
    this.socket.resume();
    // Not at once: whoever resumes is in the middle of something.
    if (this.ended) process.nextTick(() => this.finish());
  }

  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  closed(): Promise<void> {
    return new Promise((resolve) => {
      if (this.socket.closed) resolve();
      else this.socket.once("close", () => resolve());
    });
  }

  keepAlive(): void {
    this.socket.setKeepAlive(true);
  }

  /** Tells nothing any more: another line has taken the connection over. */
  release(): Socket {
    this.listener = nobody;
    this.socket.removeAllListeners("data");
    return this.socket;
  }

  get descriptor(): number {
    return (this.socket as unknown as { _handle?: { fd?: number } })._handle?.fd ?? -1;
  }

  get remote(): Endpoint {
    return { address: this.socket.remoteAddress, port: this.socket.remotePort };
  }

  get local(): Endpoint {
    return { address: this.socket.localAddress, port: this.socket.localPort };
  }

  private finish(): void {
    this.ended = this.paused;
    if (!this.paused) this.listener.finished(undefined);
  }

  private readonly wrote = (): void => {
    if (!this.waited || this.socket.writableLength > 0) return;
    this.waited = false;
    this.listener.drained();
  };
}
