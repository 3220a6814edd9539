/**
 * A session on the admin console, the database `pgbouncer`: simple queries only, one command each.
 * Source: PgBouncer 1.25.2 src/admin.c, admin_handle_client().
 */
import { EFFECT, type Nanos, REASON, REASONS } from "../../core/index.ts";
import type { Table } from "../../show/table.ts";
import { parseCommand } from "../../wire/console.ts";
import { FRAME, MessageReader } from "../../wire/frames.ts";
import { FRONTEND } from "../../wire/messages.ts";
import { textOf } from "../../wire/text.ts";
import {
  authenticationOk,
  backendKeyData,
  commandComplete,
  dataRow,
  errorResponse,
  parameterStatus,
  readyForQuery,
  rowDescription,
} from "../../wire/writer.ts";
import { Backlog } from "../relay/backlog.ts";
import { noteEnd } from "../relay/explain.ts";
import type { Identity } from "../relay/identity.ts";
import type { ConsoleRole, HostRole } from "../relay/roles.ts";
import { SUSPENDED } from "../relay/suspension.ts";
import type { Channel, ChannelOwner } from "../sockets/channel.ts";
import { COMPATIBLE, CONSOLE } from "../system/names.ts";
import { type CommandDesk, execute, type WaitKind } from "./commands.ts";
import { handOver } from "./handover.ts";

/** Bytes of the longest query; PgBouncer takes what fits its packet buffer. */
const LONGEST = 64 * 1024;

/** Rows of a SHOW that are sent together: there may be a hundred thousand. */
const PIECE = 256;

/** Beside the core's effects and SUSPENDED: all sockets have been sent. */
const HANDED_OVER = -2;

const PARAMETERS = [
  ["server_version", `${COMPATIBLE}/bouncer`],
  ["client_encoding", "UTF8"],
  ["server_encoding", "UTF8"],
  ["DateStyle", "ISO"],
  ["TimeZone", "GMT"],
  ["standard_conforming_strings", "on"],
  ["is_superuser", "on"],
] as const;

/** What its user may do: `own` is our own user, over the Unix socket. */
export interface Rights {
  readonly admin: boolean;
  readonly own: boolean;
  /** The application_name that it has come with. */
  readonly application: string;
}

/** A command that is answered later: PAUSE or WAIT_CLOSE, and the databases it still waits for. */
interface Waiting {
  kind: number;
  tag: string;
  databases: Set<number>;
}

export class ConsoleSession implements ConsoleRole, CommandDesk, ChannelOwner {
  readonly host: HostRole;
  readonly admin: boolean;
  readonly own: boolean;
  readonly key: Buffer;
  readonly identity: Identity;
  readonly application: string;
  readonly channel: Channel;
  private readonly reader = new MessageReader(LONGEST);
  /** What came while a command was waiting, or while its user did not take the answers. */
  private readonly backlog = new Backlog();
  private waiting: Waiting | undefined;
  requested: Nanos;
  private asked = false;
  private over = false;

  constructor(host: HostRole, channel: Channel, identity: Identity, rights: Rights) {
    this.host = host;
    this.channel = channel;
    this.identity = identity;
    this.admin = rights.admin;
    this.own = rights.own;
    this.application = rights.application;
    this.requested = identity.since;
    identity.database = CONSOLE;
    identity.known = "pool";
    this.key = host.newKey(this);
    host.admitConsole(this);
    host.consolePool.loggedIn();
  }

  /** Completes the login. */
  greet(): void {
    const parameters = PARAMETERS.map(([name, value]) => parameterStatus(name, value));
    this.send(authenticationOk(), ...parameters, backendKeyData(this.key), readyForQuery("I"));
  }

  // --- from the socket -----------------------------------------------------------------------------

  received(buffer: Buffer, start: number, end: number): void {
    this.host.begin();
    this.take(buffer, start, end);
    this.host.end();
  }

  flushed(): void {
    if (this.over) return;
    this.host.begin();
    this.goOn();
    this.host.end();
  }

  ended(): void {
    this.leave("client unexpected eof");
  }

  /** Takes bytes of its user, and executes what is complete. */
  take(buffer: Buffer, start: number, end: number): void {
    let at = start;
    if (!this.stopped) {
      this.reader.feed(buffer, start, end);
      while (!this.over && !this.stopped) {
        const found = this.reader.next();
        if (found === FRAME.more) break;
        if (found === FRAME.bad) this.quit("bad packet header");
        else this.message(this.reader.type, this.reader.body);
      }
      at = this.reader.position;
    }
    if (this.over) return;
    if (this.stopped) this.backlog.add(buffer, at, end);
    if (this.channel.congested || this.backlog.length > LONGEST) this.channel.hold();
  }

  /** Nothing is executed: a command waits, or answers do, and who does not read need not ask for more. */
  private get stopped(): boolean {
    return this.waiting !== undefined || this.channel.congested;
  }

  /** Takes what was kept, and hears on. */
  private goOn(): void {
    const { backlog, channel } = this;
    if (!this.stopped && backlog.length > 0) {
      const kept = Buffer.from(backlog.buffer.subarray(0, backlog.length));
      backlog.drop(backlog.length);
      this.take(kept, 0, kept.length);
    }
    if (!this.over && !channel.congested && backlog.length <= LONGEST) channel.resume();
  }

  private message(type: number, body: Buffer): void {
    if (type !== FRONTEND.terminate) this.count();
    switch (type) {
      case FRONTEND.query:
        this.ask(body);
        return;
      case FRONTEND.terminate:
        this.leave("client close request");
        return;
      case FRONTEND.parse:
      case FRONTEND.bind:
      case FRONTEND.execute:
        this.error("extended query protocol not supported by admin console");
        this.quit("bad packet");
        return;
      default:
        this.error(`unsupported packet type for admin console: ${type}`);
        this.quit("bad packet");
    }
  }

  /** A session counts as one query, however many it asks: PgBouncer never sees the first one end. */
  private count(): void {
    if (!this.asked) this.host.consolePool.asked();
    this.asked = true;
    this.requested = this.host.now;
  }

  private ask(body: Buffer): void {
    const end = body.indexOf(0);
    if (end < 0) this.quit("incomplete query");
    else {
      const sql = textOf(body, 0, end);
      if (this.host.debugging.on) this.host.debugging.asked(sql);
      execute(this, parseCommand(sql));
    }
  }

  // --- answers -------------------------------------------------------------------------------------

  done(tag: string, ...before: Buffer[]): void {
    this.send(...before, commandComplete(tag), readyForQuery("I"));
  }

  table({ columns, rows }: Table): void {
    let messages = [rowDescription(columns)];
    for (const row of rows) {
      messages.push(dataRow(row));
      if (messages.length < PIECE) continue;
      this.send(...messages);
      messages = [];
    }
    this.done("SHOW", ...messages);
  }

  error(text: string, sqlstate = "08P01", logged = text): void {
    this.host.log.write("ERROR", logged);
    this.complain(text);
    this.send(errorResponse("ERROR", sqlstate, text), readyForQuery("I"));
  }

  wait(kind: WaitKind, tag: string, databases: Iterable<number>): void {
    const number = kind === "suspended" ? SUSPENDED : EFFECT[kind];
    this.waiting = { kind: number, tag, databases: new Set(databases) };
    if (this.waiting.databases.size === 0) this.answer(() => this.done(tag));
  }

  /** Sends the open sockets themselves; what comes meanwhile waits. */
  handOver(): void {
    this.waiting = { kind: HANDED_OVER, tag: "SHOW", databases: new Set([-1]) };
    handOver(this.host, this.channel, (error) => {
      if (this.over) return;
      this.host.begin();
      if (error === undefined) this.completed(HANDED_OVER, -1);
      else this.leave(`cannot hand sockets over: ${error}`);
      this.host.end();
    });
  }

  completed(kind: number, database: number): void {
    const { waiting } = this;
    if (waiting?.kind !== kind) return;
    waiting.databases.delete(database);
    if (waiting.databases.size === 0) this.answer(() => this.done(waiting.tag));
  }

  /** Ctrl-C lifts a PAUSE of everything and a SUSPEND, as in PgBouncer; the command that waited ends in an error. */
  cancelled(): void {
    if (this.waiting === undefined) return;
    if (this.waiting.kind === EFFECT.paused) this.host.core.resume(this.host.now);
    this.host.suspension.end();
    this.answer(() => this.error("canceling statement due to user request", "57014"));
  }

  killed(): void {
    this.quit(REASONS[REASON.admin_kill]?.text ?? "");
  }

  private answer(say: () => void): void {
    this.waiting = undefined;
    say();
    if (!this.over) this.goOn();
  }

  private send(...messages: Buffer[]): void {
    if (!this.over) this.channel.sendAll(Buffer.concat(messages));
  }

  // --- the end -------------------------------------------------------------------------------------

  private complain(text: string): void {
    const { log, values } = this.host;
    if (!values.log_pooler_errors || this.over) return;
    log.write("WARNING", `pooler error: ${text}`, this.identity.label);
  }

  /** We end it, and say why. */
  private quit(why: string): void {
    if (this.over) return;
    noteEnd(this.host, this.identity, why);
    this.complain(why);
    this.end();
    this.channel.close(errorResponse("FATAL", "08P01", why));
  }

  private leave(why: string): void {
    if (this.over) return;
    noteEnd(this.host, this.identity, why);
    this.end();
    this.channel.destroy();
  }

  private end(): void {
    this.over = true;
    this.host.forgetConsole(this);
  }
}
