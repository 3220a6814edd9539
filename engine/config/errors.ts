/**
 * What goes wrong because of what a person wrote: a setting, a file, an option. Such an error names
 * the place, the name, what was found, what is allowed and, where it can, the fix. A program that
 * meets one prints its message and ends with exit status 2.
 */
import { closest, distance } from "fastest-levenshtein";

/** The parts of a ConfigError. Texts are without a full stop. */
export interface ConfigErrorParts {
  /** Where it was written: `file:line`, `SET` or `--set KEY=VALUE`. */
  at: string;
  /** The setting, key, section or file at fault. */
  name: string;
  /** What was found; left out when nothing was, or when the name itself is the trouble. */
  got?: string | undefined;
  /** What is wrong, in place of `is "got"` (or of `is missing`): `is unknown`, `cannot be read`. */
  problem?: string | undefined;
  /** What is allowed there. */
  expected: string;
  /** What to do about it, such as `did you mean "session"?`. */
  fix?: string | undefined;
}

/** The user's error; `message` is one line: `a.ini:3: pool_mode is "x"; expected a | b; fix`. */
export class ConfigError extends Error {
  readonly at: string;
  /** The setting at fault, not the class: a ConfigError is known by `instanceof`. */
  override readonly name: string;
  readonly got: string | undefined;
  readonly expected: string;
  readonly fix: string | undefined;

  constructor(parts: ConfigErrorParts) {
    const got = parts.got?.replace(/(password['"\s]*[=:]\s*).*/is, "$1***");
    super(sentence({ ...parts, got })); // Messages end up in logs; passwords must not.
    this.at = parts.at;
    this.name = parts.name;
    this.got = got;
    this.expected = parts.expected;
    this.fix = parts.fix;
  }
}

/**
 * The error for a name that is not among `names`; `what` says of what kind they are, and `fix` is
 * for when more is known than the nearest of them.
 */
export function unknownName(
  at: string,
  name: string,
  what: string,
  names: readonly string[],
  fix = didYouMean(name, names),
): ConfigError {
  return new ConfigError({ at, name, problem: "is unknown", expected: what, fix });
}

/** The choice most like `text`; undefined when none is near enough to be a slip of the pen. */
export function nearest(text: string, choices: readonly string[]): string | undefined {
  if (choices.length === 0 || text.length > LONGEST_SHOWN) return undefined;
  const wanted = text.toLowerCase();
  const beginning = choices.filter((choice) => wanted.length >= 3 && choice.startsWith(wanted));
  if (beginning.length === 1) return beginning[0];
  const best = closest(wanted, choices);
  const slips = Math.max(2, Math.floor(Math.max(wanted.length, best.length) / 3));
  return distance(wanted, best) <= slips ? best : undefined;
}

/** `did you mean "x"?` for the nearest choice, undefined when nothing is near: ready for `fix`. */
export function didYouMean(text: string, choices: readonly string[]): string | undefined {
  const near = nearest(text, choices);
  return near === undefined ? undefined : `did you mean "${near}"?`;
}

function sentence({ at, name, got, problem, expected, fix }: ConfigErrorParts): string {
  const found = got === undefined ? "is missing" : `is ${JSON.stringify(short(got))}`;
  const parts = [`${short(oneLine(name))} ${problem ?? found}`, `expected ${expected}`];
  if (fix !== undefined) parts.push(fix);
  return `${oneLine(at)}: ${parts.join("; ")}`;
}

/** What a terminal would obey, such as an escape sequence in the name of a file, is shown as a question mark. */
function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").replaceAll(/\p{Cc}/gu, "?");
}

/** Longest name or value that a message shows whole. */
const LONGEST_SHOWN = 200;

function short(text: string): string {
  return text.length <= LONGEST_SHOWN ? text : `${text.slice(0, LONGEST_SHOWN)}...`;
}
