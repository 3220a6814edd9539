/**
 * The lines of an ini file as PgBouncer reads them: sections, `key = value`, comments on lines of
 * their own and `%include`. What keys and values mean is not known here.
 * Source: PgBouncer 1.25.2 lib/usual/cfparser.c, parse_ini_file().
 */
import { readFileSync } from "node:fs";
import { ConfigError } from "./errors.ts";

/** One heading (no key) or one setting. */
export interface IniLine {
  /** `file:line` */
  readonly at: string;
  readonly section: string;
  readonly key: string | undefined;
  readonly value: string;
}

/** Gives the text of a file or throws. */
export type ReadFile = (path: string) => string;

/** Reads a file of the disk as UTF-8. */
export const readFromDisk: ReadFile = (path) => readFileSync(path, "utf8");

/**
 * The headings and settings of `file` in order, included files in their place. Relative names are
 * relative to the working directory, as in PgBouncer. Throws ConfigError for what is neither
 * setting, heading nor comment, for a setting before any section, and for an unreadable file.
 */
export function iniLines(file: string, readFile: ReadFile): IniLine[] {
  const lines: IniLine[] = [];
  readInto(lines, { file, at: file, depth: 0 }, readFile);
  return lines;
}

/** The text of `path`, or a ConfigError which says that it was named `at`. */
export function readOrRefuse(path: string, at: string, readFile: ReadFile): string {
  try {
    return readFile(path);
  } catch (error) {
    const expected = "the name of a readable file";
    const problem = `cannot be read (${whyUnreadable(error)})`;
    throw new ConfigError({ at, name: at === path ? "the file" : path, problem, expected });
  }
}

/** What the error says with which the reading of a file ended: `no such file`. */
export function whyUnreadable(error: unknown): string {
  const { code = "", message = String(error) } = error as NodeJS.ErrnoException;
  return WHY[code] ?? (message.split("\n")[0] as string);
}

/** Node.js repeats the name of the file, which is said already. */
const WHY: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  ENOTDIR: "no such file",
  EISDIR: "it is a directory",
  EACCES: "permission denied",
  EPERM: "permission denied",
  ELOOP: "its links lead in a circle",
  ENAMETOOLONG: "the name is too long",
};

/**
 * The lines of a file with their places, white space around them removed (a byte order mark too,
 * other than in PgBouncer). Throws ConfigError for a line too long to be matched by a pattern.
 */
export function* linesOf(text: string, file: string): Generator<[at: string, content: string]> {
  for (const [index, line] of text.split("\n").entries()) {
    const at = `${file}:${index + 1}`;
    if (line.length > LONGEST_LINE) {
      const problem = `has ${line.length} characters`;
      throw new ConfigError({ at, name: "line", problem, expected: `at most ${LONGEST_LINE}` });
    }
    yield [at, line.trim()];
  }
}

/** Characters of a line; the longest password that PgBouncer takes fits with all quotes doubled. */
const LONGEST_LINE = 200_000;

interface Source {
  file: string;
  /** Where the file was named. */
  at: string;
  depth: number;
}

/** Files included by files, at most. Source: lib/usual/cfparser.c, MAX_INCLUDE. */
const DEEPEST = 10;

function readInto(lines: IniLine[], source: Source, readFile: ReadFile): void {
  const text = readOrRefuse(source.file, source.at, readFile);
  for (const [at, content] of linesOf(text, source.file)) {
    const included = /^%include[ \t]+(.*)$/.exec(content)?.[1];
    if (included === undefined) readLine(lines, at, content);
    else include(lines, { file: included, at, depth: source.depth + 1 }, readFile);
  }
}

function include(lines: IniLine[], source: Source, readFile: ReadFile): void {
  if (source.depth > DEEPEST) {
    throw new ConfigError({
      at: source.at,
      name: "%include",
      got: source.file,
      expected: `files included no deeper than ${DEEPEST} levels`,
      fix: "does the file include itself?",
    });
  }
  readInto(lines, source, readFile);
}

function readLine(lines: IniLine[], at: string, content: string): void {
  let rest = content;
  let heading = HEADING.exec(rest);
  while (heading !== null) {
    const [whole, section = ""] = heading;
    lines.push({ at, section, key: undefined, value: "" });
    rest = rest.slice(whole.length); // PgBouncer reads on behind the bracket.
    heading = HEADING.exec(rest);
  }
  if (rest === "" || rest.startsWith("#") || rest.startsWith(";")) return;
  lines.push(readSetting(at, rest, lines.at(-1)?.section));
}

const HEADING = /^\[([^\]]*)\]\s*/;

function readSetting(at: string, content: string, section: string | undefined): IniLine {
  const match = /^(?:'([^']+)'|([\w.*-]*))[ \t]*=[ \t]*(.*)$/.exec(content);
  if (match === null) {
    const expected = '"key = value", "[section]", a comment or "%include file"';
    throw new ConfigError({ at, name: "line", got: content, expected });
  }
  const [, quoted, plain = "", value = ""] = match;
  const key = quoted ?? plain;
  if (section === undefined) {
    const expected = "a section such as [pgbouncer] above it";
    throw new ConfigError({ at, name: key, problem: "is in no section", expected });
  }
  return { at, section, key, value };
}
