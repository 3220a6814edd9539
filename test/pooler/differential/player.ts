/** Plays a script on a pooler, and writes down what every client has seen. */
import { createHash } from "node:crypto";
import { connect, type Socket } from "node:net";
import { FRAME, MessageReader } from "../../../engine/wire/frames.ts";
import { Answers, isTold, kindOf } from "./answers.ts";
import {
  bytesOf,
  lastBytes,
  type Packet,
  PROTOCOL,
  packetBytes,
  type Script,
  type Step,
} from "./script.ts";

/** What one client has seen, a line for each message. */
export type Transcript = readonly string[];

/** Longest body that a line shows whole. */
const SHOWN = 300;

/** Where a pooler listens, and after how many ms an answer has not come and will not. */
export interface Place {
  path: string;
  patience: number;
}

/** Plays the steps one after the other. */
export async function play(place: Place, script: Script): Promise<Transcript[]> {
  const players: Player[] = [];
  for (const step of script.steps) {
    players[step.who] ??= new Player(place);
    await players[step.who]?.play(step);
  }
  // A client that the script leaves inside goes without a word.
  for (const player of players) await player?.leave();
  return players.map((player) => player?.lines ?? []);
}

class Player {
  readonly lines: string[] = [];
  private readonly socket: Socket;
  private readonly patience: number;
  private readonly reader = new MessageReader(1 << 30);
  private readonly answers = new Answers();
  /** Answers of one byte that are to come: to SSLRequest and GSSENCRequest. */
  private letters = 0;
  private closed = false;
  /** Up to here the lines are certain; what comes after is a matter of who is faster. */
  private certain = 0;
  private wake: () => void = () => {};

  constructor({ path, patience }: Place) {
    this.patience = patience;
    this.socket = connect({ path });
    this.socket.on("data", (chunk) => this.hear(chunk));
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.closed = true;
      this.wake();
    });
  }

  async play(step: Step): Promise<void> {
    if (this.closed) return;
    if ("packets" in step) await this.logIn(step.packets, step.cuts);
    else if ("send" in step) {
      for (const piece of step.send) this.answers.sent(kindOf(piece));
      await this.send(Buffer.concat(step.send.map(bytesOf)), step.cuts);
      await this.settle(isTold(step.send));
    } else {
      this.socket.write(Buffer.concat([...step.last.map(bytesOf), lastBytes(step.leave)]));
      const stays = step.leave === "unknown type" || step.leave === "short length";
      if (!stays && step.leave !== "too long") this.socket.end();
      await this.end();
    }
  }

  /** Ends the connection, if it has not ended. */
  async leave(): Promise<void> {
    this.socket.end();
    await this.end();
  }

  private async logIn(packets: readonly Packet[], cuts: readonly number[]): Promise<void> {
    this.answers.sent("login");
    for (const packet of packets) {
      const asks = packet[0] === "ssl" || packet[0] === "gss";
      if (asks) this.letters++;
      // What comes together with such a question is another matter than what comes after its answer.
      await this.send(packetBytes(packet), isOrdinary(packet) ? cuts : []);
      if (asks) await this.wait(() => this.letters === 0);
    }
    // Without a startup packet the pooler waits for more: it is told that there is none.
    if (packets.at(-1)?.[0] !== "startup") this.socket.end();
    await this.settle();
  }

  private async send(bytes: Buffer, cuts: readonly number[]): Promise<void> {
    const places = cuts.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b);
    let from = 0;
    for (const to of [...places, bytes.length]) {
      if (to > from) this.socket.write(bytes.subarray(from, to));
      from = Math.max(from, to);
      await new Promise(setImmediate);
    }
  }

  /** `told`: the server keeps no answer back for later, and an error comes when the others do. */
  private async settle(told = true): Promise<void> {
    await this.wait(() => this.answers.settled);
    if (this.closed && this.lines.at(-1)?.includes(BLOCKS) === true) this.forget();
    if (this.closed) this.lines.push("closed");
    if ((told && this.answers.done) || this.closed) this.certain = this.lines.length;
  }

  /** Waits for the end. Of what it still sees then, only the pooler's last word is sure to come. */
  private async end(): Promise<void> {
    await this.wait(() => false);
    if (this.lines.at(-1) === "closed") return;
    this.forget();
    this.lines.push("closed");
  }

  /** Takes away what is not certain but for the pooler's last word. */
  private forget(): void {
    const [...unsure] = this.lines.splice(this.certain);
    this.lines.push(...unsure.filter((line) => line === STUCK));
    const word = unsure.findLast((line) => line.includes("SFATAL"));
    if (word !== undefined) this.lines.push(word);
  }

  private async wait(holds: () => boolean): Promise<void> {
    const until = Date.now() + this.patience;
    while (!this.closed && !holds()) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        timer = setTimeout(resolve, until - Date.now());
      });
      clearTimeout(timer);
      if (Date.now() < until) continue;
      this.lines.push(STUCK);
      return;
    }
  }

  private hear(chunk: Buffer): void {
    let from = 0;
    for (; this.letters > 0 && from < chunk.length && chunk[from] !== ERROR; from++) {
      this.letters--;
      this.lines.push(`letter ${String.fromCharCode(chunk[from] as number)}`);
    }
    this.reader.feed(chunk, from, chunk.length);
    while (this.reader.next() === FRAME.message) {
      const type = String.fromCharCode(this.reader.type);
      this.lines.push(lineOf(type, this.reader.body));
      this.answers.heard(type);
    }
    this.wake();
  }
}

/** Stands in a transcript where an answer has not come. */
export const STUCK = "no answer";
/** PgBouncer says so to a client instead of what it had for it and had not sent. */
const BLOCKS = "transaction blocks not allowed in statement pooling mode";
const ERROR = 0x45;

/** Is this a packet that is read to its end? Of another the pooler takes leave in the middle of it. */
function isOrdinary(packet: Packet): boolean {
  return packet[0] === "startup" && packet[1] === PROTOCOL;
}

/** A message as a line, without what no two servers have in common: keys and process ids. */
function lineOf(type: string, body: Buffer): string {
  if (type === "K") return `K ${body.length} bytes`;
  const rest = type === "A" ? body.subarray(4) : type === "T" ? columnsOf(body) : body;
  if (rest.length > SHOWN) {
    return `${type} ${rest.length} bytes ${createHash("sha1").update(rest).digest("hex")}`;
  }
  return `${type} ${rest.toString("latin1").replaceAll("\0", "|")}`;
}

/** A RowDescription without the object ids of tables: those of temporary ones are never the same. */
function columnsOf(body: Buffer): Buffer {
  const copy = Buffer.from(body);
  const end = copy.length;
  for (let at = 2; at < end; ) {
    const table = copy.indexOf(0, at) + 1;
    copy.fill(0, table, table + 4);
    at = table + 18;
  }
  return copy;
}
