/**
 * The users of auth_file in force. As in PgBouncer a file that cannot be read, or is broken, is told in
 * the log and keeps no pooler from starting; RELOAD reads it again only when it has changed.
 * Source: PgBouncer 1.25.2 src/loader.c, loader_users_check() and load_auth_file().
 */
import { type Config, parseUserlist } from "../../config/index.ts";
import { inWords } from "../system/errors.ts";
import { fileState } from "../system/file-state.ts";
import type { Level, Log } from "../system/log.ts";
import { readText } from "../system/read-text.ts";

/** Ways to log in for which PgBouncer reads no auth_file. */
const WITHOUT = ["any", "pam"];

export class AuthFile {
  /** By user. Whoever has once been read stays known, with an empty secret. */
  readonly secrets: ReadonlyMap<string, string>;
  /** What was wrong when it was read; nothing if it was not read anew. */
  private readonly troubles: readonly (readonly [Level, string])[];
  /** The file as it was when it was read. */
  private readonly state: string;

  private constructor(
    secrets: AuthFile["secrets"],
    state: string,
    troubles: AuthFile["troubles"] = [],
  ) {
    this.secrets = secrets;
    this.state = state;
    this.troubles = troubles;
  }

  /** The users of a configuration; `before`: those of the one that it takes the place of. */
  static of({ values }: Config, before: AuthFile | undefined): AuthFile {
    const { auth_file: path, auth_type } = values;
    const known = before?.secrets ?? new Map<string, string>();
    if (path === null || WITHOUT.includes(auth_type)) return new AuthFile(known, "");
    const state = fileState(path);
    if (state === before?.state) return new AuthFile(known, state);
    let text: string;
    try {
      text = readText(path);
    } catch (error) {
      const why = `could not open auth_file ${path}: ${inWords(error as NodeJS.ErrnoException)}`;
      return new AuthFile(known, state, [["ERROR", why]]);
    }
    const { secrets, broken } = parseUserlist(text, path);
    const gone = [...known.keys()].map((name) => [name, ""] as const);
    const all = new Map([...gone, ...secrets]);
    if (broken === undefined) return new AuthFile(all, state);
    const more = `this line and all behind it are left out: ${broken.error.message}`;
    return new AuthFile(all, state, [
      ["ERROR", broken.words],
      ["WARNING", more],
    ]);
  }

  /** Tells the log what was wrong. */
  tell(log: Log): void {
    for (const [level, text] of this.troubles) log.write(level, text);
  }
}
