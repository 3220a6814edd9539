/**
 * The client's half of the relay: forwards chunks whole to the linked server, notes what the server
 * will have to answer, and tells when a query begins. Bodies are looked into only for the names of
 * prepared statements, and only where these are tracked.
 * Source: PgBouncer 1.25.2 src/client.c, handle_client_work(); src/prepare.c.
 */
import { Buffer } from "node:buffer";
import { invariant } from "../core/errors.ts";
import * as states from "../core/states.ts";
import * as frames from "./frames.ts";
import type { Sink } from "./gather.ts";
import * as gathering from "./gather.ts";
import * as messages from "./messages.ts";
import * as requests from "./outstanding.ts";
import type { ClientStatements, Statement } from "./prepared.ts";
import * as prepared from "./prepared.ts";
import type { ServerRelay } from "./server-relay.ts";
import type { Variables } from "./variables.ts";
import type { ClientHalf, Relayed, RelayOptions } from "./verdicts.ts";
import * as verdicts from "./verdicts.ts";
import { closeComplete, parseComplete } from "./writer.ts";

// V8 folds the constants of a module into its code, but loads imported ones at every use.
const { STATUS } = states;
const { FRAME, FrameScanner, Stash, writeHeader } = frames;
const { closeGather, gather, isGathering, openGather } = gathering;
const { FRONTEND, HEADER } = messages;
const { ANSWER } = requests;
const { NAMED, Names, statementMessage, unparsed } = prepared;
const { RELAY } = verdicts;

export class ClientRelay implements ClientHalf {
  /** The linked server's half; `link` and `unlink` set it. */
  server: ServerRelay | undefined;
  /** How far the last feed came; less than its `end` only with request, terminate and error. */
  consumed = 0;
  /** Why, after `error`; to be told to the client. */
  error = "";
  /** Says more than `error`, for the log; "" when there is nothing more to say. */
  detail = "";
  busy = false;
  copying = false;
  readonly sink: Sink;
  readonly variables: Variables;
  statements: ClientStatements | undefined;
  private tracking = false;
  private readonly options: RelayOptions;
  readonly scanner: frames.FrameScanner;
  private readonly names = new Names();
  private chunk: Buffer = NOTHING;
  /** Offset in the chunk of the first byte that is to be forwarded and has not been. */
  private run = 0;
  /** The message that the scanner is in is not forwarded. */
  private discarding = false;
  /** It is kept in the stash until it can be judged, or until there is a server for it. */
  private holding = false;
  private readonly stash = new Stash();
  /** This is known of its body, in the chunk or in the stash, and whether that is all. */
  private view: Buffer = NOTHING;
  private viewStart = 0;
  private viewEnd = 0;
  private viewWhole = false;

  /** `sink` leads to the client. Without `statements` prepared statements are not tracked. */
  constructor(
    sink: Sink,
    options: RelayOptions,
    variables: Variables,
    statements?: ClientStatements,
  ) {
    this.sink = sink;
    this.options = options;
    this.variables = variables;
    this.track(statements);
    this.scanner = new FrameScanner(options.maxPacketSize);
  }

  /** Tracks statements in `statements` from the next message on; undefined: in none, but what is known stays. */
  track(statements: ClientStatements | undefined): void {
    this.tracking = statements !== undefined;
    this.statements ??= statements;
  }

  /** True when no message has been forwarded in part only. */
  get atBoundary(): boolean {
    return this.scanner.remaining === 0 || this.holding;
  }

  /**
   * Takes what the client sent and forwards it to the linked server. Comes to `request` in front of
   * the first message of a query: keep the bytes from `consumed` on and feed them when linked.
   */
  feed(buffer: Buffer, start: number, end: number): Relayed {
    const scanner = this.scanner;
    scanner.feed(buffer, start, end);
    this.chunk = buffer;
    this.run = start;
    let verdict: Relayed = RELAY.more;
    if (this.holding) verdict = this.resume();
    else if (scanner.remaining > 0) this.body();
    while (verdict === RELAY.more) {
      const found = scanner.next();
      if (found === FRAME.message) verdict = this.message();
      else if (found === FRAME.bad)
        verdict = this.fail(`bad packet header: '${scanner.headerHex}'`);
      else break;
    }
    this.finishChunk();
    this.consumed = scanner.position;
    return verdict === RELAY.more && this.server?.settles() ? RELAY.ready : verdict;
  }

  /** Forwards the rest of the chunk; where nothing was changed, all of it, and without a copy. */
  private finishChunk(): void {
    const to = this.scanner.whole;
    if (isGathering()) {
      this.flush(to);
      closeGather();
    } else if (this.run < to) this.server?.sink.write(this.chunk, this.run, to);
  }

  /** A header has been read. */
  private message(): Relayed {
    const scanner = this.scanner;
    this.view = this.chunk;
    this.viewStart = scanner.position;
    this.viewEnd = Math.min(scanner.end, scanner.position + scanner.remaining);
    this.viewWhole = this.viewEnd - this.viewStart === scanner.remaining;
    // The bytes of a cut header belong to no run: it is written anew when it is forwarded.
    if (scanner.split) this.run = scanner.position;
    return this.judge();
  }

  /** More of a message that is being held, or leave to forward it. */
  private resume(): Relayed {
    const scanner = this.scanner;
    const from = scanner.position;
    this.viewWhole = scanner.skip();
    this.stash.append(this.chunk, from, scanner.position);
    this.run = scanner.position;
    this.view = this.stash.bytes;
    this.viewStart = 0;
    this.viewEnd = this.stash.length;
    return this.judge();
  }

  /** Decides about the message in view by its type. */
  private judge(): Relayed {
    const type = this.scanner.type;
    switch (type) {
      case FRONTEND.query:
        if (!this.options.disablePqexec) return this.forward(type);
        return this.fail("PQexec disallowed", 'client used "Query" packet type');
      case FRONTEND.sync:
      case FRONTEND.execute:
      case FRONTEND.functionCall:
        return this.forward(type);
      case FRONTEND.flush:
        return this.forward(0);
      case FRONTEND.parse:
      case FRONTEND.bind:
      case FRONTEND.describe:
      case FRONTEND.close:
        if (!this.tracking || this.statements === undefined) return this.forward(type);
        return this.named(this.statements);
      case FRONTEND.copyData:
      case FRONTEND.copyDone:
      case FRONTEND.copyFail:
        return this.copy(type);
      case FRONTEND.terminate:
        this.step(true);
        return RELAY.terminate;
      default:
        return this.fail("unknown pkt", `unknown pkt from client: ${type}/0x${type.toString(16)}`);
    }
  }

  /** Forwards the message as it is; `tracked`: its type if it has an answer of its own, else 0. */
  private forward(tracked: number): Relayed {
    if (!this.busy) return this.request();
    const server = this.linked();
    server.status = STATUS.busy;
    if (tracked !== 0) server.outstanding.push(tracked, ANSWER.forward, 0);
    if (tracked === FRONTEND.sync) server.statements?.endBatch();
    this.pass();
    return RELAY.more;
  }

  /** COPY data. What comes late, when the server has long been released, is nobody's. */
  private copy(type: number): Relayed {
    const server = this.server;
    if (type !== FRONTEND.copyData) {
      this.copying = false;
      // An end that finds nothing outstanding ends a COPY that has failed: no answer will come.
      if (server !== undefined && server.outstanding.length > 0)
        server.outstanding.push(type, ANSWER.forward, 0);
    }
    if (server === undefined) this.step(true);
    else this.pass();
    return RELAY.more;
  }

  /** Parse, Bind, Describe or Close where statements are tracked. */
  private named(statements: ClientStatements): Relayed {
    const type = this.scanner.type;
    const { names, view } = this;
    switch (names.read(type, view, this.viewStart, this.viewEnd, this.viewWhole)) {
      case NAMED.no:
        return this.forward(type);
      case NAMED.unknown:
        this.hold();
        return RELAY.more;
      case NAMED.broken:
        return this.fail("failed to parse packet", unparsed(type));
    }
    const name = view.toString("latin1", names.from, names.to);
    if (type === FRONTEND.close) return this.closeStatement(statements, name);
    if (!this.busy) return this.request();
    const server = this.linked();
    server.status = STATUS.busy;
    if (type === FRONTEND.parse) return this.parse(statements, server, name);
    return this.use(statements, server, name);
  }

  /** A Close takes the name away and nothing else, so it needs no server. */
  private closeStatement(statements: ClientStatements, name: string): Relayed {
    statements.remove(name);
    this.step(true);
    this.fake(FRONTEND.close, CLOSE_COMPLETE, 0);
    return RELAY.more;
  }

  private parse(statements: ClientStatements, server: ServerRelay, name: string): Relayed {
    const end = this.names.parseEnd(this.view, this.viewEnd);
    if (end < 0) return this.fail("broken Parse packet");
    if (statements.isTaken(name)) {
      const detail = `prepared statement '${name}' was already prepared`;
      return this.fail("prepared statement name is already in use", detail);
    }
    statements.clientParses++;
    const statement = statements.table.take(this.view.subarray(this.names.to + 1, end));
    const named = statements.add(name, statement);
    this.step(true);
    if (server.statements?.touch(statement)) {
      if (this.fake(FRONTEND.parse, PARSE_COMPLETE, statement.id)) statements.asked(named);
    } else {
      statements.asked(named);
      this.prepare(statements, server, statement, ANSWER.forward);
    }
    return RELAY.more;
  }

  /** Bind or Describe: prepares the statement if the server lacks it, and puts its name in. */
  private use(statements: ClientStatements, server: ServerRelay, name: string): Relayed {
    const type = this.scanner.type;
    const bind = type === FRONTEND.bind;
    if (bind) statements.binds++;
    const statement = statements.find(name);
    if (statement === undefined) {
      const detail = `prepared statement '${name}' not found`;
      return this.fail("prepared statement did not exist", detail);
    }
    this.before();
    if (!server.statements?.touch(statement))
      this.prepare(statements, server, statement, ANSWER.swallow);
    server.outstanding.push(type, ANSWER.forward, 0);
    if (bind) return this.bind(statement);
    this.step(true);
    this.write(statementMessage(type, statement.name));
    return RELAY.more;
  }

  /** Writes the Bind anew up to the statement's name; the rest of it is forwarded as it is. */
  private bind(statement: Statement): Relayed {
    const { names, view } = this;
    writeHeader(header, FRONTEND.bind, this.scanner.size + statement.name.length - names.length);
    this.send(header, 0, HEADER);
    this.send(view, this.viewStart, names.from);
    this.write(statement.nameBytes);
    if (this.holding) this.send(view, names.to, this.viewEnd);
    else this.run = names.to;
    this.step(false);
    return RELAY.more;
  }

  /** Sends the Parse, and Close for those that there is no room for any more. */
  private prepare(
    statements: ClientStatements,
    server: ServerRelay,
    statement: Statement,
    answer: number,
  ): void {
    statements.serverParses++;
    if (server.statements?.doubts(statement)) this.closeOnServer(server, statement);
    this.write(statement.parse);
    server.outstanding.push(FRONTEND.parse, answer, statement.id);
    server.statements?.add(statement);
    for (let old = server.statements?.evict(); old !== undefined; old = server.statements?.evict())
      this.closeOnServer(server, old);
  }

  private closeOnServer(server: ServerRelay, statement: Statement): void {
    this.write(statementMessage(FRONTEND.close, statement.name));
    server.outstanding.push(FRONTEND.close, ANSWER.swallow, statement.id);
  }

  /** Answers in the server's stead: at once, or, which is told by true, when it is its turn. */
  private fake(type: number, answer: Buffer, statement: number): boolean {
    const server = this.server;
    if (server === undefined || (server.outstanding.length === 0 && server.atBoundary)) {
      this.sink.write(answer, 0, answer.length);
      return false;
    }
    server.outstanding.push(type, ANSWER.fake, statement);
    return true;
  }

  /** A query begins here: goes back to in front of the message until there is a server for it. */
  private request(): Relayed {
    this.busy = true;
    if (this.holding) return RELAY.request;
    if (this.scanner.split) this.hold();
    else this.scanner.unread();
    return RELAY.request;
  }

  /** Puts what is known of the message into the stash. */
  private hold(): void {
    if (this.holding) return;
    this.before();
    this.holding = true;
    this.stash.append(this.view, this.viewStart, this.viewEnd);
    this.scanner.skip();
    this.run = this.scanner.position;
  }

  /** Forwards the message in view, and what is to come of it. */
  private pass(): void {
    if (this.holding || this.scanner.split) {
      writeHeader(header, this.scanner.type, this.scanner.size);
      this.send(header, 0, HEADER);
      if (this.holding) this.send(this.view, this.viewStart, this.viewEnd);
    }
    this.step(false);
  }

  /** Leaves the message in view; `discard`: it has been dealt with and is not forwarded. */
  private step(discard: boolean): void {
    if (discard) this.before();
    if (this.holding) this.stash.clear();
    this.holding = false;
    this.discarding = discard;
    this.body();
  }

  /** Steps over what the chunk holds of the body of a message that has been judged. */
  private body(): void {
    const complete = this.scanner.skip();
    if (this.discarding) this.run = this.scanner.position;
    if (complete) this.discarding = false;
  }

  /** Forwards what stands in front of the message in view. */
  private before(): void {
    if (!this.holding && !this.scanner.split) this.flush(this.scanner.start);
  }

  private flush(to: number): void {
    if (this.run < to) this.send(this.chunk, this.run, to);
    this.run = Math.max(this.run, to);
  }

  private write(message: Buffer): void {
    this.send(message, 0, message.length);
  }

  private send(bytes: Buffer, from: number, to: number): void {
    if (this.server === undefined) return;
    openGather(this.server.sink);
    gather(bytes, from, to);
  }

  private linked(): ServerRelay {
    invariant(this.server !== undefined, "client relay: fed while it waits for a server");
    return this.server;
  }

  private fail(text: string, detail = ""): Relayed {
    this.run = this.scanner.position;
    this.error = text;
    this.detail = detail;
    return RELAY.error;
  }
}

const NOTHING: Buffer = Buffer.alloc(0);
const PARSE_COMPLETE = parseComplete();
const CLOSE_COMPLETE = closeComplete();
/** A header written anew; used up at once. */
const header = Buffer.alloc(HEADER);
