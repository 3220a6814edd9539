/** The way of a channel's bytes: past Node's streams (`bare-line.ts`), or through them (`stream-line.ts`). */

/** What a line tells its channel. Called from the event loop only, never from within a call of its own. */
export interface LineListener {
  /** Bytes `start` to `end` of `buffer` have arrived. They are valid only during the call. */
  arrived(buffer: Buffer, start: number, end: number): void;
  /** The kernel has taken everything, after some of it had to wait. */
  drained(): void;
  /** The other side has ended the connection, or it broke. */
  finished(error: NodeJS.ErrnoException | undefined): void;
}

/** One end of a TCP connection. */
export interface Endpoint {
  address: string | undefined;
  port: number | undefined;
}

export interface Line {
  /** Bytes that the kernel has not taken yet. */
  readonly pending: number;
  /** The file descriptor; -1 when there is none to be seen. */
  readonly descriptor: number;
  /** Address and port of the other side; nothing for a Unix socket, or once it is closed. */
  readonly remote: Endpoint;
  /** Address and port of our side. */
  readonly local: Endpoint;
  /** Sends a range of a buffer that may change afterwards. */
  send(buffer: Buffer, start: number, end: number): void;
  /** Sends a buffer that nobody will change. */
  sendAll(bytes: Buffer): void;
  /** Stops reading; the end of the other side goes unnoticed meanwhile. */
  pause(): void;
  /** Reads on. */
  resume(): void;
  /** Tells the other side, after what is pending, that nothing more will come. */
  end(): void;
  /** Cuts the connection. */
  destroy(): void;
  /** Resolves when nothing is left of the socket. */
  closed(): Promise<void>;
  /** Switches the operating system's search for dead connections on. */
  keepAlive(): void;
}
