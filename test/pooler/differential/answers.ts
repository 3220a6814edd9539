/**
 * What a client still has to wait for, by the rules of the protocol: which of its messages PostgreSQL
 * has answered, skips, or will not answer before more comes.
 * Source: https://www.postgresql.org/docs/current/protocol-flow.html
 */
import type { Piece } from "./script.ts";

type Kind = Piece[0] | "login";

/** Which messages of a server answer which of a client. */
const ANSWERS: Readonly<Record<string, readonly Kind[]>> = {
  1: ["parse"],
  2: ["bind"],
  3: ["close"],
  T: ["describe"],
  n: ["describe"],
  C: ["execute"],
  I: ["execute"],
  s: ["execute"],
  Z: ["query", "call", "sync", "login"],
};
/** After these the server tells all that it has to tell. */
const TELLING: readonly Kind[] = ["query", "call", "sync", "flush", "login"];
const EXTENDED: readonly Kind[] = ["parse", "bind", "describe", "execute", "close", "flush"];

/** What PostgreSQL takes a message for; the body of an odd one is an error, but its type counts. */
export function kindOf(piece: Piece): Kind {
  return piece[0] === "odd" ? (LETTERS[piece[1]] ?? "odd") : piece[0];
}

const LETTERS: Readonly<Record<string, Kind>> = {
  ...{ Q: "query", P: "parse", B: "bind", D: "describe", E: "execute" },
  ...{ C: "close", S: "sync", H: "flush" },
};

/** Does the server tell all that it has to tell about these? */
export function isTold(pieces: readonly Piece[]): boolean {
  const last = pieces.at(-1);
  return last === undefined || last[0] === "flush" || !EXTENDED.includes(kindOf(last));
}

export class Answers {
  /** Messages of the client that the server has not dealt with, oldest first. */
  private readonly open: Kind[] = [];
  private copying = false;
  /** After an error in a batch, up to its Sync. */
  private skipping = false;

  /** The client sends a message. */
  sent(kind: Kind): void {
    this.open.push(kind);
    this.skip();
  }

  /** The server has sent a message of this type. */
  heard(type: string): void {
    const [head] = this.open;
    if (type === "G") this.copying = true;
    else if (type === "E") this.failed(head);
    else {
      if (type === "C") this.copying = false;
      if (head !== undefined && ANSWERS[type]?.includes(head)) this.open.shift();
    }
    this.skip();
  }

  /** Nothing more will come unless the client sends something. */
  get settled(): boolean {
    return !this.open.some((kind) => TELLING.includes(kind)) || (this.copying && !this.ended);
  }

  /** Nothing is left that might be answered, not even what the server keeps back. */
  get done(): boolean {
    return this.open.length === 0 && !this.copying;
  }

  private get ended(): boolean {
    return this.open.some((kind) => kind === "copyDone" || kind === "copyFail");
  }

  private failed(head: Kind | undefined): void {
    this.copying = false;
    if (head !== undefined && (EXTENDED.includes(head) || head === "odd")) this.skipping = true;
  }

  /** Takes away what will have no answer. */
  private skip(): void {
    const { open } = this;
    if (this.skipping) {
      while (open.length > 0 && open[0] !== "sync") open.shift();
      if (open.length > 0) this.skipping = false;
      return;
    }
    if (this.copying) {
      // What the server reads and ignores while it copies.
      const end = open.findIndex((kind) => kind === "copyDone" || kind === "copyFail");
      for (let at = end - 1; at > 0; at--) open.splice(at, 1);
      return;
    }
    while (open[0] === "flush" || open[0]?.startsWith("copy")) open.shift();
  }
}
