/**
 * The `options` startup parameter: the part of a server's command line that PgBouncer understands.
 * Source: PgBouncer 1.25.2 src/client.c, set_startup_options(); PostgreSQL's pg_split_opts().
 */

const SPACE = /[\t\n\v\f\r ]/;

/**
 * Reads `-c a=b` and `--a=b`, in any number; a backslash takes the next character as it is.
 * Undefined when there is anything else.
 */
export function parseOptions(text: string): [name: string, value: string][] | undefined {
  const settings: [string, string][] = [];
  for (let at = 0; at < text.length; ) {
    at = skipSpace(text, at); // Behind space there must be a flag.
    const flag = text.slice(at, at + 2);
    if (flag !== "-c" && flag !== "--") return undefined;
    const from = flag === "-c" ? skipSpace(text, at + 2) : at + 2;
    const word = readWord(text, from);
    const equals = word.text.indexOf("=");
    if (equals < 0) return undefined;
    settings.push([word.text.slice(0, equals), word.text.slice(equals + 1)]);
    at = word.end;
  }
  return settings;
}

function readWord(text: string, from: number): { text: string; end: number } {
  let word = "";
  let at = from;
  while (at < text.length && !SPACE.test(text[at] as string)) {
    if (text[at] === "\\") at++;
    word += text[at] ?? "";
    at++;
  }
  return { text: word, end: Math.min(at, text.length) };
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && SPACE.test(text[at] as string)) at++;
  return at;
}
