/**
 * PgBouncer's auth_file: a line for each user, `"name" "secret"`, quotes inside doubled, anything
 * behind the second text ignored, comment lines with `;`. A secret is a plain password, an md5 hash
 * or a SCRAM secret; it is kept as written, and empty when the user has none.
 * Source: PgBouncer 1.25.2 src/loader.c, load_auth_file().
 */
import { ConfigError } from "./errors.ts";
import { linesOf, type ReadFile, readFromDisk, readOrRefuse } from "./ini-lines.ts";

/** Longest name and secret in bytes. Source: PgBouncer 1.25.2 include/bouncer.h. */
const LONGEST_NAME = 127;
const LONGEST_SECRET = 65_530;

/** The secrets of `file` by user. Throws ConfigError when it cannot be read or is broken. */
export function loadUserlist(
  file: string,
  readFile: ReadFile = readFromDisk,
): ReadonlyMap<string, string> {
  return parseUserlist(readOrRefuse(file, file, readFile), file);
}

/**
 * The secrets in `text` by user; of two lines for one user the later holds. Throws ConfigError at a
 * line that is not as it should be: PgBouncer logs that and does without the rest of the file.
 */
export function parseUserlist(text: string, file: string): ReadonlyMap<string, string> {
  const secrets = new Map<string, string>();
  for (const [at, content] of linesOf(text, file)) {
    if (content === "" || content.startsWith(";")) continue;
    const [name, secret] = readUser(content, at);
    secrets.set(name, secret);
  }
  return secrets;
}

function readUser(content: string, at: string): [string, string] {
  const match = /^"((?:[^"]|"")*)"(?!")[^"]*"((?:[^"]|"")*)"(?!")/.exec(content);
  if (match === null) {
    // The line itself is not shown: it may hold a password.
    throw new ConfigError({
      at,
      name: "user",
      problem: "is unreadable",
      expected: '"name" "password" with the quotes, or a comment behind ";"',
      fix: "double the quotes inside a name or password",
    });
  }
  const [name = "", secret = ""] = match.slice(1).map((part) => part.replaceAll('""', '"'));
  checkLength(at, "user name", name, LONGEST_NAME);
  checkLength(at, `password of ${name}`, secret, LONGEST_SECRET);
  return [name, secret];
}

function checkLength(at: string, name: string, text: string, longest: number): void {
  const length = Buffer.byteLength(text);
  if (length <= longest) return;
  const problem = `has ${length} bytes`;
  throw new ConfigError({ at, name, problem, expected: `at most ${longest} bytes` });
}
