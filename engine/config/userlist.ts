/**
 * PgBouncer's auth_file: pairs `"name" "secret"`, quotes inside doubled, the rest of a pair's last line
 * ignored, comments from `;` to the end of the line. A secret is a plain password, an md5 hash or a SCRAM
 * secret; it is kept as written, and empty when the user has none.
 * Source: PgBouncer 1.25.2 src/loader.c, load_auth_file().
 */
import { ConfigError } from "./errors.ts";

/** Longest name and secret in bytes, quotes doubled as written. Source: include/bouncer.h. */
const LONGEST_NAME = 127;
const LONGEST_SECRET = 65_530;

/** What an auth_file says. */
export interface Userlist {
  /** By user; of two pairs for one user the later holds. */
  readonly secrets: ReadonlyMap<string, string>;
  /** Why the rest of the file does not count; undefined: all of it does. */
  readonly broken: BrokenUserlist | undefined;
}

/** Where an auth_file breaks off. */
export interface BrokenUserlist {
  /** PgBouncer's words for the log. */
  readonly words: string;
  /** The place, and what is wrong there. */
  readonly error: ConfigError;
}

/** Reads the text of an auth_file up to the first thing that is not as it should be. Never throws. */
export function parseUserlist(text: string, file: string): Userlist {
  const secrets = new Map<string, string>();
  const reader = new Reader(text, file);
  for (let user = reader.next(); user !== undefined; user = reader.next()) secrets.set(...user);
  return { secrets, broken: reader.broken };
}

class Reader {
  broken: BrokenUserlist | undefined;
  private readonly text: string;
  private readonly file: string;
  private at: number;

  constructor(text: string, file: string) {
    this.text = text.split("\0", 1)[0] ?? ""; // To PgBouncer the text ends there.
    this.file = file;
    this.at = this.text.startsWith("\uFEFF") ? 1 : 0; // Other than in PgBouncer.
  }

  /** The next pair; undefined: there is none, or the file is broken. */
  next(): [name: string, secret: string] | undefined {
    const start = this.start();
    if (start === this.text.length) return undefined;
    const name = this.text[start] === '"' ? this.quoted(start) : undefined;
    const second = name === undefined ? -1 : this.text.indexOf('"', this.at);
    const secret = second < 0 ? undefined : this.quoted(second);
    const long =
      tooLong("user name", name, LONGEST_NAME) ??
      tooLong(`password of ${name}`, secret, LONGEST_SECRET);
    if (name !== undefined && secret !== undefined && long === undefined) {
      const end = this.text.indexOf("\n", this.at);
      this.at = end < 0 ? this.text.length : end;
      return [name.replaceAll('""', '"'), secret.replaceAll('""', '"')];
    }
    this.broken = long === undefined ? this.unreadable(start) : this.overlong(start, long);
    return undefined;
  }

  /** Where the next pair begins: behind white space and comments. */
  private start(): number {
    const blank = /\s*(?:;[^\n]*)?/y;
    for (let before = -1; before !== this.at; ) {
      before = this.at;
      blank.lastIndex = this.at;
      this.at += blank.exec(this.text)?.[0].length ?? 0;
    }
    return this.at;
  }

  /** The text between the quote at `start` and the next one that is not doubled; moves behind that. */
  private quoted(start: number): string | undefined {
    let end = this.text.indexOf('"', start + 1);
    while (end >= 0 && this.text[end + 1] === '"') end = this.text.indexOf('"', end + 2);
    if (end < 0) return undefined;
    this.at = end + 1;
    return this.text.slice(start + 1, end);
  }

  private unreadable(start: number): BrokenUserlist {
    // The line itself is not shown: it may hold a password.
    const error = new ConfigError({
      at: this.place(start),
      name: "user",
      problem: "is unreadable",
      expected: '"name" "password" with the quotes, or a comment behind ";"',
      fix: "double the quotes inside a name or password",
    });
    return { words: "broken auth file", error };
  }

  private overlong(start: number, { name, bytes, most }: Overlong): BrokenUserlist {
    const problem = `has ${bytes} bytes`;
    const expected = `at most ${most} bytes`;
    const error = new ConfigError({ at: this.place(start), name, problem, expected });
    const what = most === LONGEST_NAME ? "username" : "password";
    return { words: `${what} too long in auth file`, error };
  }

  private place(start: number): string {
    return `${this.file}:${this.text.slice(0, start).split("\n").length}`;
  }
}

interface Overlong {
  name: string;
  bytes: number;
  most: number;
}

function tooLong(name: string, text: string | undefined, most: number): Overlong | undefined {
  const bytes = Buffer.byteLength(text ?? "");
  return bytes > most ? { name, bytes, most } : undefined;
}
