/** Where things stand in a YAML file, and what is wrong with it as one ConfigError. */
import {
  type Document,
  isMap,
  isPair,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
} from "yaml";
import type { z } from "zod";
import { ConfigError, didYouMean, unknownName } from "../../engine/config/index.ts";
import { DISTRIBUTIONS } from "./file.ts";

type Path = readonly PropertyKey[];
type Issue = z.core.$ZodIssue;

/** A parsed YAML text that knows the line of everything in it. */
export class Source {
  readonly file: string;
  private readonly document: Document;
  private readonly lines = new LineCounter();

  /** Errors: ConfigError for what is no YAML, or empty. */
  constructor(text: string, file: string) {
    this.file = file;
    this.document = parseDocument(text, { lineCounter: this.lines });
    const [error] = this.document.errors;
    if (error !== undefined) {
      const { line } = this.lines.linePos(error.pos[0]);
      const said = (error.message.split("\n")[0] ?? "").replace(/ at line .*|; please use .*/, "");
      const problem = `is no valid YAML: ${said}`;
      throw new ConfigError({ at: `${file}:${line}`, name: "the file", problem, expected: "YAML" });
    }
    if (this.document.contents === null)
      throw new ConfigError({
        at: `${file}:1`,
        name: "the file",
        problem: "is empty",
        expected: "a workload with at least name and clients",
        fix: "start from one in workloads/",
      });
  }

  /** Errors: ConfigError for an alias (`*name`) without its anchor. */
  get value(): unknown {
    try {
      return this.document.toJS();
    } catch (error) {
      const problem = `is no valid YAML: ${(error as Error).message}`;
      throw new ConfigError({ at: this.file, name: "the file", problem, expected: "YAML" });
    }
  }

  /** `file:line` of a path, or of the nearest thing around it. */
  at(path: Path): string {
    for (let length = path.length; length > 0; length--) {
      const offset = this.offset(path.slice(0, length));
      if (offset !== undefined) return `${this.file}:${this.lines.linePos(offset).line}`;
    }
    return `${this.file}:1`;
  }

  /** Where the key of a path stands; for an item of a list, where the item begins. */
  private offset(path: Path): number | undefined {
    const parent =
      path.length === 1 ? this.document.contents : this.document.getIn(path.slice(0, -1), true);
    const last = path[path.length - 1];
    if (isMap(parent)) {
      const pair = parent.items.find(
        (item) => isPair(item) && String(keyOf(item.key)) === String(last),
      );
      return (pair?.key as Node | undefined)?.range?.[0];
    }
    return (this.document.getIn(path, true) as Node | undefined)?.range?.[0];
  }
}

const keyOf = (key: unknown): unknown => (isScalar(key) ? key.value : key);

/**
 * The option that set what stands at a path, or the nearest thing around it that an option set; `options`
 * are by dotted path. Undefined where all of it is the file's.
 */
export function optionAt(options: ReadonlyMap<string, string>, path: Path): string | undefined {
  for (let length = path.length; length > 0; length--) {
    const option = options.get(path.slice(0, length).map(String).join("."));
    if (option !== undefined) return option;
  }
  return undefined;
}

/**
 * The first issue as an error that names place, finding, choices and, where it can, the fix. `place` tells
 * where a path stands.
 */
export function configError(
  place: (path: Path) => string,
  value: unknown,
  issue: Issue,
  names: readonly string[],
): ConfigError {
  const path = issue.path;
  const at = place(path);
  const name = nameOf(path);
  const found = valueAt(value, path);
  if (issue.code === "unrecognized_keys") {
    const key = issue.keys[0] ?? "";
    const where = place([...path, key]);
    const whole = name === "" ? key : `${name}.${key}`;
    return unknownName(where, whole, names.join(" | "), names, didYouMean(key, names));
  }
  const expected = expectedOf(issue, names);
  if (found === undefined) return new ConfigError({ at, name, expected });
  // JSON knows no NaN and no infinity, which YAML does.
  const plain = typeof found === "string" || typeof found === "number";
  const got = plain ? String(found) : JSON.stringify(found);
  return new ConfigError({ at, name, got, expected, fix: fixFor(found, expected) });
}

/** The schema's words where it has some, else the keys that belong there. */
function expectedOf(issue: Issue, names: readonly string[]): string {
  const plain = issue.code === "invalid_type" && issue.message.startsWith("Invalid input");
  return plain ? `the keys ${names.join(" | ")}` : issue.message;
}

function fixFor(found: unknown, expected: string): string | undefined {
  // A number from the file, or a text from an option.
  if (/^[0-9.]+$/.test(String(found)) && Number(found) > 0 && expected.startsWith("a duration"))
    return `give it a unit: ${found} ms or ${found} s?`;
  if (typeof found !== "object" || found === null) return undefined;
  const [key = ""] = Object.keys(found);
  return didYouMean(key, Object.keys(DISTRIBUTIONS));
}

/** `clients[0].think` */
export function nameOf(path: Path): string {
  return path
    .map((part, i) =>
      typeof part === "number" ? `[${part}]` : `${i > 0 ? "." : ""}${String(part)}`,
    )
    .join("");
}

/** What stands at a path. */
export function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const part of path) at = (at as Record<PropertyKey, unknown> | undefined)?.[part];
  return at;
}
