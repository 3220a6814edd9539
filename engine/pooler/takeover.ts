/**
 * The new side of an online restart: asks the process that runs for its sockets, by SUSPEND and SHOW FDS on
 * its console, and ends it. Until then it goes on if anything fails here: with our connection gone it lifts
 * the SUSPEND. Source: PgBouncer 1.25.2 src/takeover.c.
 */
import { closeSync } from "node:fs";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { CALLS_NEED } from "../config/index.ts";
import { FRAME, MessageReader } from "../wire/frames.ts";
import { BACKEND } from "../wire/messages.ts";
import { textOf } from "../wire/text.ts";
import { query, startupMessage } from "../wire/writer.ts";
import { dial } from "./sockets/socket-path.ts";
import { OutsideError } from "./system/errors.ts";
import { type Libc, libc } from "./system/libc.ts";
import { CONSOLE } from "./system/names.ts";

/** A socket and what the other process has said of it: the columns of SHOW FDS, in their order. */
export interface Taken {
  readonly descriptor: number;
  readonly columns: readonly (string | null)[];
}

/** Milliseconds between two looks for bytes. */
const LOOK_MS = 2;
/** Milliseconds for one answer, in addition to what SUSPEND may take by its own limit. */
const PATIENCE_MS = 20_000;
/** Bytes of the largest row, which holds all prepared statements. */
const LONGEST = 1 << 30;

/**
 * Takes the sockets of the pooler that answers at `path`, which has ended when this resolves. `suspend`:
 * suspend_timeout in milliseconds. Errors: OutsideError; the other process then goes on.
 */
export async function takeOver(path: string, suspend: number, log: (text: string) => void) {
  const system = libc();
  if (system === undefined)
    throw new OutsideError(
      `${path} answers, and to take its sockets over takes ${CALLS_NEED}; ` +
        "end that one with SHUTDOWN WAIT_FOR_CLIENTS and start without -R",
    );
  const conversation = await Conversation.open(path, system);
  try {
    await conversation.ask(LOGIN, "login");
    log("login OK, sending SUSPEND");
    await conversation.ask(query("SUSPEND;"), "SUSPEND", suspend);
    log("SUSPEND finished, sending SHOW FDS");
    await conversation.ask(query("SHOW FDS;"), "SHOW FDS");
    const taken = conversation.taken();
    log(`SHOW FDS finished, ${taken.length} sockets, sending SHUTDOWN`);
    await conversation.end(query("SHUTDOWN;"));
    return taken;
  } catch (error) {
    conversation.giveUp();
    throw error;
  }
}

const LOGIN = startupMessage([
  ["user", CONSOLE],
  ["database", CONSOLE],
]);

/** Over a socket that Node.js never reads: it would throw away the sockets that come with the bytes. */
class Conversation {
  private readonly socket: Socket;
  private readonly descriptor: number;
  private readonly system: Libc;
  private readonly reader = new MessageReader(LONGEST);
  private readonly buffer = Buffer.alloc(256 * 1024);
  private readonly descriptors: number[] = [];
  private readonly rows: Buffer[] = [];

  private constructor(socket: Socket, system: Libc) {
    this.socket = socket;
    this.system = system;
    this.descriptor = (socket as unknown as { _handle: { fd: number } })._handle.fd;
  }

  static async open(path: string, system: Libc): Promise<Conversation> {
    const socket = dial(path).pause();
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", (error) => reject(new OutsideError(`${path}: ${error.message}`)));
    });
    return new Conversation(socket, system);
  }

  /** Sends a message and reads up to the ReadyForQuery. Errors: OutsideError for any other answer. */
  async ask(message: Buffer, what: string, more = 0): Promise<void> {
    this.system.send(this.descriptor, message);
    const limit = Date.now() + PATIENCE_MS + more;
    for (;;) {
      const type = await this.next(what, limit);
      const { body } = this.reader;
      if (type === BACKEND.readyForQuery) return;
      if (type === BACKEND.dataRow) this.rows.push(body);
      else if (type === BACKEND.errorResponse) throw refused(what, saidIn(body));
      else if (type === BACKEND.authentication && body.readUInt32BE(0) !== 0)
        throw refused(what, "it asks for a password: its user is not ours");
    }
  }

  /** What has come with SHOW FDS. */
  taken(): Taken[] {
    const { rows, descriptors } = this;
    if (rows.length !== descriptors.length)
      throw refused("SHOW FDS", `${rows.length} rows with ${descriptors.length} sockets`);
    return rows.map((row, index) => ({
      descriptor: descriptors[index] as number,
      columns: columnsOf(row),
    }));
  }

  /** The last order; waits until the other process has ended, however long that takes. */
  async end(message: Buffer): Promise<void> {
    this.system.send(this.descriptor, message);
    for (;;) {
      const got = this.system.receive(this.descriptor, this.buffer);
      if (got === "EAGAIN") await sleep(LOOK_MS);
      else if (typeof got === "string" || got.length === 0) break;
    }
    this.socket.destroy();
  }

  giveUp(): void {
    for (const descriptor of this.descriptors) closeSync(descriptor);
    this.socket.destroy();
  }

  /** Type of the next message. */
  private async next(what: string, limit: number): Promise<number> {
    for (;;) {
      const found = this.reader.next();
      if (found === FRAME.message) return this.reader.type;
      if (found === FRAME.bad) throw refused(what, "it does not speak the protocol");
      const got = this.system.receive(this.descriptor, this.buffer);
      if (got === "EAGAIN") {
        if (Date.now() > limit) throw refused(what, "no answer in time");
        await sleep(LOOK_MS);
      } else if (typeof got === "string" || got.length === 0) {
        throw refused(what, typeof got === "string" ? got : "it has hung up");
      } else {
        if (got.descriptor !== undefined) this.descriptors.push(got.descriptor);
        this.reader.feed(this.buffer, 0, got.length);
      }
    }
  }
}

const refused = (what: string, why: string): OutsideError =>
  new OutsideError(`cannot take the running pooler's sockets over: ${what}: ${why}`);

/** The M field of an error. */
function saidIn(body: Buffer): string {
  const fields = textOf(body).split("\0");
  return fields.find((field) => field.startsWith("M"))?.slice(1) ?? "error";
}

/** The values of a DataRow; null is NULL. */
function columnsOf(body: Buffer): (string | null)[] {
  const columns: (string | null)[] = [];
  let at = 2;
  for (let left = body.readUInt16BE(0); left > 0; left--) {
    const length = body.readInt32BE(at);
    at += 4;
    columns.push(length < 0 ? null : textOf(body, at, at + length));
    at += Math.max(0, length);
  }
  return columns;
}
