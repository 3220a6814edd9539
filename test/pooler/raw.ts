/** A client that speaks the protocol by hand: for what no driver would send. */
import { connect, type Socket } from "node:net";
import type { Pooler } from "../../engine/pooler/main.ts";
import { dial, socketPath } from "../../engine/pooler/sockets/socket-path.ts";
import { FRAME, MessageReader } from "../../engine/wire/frames.ts";
import { startupMessage } from "../../engine/wire/writer.ts";

export interface Message {
  type: string;
  body: Buffer;
}

export class Raw {
  readonly socket: Socket;
  readonly messages: Message[] = [];
  closed = false;
  private readonly reader = new MessageReader(1 << 30);
  private wake: () => void = () => {};

  constructor(pooler: Pooler, unix = false) {
    const { host, port, socket } = pooler.address;
    this.socket = unix ? dial(socketPath(socket, port)) : connect({ host, port });
    this.socket.on("data", (chunk) => this.hear(chunk));
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.closed = true;
      this.wake();
    });
  }

  /** Logs in without a password and waits until the server is ready. */
  static async login(pooler: Pooler, user: string, database = "app", unix = false): Promise<Raw> {
    const raw = new Raw(pooler, unix);
    raw.send(
      startupMessage([
        ["user", user],
        ["database", database],
      ]),
    );
    await raw.until("Z");
    raw.messages.length = 0;
    return raw;
  }

  send(...messages: Buffer[]): void {
    this.socket.write(Buffer.concat(messages));
  }

  /** Waits until `count` messages of this type have come, or the connection has ended. */
  async until(type: string, count = 1): Promise<void> {
    while (!this.closed && this.count(type) < count) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  /** Waits for the end of the connection. */
  async end(): Promise<void> {
    while (!this.closed) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  count(type: string): number {
    return this.messages.filter((message) => message.type === type).length;
  }

  /** The types of all messages so far, as one word. */
  get types(): string {
    return this.messages.map(({ type }) => type).join("");
  }

  /** Text of the last error or notice: `SFATAL C08P01 M...`. */
  get complaint(): string {
    const message = this.messages.findLast(({ type }) => type === "E" || type === "N");
    return (
      message?.body
        .toString("utf8")
        .split("\0")
        .filter((part) => part !== "")
        .join(" ") ?? ""
    );
  }

  private hear(chunk: Buffer): void {
    this.reader.feed(chunk, 0, chunk.length);
    while (this.reader.next() === FRAME.message) {
      const { type, body } = this.reader;
      this.messages.push({ type: String.fromCharCode(type), body });
    }
    this.wake();
  }
}

/** A startup packet whose names and values are in latin1. */
export function startupInLatin1(...pairs: readonly [name: string, value: string][]): Buffer {
  const body = `\0\x03\0\0${pairs.flat().join("\0")}\0\0`;
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length + 4);
  return Buffer.concat([length, Buffer.from(body, "latin1")]);
}
