/** Plays a script on a pooler, and writes down what every client has seen. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { writeSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { FRAME, MessageReader } from "../../../engine/wire/frames.ts";
import { cancelRequest } from "../../../engine/wire/writer.ts";
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

/** Where a pooler listens, after how many ms an answer has not come and will not, and its console. */
export interface Place {
  path: string;
  patience: number;
  tell(command: string): Promise<unknown>;
}

/** Plays the steps one after the other, up to one whose answer does not come. */
export async function play(place: Place, script: Script): Promise<Transcript[]> {
  const players: Player[] = [];
  for (const step of script.steps) {
    if ("tell" in step) {
      await place.tell(`${step.tell} ${script.mode}`);
      continue;
    }
    const player = players[step.who] ?? new Player(place);
    players[step.who] = player;
    await player.play(step);
    if (player.lines.includes(STUCK)) break;
  }
  // A client that the script leaves inside goes without a word.
  for (const player of players) await player?.leave();
  return players.map((player) => player?.lines ?? []);
}

class Player {
  readonly lines: string[] = [];
  private readonly socket: Socket;
  private readonly place: Place;
  private key: Buffer = Buffer.alloc(8);
  private readonly reader = new MessageReader(1 << 30);
  private readonly answers = new Answers();
  /** Answers of one byte that are to come: to SSLRequest and GSSENCRequest. */
  private letters = 0;
  private closed = false;
  /** Up to here the lines are certain; what comes after is a matter of who is faster. */
  private certain = 0;
  private wake: () => void = () => {};

  constructor(place: Place) {
    this.place = place;
    this.socket = connect({ path: place.path });
    this.socket.on("data", (chunk) => this.hear(chunk));
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.closed = true;
      this.wake();
    });
  }

  async play(step: Exclude<Step, { tell: string }>): Promise<void> {
    if (this.closed) return;
    if ("packets" in step) await this.logIn(step.packets, step.cuts);
    else if ("send" in step) {
      for (const piece of step.send) this.answers.sent(kindOf(piece));
      await this.send(Buffer.concat(step.send.map(bytesOf)), step.cuts);
      const told = isTold(step.send);
      if (step.cancelled) await this.cancel();
      await this.settle(told);
    } else {
      await this.write(Buffer.concat([...step.last.map(bytesOf), lastBytes(step.leave)]));
      const stays = ["unknown type", "short length", "too long"].includes(step.leave);
      if (!stays) this.socket.end();
      await this.end(stays);
    }
  }

  /** Ends the connection, if it has not ended. */
  async leave(): Promise<void> {
    this.socket.end();
    await this.end(false);
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
      if (to > from) await this.write(bytes.subarray(from, to));
      from = Math.max(from, to);
      await new Promise(setImmediate);
    }
  }

  /** Has the query cancelled that runs, again and again: a request that comes too soon is lost. */
  private async cancel(): Promise<void> {
    const until = Date.now() + this.place.patience;
    while (!this.closed && !this.answers.settled && Date.now() < until) {
      await sleep(BETWEEN_CANCELS);
      if (this.answers.settled) return;
      const other = connect({ path: this.place.path });
      other.end(cancelRequest(this.key));
      // It is closed when the server has been told.
      await once(other.resume(), "close");
    }
  }

  /** Past Node, which forgets what has come when it sees that the other side has closed. */
  private async write(bytes: Buffer): Promise<void> {
    if (this.socket.connecting) await once(this.socket, "connect");
    for (let at = 0; at < bytes.length && !this.closed; ) {
      try {
        at += writeSync(descriptorOf(this.socket), bytes, at);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return;
        await sleep(1);
      }
    }
  }

  /** `told`: the server keeps no answer back for later, and an error comes when the others do. */
  private async settle(told = true): Promise<void> {
    await this.wait(() => this.answers.settled);
    if (this.lines.at(-1)?.includes("SFATAL") === true) {
      await this.wait(() => false);
      this.forget();
    }
    if (this.closed) this.lines.push("closed");
    if ((told && this.answers.done) || this.closed) this.certain = this.lines.length;
  }

  /**
   * Waits for the end. Of what it still sees then, only the pooler's last word is sure to come, and not even
   * that where it has ended the connection itself, which the pooler may see first.
   */
  private async end(stays: boolean): Promise<void> {
    await this.wait(() => false);
    if (this.lines.at(-1) === "closed") return;
    this.forget(stays);
    this.lines.push("closed");
  }

  /** Takes away what is not certain, but for the pooler's last word. */
  private forget(words = true): void {
    const [...unsure] = this.lines.splice(this.certain);
    this.lines.push(...unsure.filter((line) => line === STUCK));
    const word = unsure.findLast((line) => line.includes("SFATAL"));
    if (words && word !== undefined) this.lines.push(word);
  }

  private async wait(holds: () => boolean): Promise<void> {
    const until = Date.now() + this.place.patience;
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
      if (type === "K") this.key = this.reader.body;
      this.answers.heard(type);
    }
    this.wake();
  }
}

/** What the two have not in common: names of databases, numbers of statements, places in the log. */
const PLACES = /\bdata[12]\b|\bPGBOUNCER_\d+\b|\b[0-9A-F]+\/[0-9A-F]{6,8}\b/g;
/** Stands in a transcript where an answer has not come. */
export const STUCK = "no answer";
const ERROR = 0x45;
/** In ms. */
const BETWEEN_CANCELS = 40;

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
  return `${type} ${rest.toString("latin1").replaceAll("\0", "|").replaceAll(PLACES, "place")}`;
}

/** Node keeps it to itself. */
function descriptorOf(socket: Socket): number {
  return (socket as unknown as { _handle?: { fd: number } })._handle?.fd ?? -1;
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
