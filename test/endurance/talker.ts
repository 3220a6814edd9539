/** A client that speaks the protocol by hand, and takes note of everything that it gets. */
import { connect, type Socket } from "node:net";
import { FRAME, MessageReader } from "../../engine/wire/frames.ts";
import { cancelRequest, startupMessage, terminate } from "../../engine/wire/writer.ts";

/** Longer than any wait that the settings allow: who hears nothing by then is forgotten. */
const PATIENCE_MS = 60_000;

/** In place of last words. */
const SILENT = "closed without a word";

const MAX_PACKET = 1 << 30;

/** An error as it stands in an ErrorResponse. */
export interface ServerError {
  sqlstate: string;
  text: string;
}

/** What came between a request and its last ReadyForQuery. */
export interface Answer {
  /** First column of each row. */
  values: string[];
  errors: ServerError[];
}

/** The connection has ended, or might as well have. */
export class Lost extends Error {
  /** The last words of the other side. */
  readonly error: ServerError | undefined;

  constructor(error: ServerError | undefined, otherwise: string) {
    super(error === undefined ? otherwise : `${error.sqlstate} ${error.text}`);
    this.error = error;
  }
}

/** Where a pooler listens. */
export interface Place {
  host: string;
  port: number;
}

export class Talker {
  readonly socket: Socket;
  private readonly place: Place;
  private readonly reader = new MessageReader(MAX_PACKET);
  private key = Buffer.alloc(8);
  /** To the question under way; undefined: there is none. */
  private answer: Answer | undefined;
  /** What was said last before the end, whether asked or not. */
  private lastError: ServerError | undefined;
  private readies = 0;
  private closed = false;
  /** We have closed it ourselves. */
  private left = false;
  private settle: ((error: Lost | undefined) => void) | undefined;
  private readonly onLost: (lost: Lost) => void;

  /** `onLost` is told of an end in the middle of nothing; otherwise whoever waits is. */
  private constructor(place: Place, onLost: (lost: Lost) => void) {
    this.place = place;
    this.onLost = onLost;
    this.socket = connect({ ...place, noDelay: true });
    this.socket.on("data", (chunk) => this.hear(chunk));
    this.socket.on("error", () => undefined); // `close` comes too.
    this.socket.on("close", () => this.end());
  }

  /** Logs in without a password. Errors: Lost. */
  static async login(
    place: Place,
    database: string,
    user: string,
    onLost: (lost: Lost) => void = () => undefined,
  ): Promise<Talker> {
    const talker = new Talker(place, onLost);
    const parameters = [
      ["user", user],
      ["database", database],
    ] as const;
    await talker.exchange(startupMessage(parameters), 1);
    return talker;
  }

  /** Sends these bytes and waits for so many ReadyForQuery. Errors: Lost. */
  async exchange(bytes: Buffer, readies = 1): Promise<Answer> {
    const answer: Answer = { values: [], errors: [] };
    this.answer = answer;
    this.readies = readies;
    await new Promise<void>((resolve, reject) => {
      const late = `no answer within ${PATIENCE_MS / 1000} s`;
      const timer = setTimeout(() => this.settle?.(new Lost(undefined, late)), PATIENCE_MS);
      this.settle = (error) => {
        clearTimeout(timer);
        this.settle = undefined;
        this.answer = undefined;
        if (error === undefined) resolve();
        else reject(error);
      };
      if (this.closed) this.end();
      else this.socket.write(bytes);
    });
    return answer;
  }

  /** Asks the pooler to cancel what this client runs; resolves when it hangs up. */
  cancel(): Promise<void> {
    const socket = connect(this.place);
    socket.on("error", () => undefined);
    socket.resume().end(cancelRequest(this.key));
    return new Promise((resolve) => socket.once("close", () => resolve()));
  }

  /** Says goodbye, as drivers do. */
  leave(): void {
    this.left = true;
    this.socket.end(terminate());
  }

  /** Cuts the connection without a word. */
  vanish(): void {
    this.left = true;
    this.socket.destroy();
  }

  private hear(chunk: Buffer): void {
    this.reader.feed(chunk, 0, chunk.length);
    while (this.reader.next() === FRAME.message) {
      const { type, body } = this.reader;
      this.message(String.fromCharCode(type), body);
    }
  }

  private message(type: string, body: Buffer): void {
    switch (type) {
      case "D":
        // A count of columns and the length of the first stand before it.
        this.answer?.values.push(body.toString("utf8", 6, 6 + body.readInt32BE(2)));
        break;
      case "E":
        this.lastError = errorOf(body);
        this.answer?.errors.push(this.lastError);
        break;
      case "K":
        this.key = Buffer.from(body);
        break;
      case "Z":
        this.lastError = undefined;
        if (--this.readies === 0) this.settle?.(undefined);
        break;
    }
  }

  private end(): void {
    this.closed = true;
    if (this.left && this.settle === undefined) return;
    const lost = new Lost(this.lastError, SILENT);
    if (this.settle === undefined) this.onLost(lost);
    else this.settle(lost);
  }
}

function errorOf(body: Buffer): ServerError {
  const fields = body.toString("utf8").split("\0");
  const field = (type: string): string => fields.find((each) => each[0] === type)?.slice(1) ?? "";
  return { sqlstate: field("C"), text: field("M") };
}
