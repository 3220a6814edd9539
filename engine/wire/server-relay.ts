/**
 * The server's half of the relay: forwards chunks whole to the linked client, pops the outstanding
 * requests that they answer, and tells when the server is free. Bodies are not looked into, but for
 * the byte of ReadyForQuery, ParameterStatus and two command tags.
 * Source: PgBouncer 1.25.2 src/server.c, handle_server_work().
 */
import { Buffer } from "node:buffer";
import * as states from "../core/states.ts";
import { complaintOf } from "./complaint.ts";
import * as frames from "./frames.ts";
import type { Sink } from "./gather.ts";
import * as gathering from "./gather.ts";
import * as messages from "./messages.ts";
import * as requests from "./outstanding.ts";
import type { ServerStatements } from "./prepared.ts";
import { textOf } from "./text.ts";
import type { Variables } from "./variables.ts";
import type { ClientHalf, Relayed, RelayOptions } from "./verdicts.ts";
import * as verdicts from "./verdicts.ts";
import { closeComplete, parseComplete, query, readyForQuery } from "./writer.ts";

// V8 folds the constants of a module into its code, but loads imported ones at every use.
const { STATUS } = states;
const { FRAME, FrameScanner, Stash, writeHeader } = frames;
const { closeGather, gather, isGathering, openGather } = gathering;
const { BACKEND, FRONTEND, HEADER, isClearing, isSpoken, statusOf } = messages;
const { ANSWER, Outstanding } = requests;
const { RELAY } = verdicts;

export class ServerRelay {
  /** The linked client's half; `link` and `unlink` set it. */
  client: ClientHalf | undefined;
  /** Why, after `error`. */
  error = "";
  /** Types of the messages that came from it while it was not linked, for the log. Empty it after reading. */
  unasked = "";
  /** STATUS of the core: that of the last ReadyForQuery, or busy since something came after it. */
  status: number = STATUS.idle;
  /** True: in statement mode `ready` is told at every T or E, whatever is outstanding. */
  statementMode = false;
  /** The error that the query of the last `ask` was answered with; "": none. */
  askError = "";
  /** True from CopyInResponse to the end of that COPY. */
  copying = false;
  /** What the server has still to answer; the client's half appends. */
  readonly outstanding = new Outstanding();
  readonly sink: Sink;
  readonly variables: Variables;
  readonly statements: ServerStatements | undefined;
  readonly scanner: frames.FrameScanner;
  private readonly stash = new Stash();
  private chunk: Buffer = NOTHING;
  /** Offset in the chunk of the first byte that is to be forwarded and has not been. */
  private run = 0;
  private verdict: Relayed = RELAY.more;
  private asking = false;
  /** An error has been answered, and the ReadyForQuery after it has not come yet. */
  failed = false;
  /** Parse messages of the client among the requests being dropped. */
  private refusals = 0;
  /** The message that the scanner is in is kept from the client. */
  private discarding = false;
  /** Its body is being put together in the stash. */
  private collecting = false;

  /** `sink` leads to the server. Without `statements` prepared statements are not tracked. */
  constructor(
    sink: Sink,
    options: RelayOptions,
    variables: Variables,
    statements?: ServerStatements,
  ) {
    this.sink = sink;
    this.variables = variables;
    this.statements = statements;
    this.scanner = new FrameScanner(options.maxPacketSize);
  }

  /**
   * Sends a query of the pooler's own (SET, reset, check). Its answer is kept from the client; the
   * feed that brings the end of it comes to `answered`.
   */
  ask(sql: string): void {
    this.asking = true;
    this.askError = "";
    this.status = STATUS.busy;
    const message = query(sql);
    this.sink.write(message, 0, message.length);
  }

  /** Takes what the server sent and forwards it to the linked client. */
  feed(buffer: Buffer, start: number, end: number): Relayed {
    const scanner = this.scanner;
    scanner.feed(buffer, start, end);
    this.chunk = buffer;
    this.run = start;
    this.verdict = RELAY.more;
    if (scanner.remaining > 0) this.body();
    while (!this.isOver) {
      const found = scanner.next();
      if (found === FRAME.message && this.passesRow()) continue;
      if (found === FRAME.message) this.message();
      else if (found === FRAME.bad) this.fail("bad pkt header");
      else break;
    }
    this.finishChunk();
    if (this.verdict === RELAY.more && this.settles()) return RELAY.ready;
    return this.verdict;
  }

  /** True when no message of the server has been forwarded in part only. */
  get atBoundary(): boolean {
    return this.scanner.remaining === 0;
  }

  /** True, once, when the query of the linked client is over and the server has nothing to do. */
  settles(): boolean {
    const client = this.client;
    if (client === undefined || this.status === STATUS.busy || !client.busy) return false;
    if (this.outstanding.length > 0 || client.copying || !client.atBoundary) return false;
    client.busy = false;
    return true;
  }

  /** Nothing that follows is relayed. A ready that is told so early is a block in statement mode. */
  private get isOver(): boolean {
    return this.verdict !== RELAY.more && this.verdict !== RELAY.answered;
  }

  /** Rows are most of what a server sends, and mean nothing to the relay: steps over one. */
  private passesRow(): boolean {
    const { scanner } = this;
    if (scanner.type !== BACKEND.dataRow || scanner.split) return false;
    if (this.client === undefined || this.asking) return false;
    this.status = STATUS.busy;
    scanner.skip();
    return true;
  }

  private message(): void {
    const scanner = this.scanner;
    if (this.discards(scanner.type)) {
      this.flush(scanner.split || this.opensBlock() ? this.run : scanner.start);
      this.discarding = true;
    } else if (scanner.split) {
      // The part of the header that came with the last chunk has been held back until now.
      this.run = scanner.position;
      writeHeader(header, scanner.type, scanner.size);
      this.send(header, 0, HEADER);
    }
    this.body();
  }

  /** In statement mode a block is refused in place of what came with its beginning, as in PgBouncer. */
  private opensBlock(): boolean {
    const { type, split, position, end } = this.scanner;
    if (!this.statementMode || type !== BACKEND.readyForQuery) return false;
    return !split && position < end && statusOf(this.chunk[position] as number) !== STATUS.idle;
  }

  /** Steps over what the chunk holds of the body, and finishes the message if that is all. */
  private body(): void {
    const scanner = this.scanner;
    const from = scanner.position;
    const complete = scanner.skip();
    const to = scanner.position;
    if (this.discarding) this.run = to;
    if (!complete) {
      this.collecting ||= this.isRead();
      if (this.collecting) this.stash.append(this.chunk, from, to);
    } else if (this.collecting) {
      this.stash.append(this.chunk, from, to);
      this.finish(this.stash.bytes, 0, this.stash.length);
      this.stash.clear();
    } else {
      this.finish(this.chunk, from, to);
    }
  }

  /** True for messages whose bodies are looked into. */
  private isRead(): boolean {
    const { type, size } = this.scanner;
    if (type === BACKEND.readyForQuery || type === BACKEND.parameterStatus) return true;
    if (type === BACKEND.errorResponse) return this.asking;
    return type === BACKEND.commandComplete && this.statements !== undefined && isClearing(size);
  }

  /** Notes what a message means by its type; true when the client is not to see it. */
  private discards(type: number): boolean {
    if (this.asking) return true;
    if (this.client === undefined) return this.unsolicited(type);
    switch (type) {
      case BACKEND.dataRow:
      case BACKEND.copyData:
      case BACKEND.copyDone:
      case BACKEND.copyFail:
      case BACKEND.copyOutResponse:
      case BACKEND.functionCallResponse:
      case BACKEND.parameterDescription:
        this.status = STATUS.busy;
        return false;
      case BACKEND.readyForQuery:
        return this.statementMode; // Passed on once it is known that it ends no more than a statement.
      case BACKEND.noticeResponse:
      case BACKEND.notificationResponse:
      case BACKEND.parameterStatus:
        return false;
      default:
        this.status = STATUS.busy;
        return this.answers(type, this.client);
    }
  }

  /** The messages that answer a request; true when the client did not ask for this one. */
  private answers(type: number, client: ClientHalf): boolean {
    const { outstanding } = this;
    if (!this.copying) outstanding.dropStrayCopyEnds();
    switch (type) {
      case BACKEND.parseComplete:
        if (!outstanding.pop(FRONTEND.parse)) return false;
        if (outstanding.statement > 0) this.statements?.answered(outstanding.statement);
        if (outstanding.answer === ANSWER.swallow) return true;
        if (outstanding.statement > 0) client.statements?.answered();
        return false;
      case BACKEND.bindComplete:
        outstanding.pop(FRONTEND.bind);
        return false;
      case BACKEND.closeComplete:
        if (!outstanding.pop(FRONTEND.close)) return false;
        if (outstanding.statement > 0) this.statements?.answered(outstanding.statement);
        return outstanding.answer === ANSWER.swallow;
      case BACKEND.noData:
      case BACKEND.rowDescription:
        outstanding.pop(FRONTEND.describe);
        return false;
      case BACKEND.commandComplete:
        this.endCopy();
        outstanding.pop(FRONTEND.execute);
        return false;
      case BACKEND.emptyQueryResponse:
      case BACKEND.portalSuspended:
        outstanding.pop(FRONTEND.execute);
        return false;
      case BACKEND.errorResponse:
        this.endCopy();
        this.failed = true;
        return false;
      case BACKEND.copyInResponse:
      case BACKEND.copyBothResponse:
        this.copying = true;
        // A client that pipelines has perhaps sent all its data already.
        client.copying = !outstanding.hasCopyEnd();
        return false;
      default:
        this.fail("unknown pkt");
        return true;
    }
  }

  /** Not linked and nothing asked. But for notifications and ReadyForQuery: it is probably dying. */
  private unsolicited(type: number): boolean {
    if (!isSpoken(type)) this.fail("unknown pkt");
    else this.unasked += String.fromCharCode(type);
    if (type !== BACKEND.notificationResponse) this.status = STATUS.busy;
    return true;
  }

  /** The whole message has passed; `bytes` holds its body if it is one that is looked into. */
  private finish(bytes: Buffer, from: number, to: number): void {
    this.discarding = false;
    this.collecting = false;
    const type = this.scanner.type;
    if (type === BACKEND.readyForQuery) this.readyForQuery(bytes[from]);
    else if (type === BACKEND.parameterStatus) this.parameterStatus(bytes, from, to);
    else if (type === BACKEND.errorResponse) {
      if (this.asking) this.askError = complaintOf(bytes.subarray(from, to));
    } else if (type === BACKEND.commandComplete && this.statements !== undefined) {
      if (isClearing(this.scanner.size)) this.commandComplete(bytes, from, to);
    }
    if (this.outstanding.length > 0) this.answerFakes();
  }

  private readyForQuery(letter: number | undefined): void {
    const status = letter === undefined ? -1 : statusOf(letter);
    if (status < 0) {
      this.fail("unknown transaction status");
      return;
    }
    this.status = status;
    if (this.asking) {
      this.asking = false;
      this.verdict = RELAY.answered;
      return;
    }
    const { outstanding } = this;
    outstanding.dropStrayCopyEnds();
    if (!outstanding.popReady() && this.failed) {
      outstanding.dropUntilSync(this.dropped);
      this.refuseNames();
    }
    outstanding.dropStrayCopyEnds();
    this.failed = false;
    if (!this.statementMode || this.client === undefined) return;
    if (this.status === STATUS.idle) this.send(READY, 0, READY.length);
    else this.verdict = RELAY.ready;
  }

  private parameterStatus(bytes: Buffer, from: number, to: number): void {
    const middle = bytes.indexOf(0, from);
    const last = middle < 0 ? -1 : bytes.indexOf(0, middle + 1);
    if (last < 0 || last >= to) {
      this.fail("broken ParameterStatus packet");
      return;
    }
    const name = textOf(bytes, from, middle);
    const value = textOf(bytes, middle + 1, last);
    this.variables.set(name, value);
    this.client?.variables.set(name, value);
  }

  /** DEALLOCATE ALL and DISCARD ALL: what client and server knew is gone. */
  private commandComplete(bytes: Buffer, from: number, to: number): void {
    const tag = bytes.toString("latin1", from, to - 1);
    if (tag !== "DEALLOCATE ALL" && tag !== "DISCARD ALL") return;
    this.statements?.deallocated();
    this.client?.statements?.deallocated();
  }

  private endCopy(): void {
    if (!this.copying) return;
    this.copying = false;
    this.outstanding.dropCopy(this.dropped);
    this.refuseNames();
  }

  /** Undoes what was noted in advance about a request that the server has skipped. */
  private readonly dropped = (type: number, answer: number, statement: number): void => {
    if (statement === 0) return;
    if (type === FRONTEND.parse) {
      if (answer !== ANSWER.fake) this.statements?.skipped(statement);
      if (answer !== ANSWER.swallow) this.refusals++;
    } else if (answer === ANSWER.swallow) {
      this.statements?.skipped(statement);
    }
  };

  /** The names in the client's dropped Parse messages mean nothing. */
  private refuseNames(): void {
    if (this.refusals > 0) this.client?.statements?.refused(this.refusals);
    this.refusals = 0;
  }

  /** Gives the answers that the server will not, at their place among those that it did. */
  private answerFakes(): void {
    let type = this.outstanding.popFake();
    while (type !== 0) {
      this.flush(this.scanner.position);
      const answer = type === FRONTEND.parse ? PARSE_COMPLETE : CLOSE_COMPLETE;
      this.send(answer, 0, answer.length);
      if (type === FRONTEND.parse) this.client?.statements?.answered();
      type = this.outstanding.popFake();
    }
  }

  /** Forwards the rest of the chunk; where nothing was changed, all of it, and without a copy. */
  private finishChunk(): void {
    const to = this.scanner.whole;
    if (isGathering()) {
      this.flush(to);
      closeGather();
    } else if (this.run < to) {
      this.client?.sink.write(this.chunk, this.run, to);
    }
  }

  /** Forwards the chunk up to `to`, with more pieces to come. */
  private flush(to: number): void {
    if (this.run < to) this.send(this.chunk, this.run, to);
    this.run = to;
  }

  private send(bytes: Buffer, from: number, to: number): void {
    if (this.client === undefined) return;
    openGather(this.client.sink);
    gather(bytes, from, to);
  }

  private fail(text: string): void {
    this.error = text;
    this.verdict = RELAY.error;
  }
}

const NOTHING: Buffer = Buffer.alloc(0);
const PARSE_COMPLETE = parseComplete();
const READY = readyForQuery("I");
const CLOSE_COMPLETE = closeComplete();
/** A header that was cut by the end of a chunk, put together again; used up at once. */
const header = Buffer.alloc(HEADER);
