/**
 * A PostgreSQL that knows the protocol and nothing else: enough to tell whether a client sees the
 * same through the relay as without it. Queries are single words: begin, commit, fail, copy, ...
 */
import { Buffer } from "node:buffer";
import { FRAME, MessageReader } from "../../engine/wire/frames.ts";
import { BACKEND } from "../../engine/wire/messages.ts";
import * as writer from "../../engine/wire/writer.ts";
import { tell } from "./bytes.ts";

type Copy = "no" | "simple" | "extended";

export class FakePostgres {
  readonly statements = new Map<string, string>();
  /** How many Parse messages it has had. */
  parses = 0;
  private readonly reader = new MessageReader(1_000_000);
  private output: Buffer[] = [];
  private status: "I" | "T" | "E" = "I";
  private skipping = false;
  private copy: Copy = "no";
  private portal = "";

  /** In a transaction that has failed. */
  get failed(): boolean {
    return this.status === "E";
  }

  /** Takes bytes of the client. */
  write(buffer: Buffer, start: number, end: number): void {
    this.reader.feed(buffer, start, end);
    while (this.reader.next() === FRAME.message) {
      this.message(String.fromCharCode(this.reader.type), this.reader.body);
    }
  }

  /** What it has answered since the last call. */
  take(): Buffer {
    const bytes = Buffer.concat(this.output);
    this.output = [];
    return bytes;
  }

  private message(type: string, body: Buffer): void {
    if (this.copy !== "no") this.copied(type);
    else if (this.skipping && type !== "S") return;
    else if (type === "Q") this.query(body.toString("utf8", 0, body.length - 1));
    else if (type === "S") this.ready();
    else if (type === "F") {
      this.say(writer.message(BACKEND.functionCallResponse, Buffer.alloc(4)));
      this.ready();
    } else this.extended(type, body.toString("latin1").split("\0"));
  }

  private copied(type: string): void {
    if (type !== "c" && type !== "f") return;
    const simple = this.copy === "simple";
    this.copy = "no";
    if (type === "c") this.say(writer.commandComplete("COPY 1"));
    else this.fail(!simple);
    if (simple) this.ready();
  }

  private query(sql: string): void {
    this.run(sql, "simple");
    if (this.copy === "no") this.ready();
  }

  private extended(type: string, texts: string[]): void {
    const [first = "", second = "", ...rest] = texts;
    if (type === "P") this.parse(first, second);
    else if (type === "B") this.bind(second, rest.join("\0"));
    else if (type === "D") this.describe(first);
    else if (type === "E") this.run(this.portal, "extended");
    else if (type === "C") {
      this.statements.delete(first.slice(1));
      this.say(writer.closeComplete());
    }
  }

  private parse(name: string, sql: string): void {
    this.parses++;
    const known = name !== "" && this.statements.has(name);
    // PostgreSQL refuses to parse in a failed transaction; a pooler that answers itself cannot know.
    if (known || sql.startsWith("bad")) this.fail(true);
    else {
      this.statements.set(name, sql);
      this.say(writer.parseComplete());
    }
  }

  private bind(name: string, values: string): void {
    const sql = this.statements.get(name);
    if (sql === undefined || this.aborted(sql)) this.fail(true);
    else {
      this.portal = sql.includes(" ") ? `${sql} ${values}` : sql;
      this.say(tell.bindComplete());
    }
  }

  private describe(what: string): void {
    const statement = what[0] === "S";
    if (statement && !this.statements.has(what.slice(1))) this.fail(true);
    else {
      if (statement) this.say(tell.parameterDescription());
      this.say(writer.rowDescription([{ name: "c", type: "text" }]));
    }
  }

  private aborted(sql: string): boolean {
    return this.status === "E" && sql !== "commit";
  }

  private run(sql: string, how: "simple" | "extended"): void {
    const [verb = ""] = sql.split(" ");
    if (this.aborted(sql) || verb === "fail") this.fail(how === "extended");
    else if (verb === "copy") {
      this.copy = how;
      this.say(tell.copyIn());
    } else {
      this.effect(verb, sql);
      if (verb === "select" && how === "simple") this.say(writer.rowDescription([]));
      if (verb === "select") this.say(writer.dataRow([sql]));
      this.say(writer.commandComplete(verb === "set" ? "SET" : sql.toUpperCase()));
    }
  }

  private effect(verb: string, sql: string): void {
    if (verb === "begin") this.status = "T";
    else if (verb === "commit") this.status = "I";
    else if (verb === "deallocate" || verb === "discard") this.statements.clear();
    else if (verb === "set") this.say(writer.parameterStatus("TimeZone", sql.slice(4)));
  }

  private fail(extended: boolean): void {
    if (this.status === "T") this.status = "E";
    this.skipping = extended;
    this.say(writer.errorResponse("ERROR", "XX000", "failed"));
  }

  private ready(): void {
    this.skipping = false;
    this.say(writer.readyForQuery(this.status));
  }

  private say(message: Buffer): void {
    this.output.push(message);
  }
}
