/**
 * The parts of Node.js that are not public and that make a socket cheap: its bare handle, and the class of
 * write requests. They are looked for once, at start; where one is missing, sockets go through Node's
 * streams, which costs about a third more CPU and memory but nothing else. The same from Node 18 to 26.
 */

/** A connected socket of libuv: TCP or Unix. */
export interface NativeHandle {
  /** Called after each read; what it came to stands in `state`. */
  onread: (this: NativeHandle) => void;
  /** Bytes that wait for the kernel. */
  readonly writeQueueSize: number;
  readonly fd: number;
  /** From now on reads go into `buffer`. */
  useUserBuffer(buffer: Buffer): void;
  readStart(): number;
  readStop(): number;
  /**
   * Writes at once what the kernel takes, and queues the rest, for which `bytes` must stay as it is. An
   * error is a negative number.
   */
  writeBuffer(request: NativeRequest, bytes: Buffer): number;
  shutdown(request: NativeRequest): number;
  close(done: () => void): void;
  setNoDelay?(on: boolean): number;
  setKeepAlive?(on: boolean, delay: number): number;
  getpeername?(found: object): number;
  getsockname?(found: object): number;
}

/** A write or a shutdown under way. One that is under way must not be used for another. */
export interface NativeRequest {
  oncomplete: (this: NativeRequest, status: number) => void;
}

interface Native {
  WriteWrap: new () => NativeRequest;
  ShutdownWrap: new () => NativeRequest;
  /** What the last call of libuv came to, at the places below. */
  state: Int32Array;
  /** Bytes of the last read, or a negative error. */
  readPlace: number;
  /** 1: the last write was queued, and its request is in use until `oncomplete`. */
  asyncPlace: number;
}

/** Set to 1: as if nothing of this were there. For tests, and for whoever does not trust it. */
const SWITCH = "POOLWISE_STREAMS";

function find(): Native | undefined {
  if (process.env[SWITCH] === "1") return undefined;
  try {
    const { binding } = process as unknown as { binding(name: string): Record<string, unknown> };
    const { WriteWrap, ShutdownWrap, streamBaseState, kReadBytesOrError, kLastWriteWasAsync } =
      binding("stream_wrap");
    const whole =
      typeof WriteWrap === "function" &&
      typeof ShutdownWrap === "function" &&
      streamBaseState instanceof Int32Array &&
      typeof kReadBytesOrError === "number" &&
      typeof kLastWriteWasAsync === "number";
    if (!whole) return undefined;
    return {
      WriteWrap: WriteWrap as Native["WriteWrap"],
      ShutdownWrap: ShutdownWrap as Native["ShutdownWrap"],
      state: streamBaseState,
      readPlace: kReadBytesOrError,
      asyncPlace: kLastWriteWasAsync,
    };
  } catch {
    return undefined; // It is gone, or the permission model forbids it.
  }
}

/** Undefined: sockets go through Node's streams. */
export const native: Native | undefined = find();

const METHODS = ["useUserBuffer", "readStart", "readStop", "writeBuffer", "shutdown", "close"];

/** `handle` if it can do what we need, and `native` is there. */
export function usable(handle: unknown): NativeHandle | undefined {
  if (native === undefined || typeof handle !== "object" || handle === null) return undefined;
  const found = handle as Record<string, unknown>;
  if (typeof found.writeQueueSize !== "number" || !("onread" in found)) return undefined;
  return METHODS.every((name) => typeof found[name] === "function")
    ? (handle as NativeHandle)
    : undefined;
}
