/**
 * A socket without Node's streams: all read into one shared buffer, and each write goes to the kernel at
 * once. The streams and their allocations, not the parsing, are what costs.
 */
import { getSystemErrorName } from "node:util";
import { CHUNK, copyBytes, received, Shared } from "../../wire/shared.ts";
import type { Endpoint, Line, LineListener } from "./line.ts";
import { type NativeHandle, type NativeRequest, native } from "./native.ts";

/** A request under way knows its line. */
interface Request extends NativeRequest {
  line: BareLine | undefined;
  /** Keeps the bytes alive. */
  buffer: Buffer | undefined;
  /** Where they stand, if that is to be used again. */
  shared: Shared | undefined;
}

/** Where bytes stand while the kernel takes them; used again unless some of them have to wait. */
let scratch = new Shared();
/** Some that slow readers have kept for a while: a new one for each write would be work for the collector. */
const spares: Shared[] = [];
const MOST_SPARES = 16;
const state = native?.state ?? new Int32Array(0);
const readPlace = native?.readPlace ?? 0;
const asyncPlace = native?.asyncPlace ?? 0;

/** For the next write: most writes are done at once and leave it unused. */
let spare: Request | undefined;

export class BareLine implements Line {
  pending = 0;
  private readonly handle: NativeHandle;
  private readonly listener: LineListener;
  private reading = false;
  private ending = false;
  private over = false;
  /** Resolve when it is closed. */
  private awaited: (() => void)[] | undefined;

  /** Takes over a connected handle, and reads at once. */
  constructor(handle: NativeHandle, listener: LineListener) {
    this.handle = handle;
    this.listener = listener;
    // A function for each: to find the line by a property of the handle takes a search, the kinds are many.
    handle.onread = () => this.heard(state[readPlace] as number);
    handle.useUserBuffer(received.bytes);
    this.resume();
  }

  send(buffer: Buffer, start: number, end: number): void {
    if (this.ending || this.over) return;
    // What has to wait, waits in memory of its own; and so does what is longer than usual.
    if (this.pending > 0 || end - start > CHUNK)
      this.write(Buffer.from(buffer.subarray(start, end)));
    else {
      copyBytes(buffer, start, end, scratch.bytes, 0);
      const waiting = this.write(scratch.prefix(end - start));
      if (waiting === undefined) return;
      waiting.shared = scratch;
      scratch = spares.pop() ?? new Shared();
    }
  }

  sendAll(bytes: Buffer): void {
    if (!this.ending && !this.over) this.write(bytes);
  }

  pause(): void {
    if (!this.reading || this.over) return;
    this.reading = false;
    this.handle.readStop();
  }

  resume(): void {
    if (this.reading || this.over) return;
    this.reading = true;
    this.handle.readStart();
  }

  end(): void {
    if (this.ending || this.over || native === undefined) return;
    this.ending = true;
    const request = new native.ShutdownWrap();
    request.oncomplete = () => {};
    this.handle.shutdown(request);
  }

  destroy(): void {
    if (this.over) return;
    this.over = true;
    this.handle.close(() => {
      for (const resolve of this.awaited ?? []) resolve();
      this.awaited = [];
    });
  }

  closed(): Promise<void> {
    return new Promise((resolve) => {
      if (this.over && this.awaited?.length === 0) resolve();
      else this.awaited = [...(this.awaited ?? []), resolve];
    });
  }

  keepAlive(): void {
    this.handle.setKeepAlive?.(true, 0);
  }

  /** Gives the handle away: another line is to take the connection over. */
  release(): NativeHandle {
    this.pause();
    this.over = true;
    return this.handle;
  }

  get descriptor(): number {
    return this.over ? -1 : this.handle.fd;
  }

  get remote(): Endpoint {
    const found = { address: undefined, port: undefined };
    if (!this.over) this.handle.getpeername?.(found);
    return found;
  }

  get local(): Endpoint {
    const found = { address: undefined, port: undefined };
    if (!this.over) this.handle.getsockname?.(found);
    return found;
  }

  /** A request: some of the bytes have to wait and must stay as they are until it is done. */
  private write(bytes: Buffer): Request | undefined {
    const request = spare ?? newRequest();
    const error = this.handle.writeBuffer(request, bytes);
    if (error !== 0) {
      this.broke(error);
      return undefined;
    }
    if (state[asyncPlace] === 0) return undefined;
    // The request is in use until its callback, even where the kernel took the bytes at a second try.
    spare = undefined;
    request.line = this;
    request.buffer = bytes;
    this.pending = this.handle.writeQueueSize;
    return this.pending > 0 ? request : undefined;
  }

  /** A write that was not done at once is done. */
  completed(status: number): void {
    if (this.over) return;
    if (status < 0) this.broke(status);
    else if (this.pending > 0 && this.handle.writeQueueSize === 0) {
      this.pending = 0;
      this.listener.drained();
    }
  }

  /** Something was read, or the connection is at its end. */
  private heard(length: number): void {
    if (length > 0) this.listener.arrived(received.bytes, 0, length);
    else if (length < 0) this.finish(length);
  }

  /** A write has failed: told once the caller is done. */
  private broke(errno: number): void {
    if (this.over) return;
    this.destroy();
    process.nextTick(() => this.listener.finished(errorOf(errno, "write")));
  }

  /** The other side has ended, or the connection broke. */
  private finish(errno: number): void {
    if (this.over) return;
    this.destroy();
    this.listener.finished(errno === END_OF_FILE ? undefined : errorOf(errno, "read"));
  }
}

/** UV_EOF. Source: libuv, include/uv/errno.h. */
const END_OF_FILE = -4095;

function newRequest(): Request {
  const { WriteWrap } = native as NonNullable<typeof native>;
  const request = new WriteWrap() as Request;
  request.oncomplete = completed;
  request.line = undefined;
  request.buffer = undefined;
  request.shared = undefined;
  spare = request;
  return request;
}

/** One for all requests: the system has done with the bytes, whatever has become of them. */
function completed(this: NativeRequest, status: number): void {
  const { line, shared } = this as Request;
  if (shared !== undefined && spares.length < MOST_SPARES) spares.push(shared);
  line?.completed(status);
}

function errorOf(errno: number, call: string): NodeJS.ErrnoException {
  const code = getSystemErrorName(errno);
  return Object.assign(new Error(`${call} ${code}`), { errno, code, syscall: call });
}
