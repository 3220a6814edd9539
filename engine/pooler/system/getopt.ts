/**
 * Arguments as getopt_long of the GNU C library reads them: long options may be cut short while they are
 * unambiguous, short ones stand in one word, options may follow the file. Source: getopt_long(3).
 */

/** A long option: its name, its letter, and whether a value follows. */
export interface LongOption {
  readonly name: string;
  readonly letter: string;
  readonly valued: boolean;
}

/** One thing found: an option's letter, a word that is none, or what is wrong, in getopt's words. */
export type Found =
  | { kind: "option"; letter: string; value: string | undefined }
  | { kind: "word"; text: string }
  | { kind: "error"; text: string };

/** What the arguments say, one after the other, up to the first error. */
export function* readOptions(
  args: readonly string[],
  options: readonly LongOption[],
): Generator<Found, undefined> {
  const left = [...args];
  for (let arg = left.shift(); arg !== undefined; arg = left.shift()) {
    if (arg === "--") {
      for (const text of left) yield { kind: "word", text };
      return;
    }
    if (arg.startsWith("--")) yield readLong(arg.slice(2), left, options);
    else if (arg.startsWith("-") && arg !== "-") yield* readShort(arg.slice(1), left, options);
    else yield { kind: "word", text: arg };
  }
}

/** `left`: the arguments behind it, of which a value is taken. */
function readLong(text: string, left: string[], options: readonly LongOption[]): Found {
  const [name = ""] = text.split("=", 1);
  const given = name === text ? undefined : text.slice(name.length + 1);
  const exact = options.filter((option) => option.name === name);
  const meant = exact.length > 0 ? exact : options.filter((one) => one.name.startsWith(name));
  const [option, another] = meant;
  if (option === undefined) return { kind: "error", text: `unrecognized option '--${text}'` };
  if (another !== undefined) {
    const choices = meant.map((one) => `'--${one.name}'`).join(" ");
    return { kind: "error", text: `option '--${text}' is ambiguous; possibilities: ${choices}` };
  }
  const { letter, valued } = option;
  if (given !== undefined && !valued)
    return { kind: "error", text: `option '--${option.name}' doesn't allow an argument` };
  const value = valued ? (given ?? left.shift()) : undefined;
  if (valued && value === undefined)
    return { kind: "error", text: `option '--${option.name}' requires an argument` };
  return { kind: "option", letter, value };
}

function* readShort(
  letters: string,
  left: string[],
  options: readonly LongOption[],
): Generator<Found> {
  for (const [at, letter] of [...letters].entries()) {
    const option = options.find((one) => one.letter === letter);
    if (option === undefined) {
      yield { kind: "error", text: `invalid option -- '${letter}'` };
    } else if (option.valued) {
      const value = [...letters].slice(at + 1).join("") || left.shift();
      if (value === undefined)
        yield { kind: "error", text: `option requires an argument -- '${letter}'` };
      else yield { kind: "option", letter, value };
      return;
    } else {
      yield { kind: "option", letter, value: undefined };
    }
  }
}
