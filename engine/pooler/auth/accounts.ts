/** Users: how they prove who they are, which secrets they have, who may do what on the console. */
import {
  type Config,
  ConfigError,
  type HbaRule,
  type LdapMistake,
  type LdapOptions,
  loadHba,
  loadIdent,
  placeOf,
  readLdapOptions,
} from "../../config/index.ts";
import type { AuthMethod } from "../../wire/client-login.ts";
import { inWords } from "../system/errors.ts";
import type { Level, Log } from "../system/log.ts";
import { readText } from "../system/read-text.ts";
import { AuthFile } from "./auth-file.ts";

const split = (list: string): string[] => list.split(/[\s,]+/).filter((name) => name !== "");

/** The users of one configuration. Made anew by RELOAD. */
export class Accounts {
  readonly method: AuthMethod | "cert" | "hba";
  /** For `hba`, in their order. */
  readonly rules: readonly HbaRule[];
  /** For `ldap`: whom to ask; undefined: auth_ldap_options is missing. */
  readonly ldap: LdapOptions | LdapMistake | undefined;
  /** Where the rules come from: a SET of something else does not read them again. */
  private readonly places: string;
  /** What is wrong with files of rules and maps, or with lines of them that are left out. */
  private readonly troubles: [Level, string][] = [];
  /** The users of auth_file. */
  readonly file: AuthFile;
  private readonly admins: ReadonlySet<string>;
  private readonly observers: ReadonlySet<string>;

  /**
   * Reads the files of users, rules and maps. `before`: those that these take the place of. Errors:
   * ConfigError if there is something in rules or maps that we cannot do, or the rules are gone at RELOAD.
   */
  constructor(config: Config, before?: Accounts, by: "RELOAD" | "SET" = "RELOAD") {
    const { auth_type, auth_ldap_options, admin_users, stats_users } = config.values;
    const { auth_hba_file, auth_ident_file } = config.values;
    this.places = [auth_type, auth_hba_file, auth_ident_file].join();
    this.method = auth_type as Accounts["method"]; // The others have been refused, see `poolerRefusals`.
    if (by === "SET" && before?.places === this.places) this.rules = before.rules;
    else this.rules = auth_type === "hba" ? this.rulesOf(config, before === undefined) : [];
    this.ldap = auth_ldap_options === null ? undefined : readLdapOptions(auth_ldap_options);
    this.file = AuthFile.of(config, before?.file);
    this.admins = new Set(split(admin_users));
    this.observers = new Set(split(stats_users));
  }

  /** Secret of a user as auth_file has it; undefined: no such user. */
  secretOf(user: string): string | undefined {
    return this.file.secrets.get(user);
  }

  /** Can the user log in at all? */
  knows(user: string): boolean {
    return this.file.secrets.has(user);
  }

  isAdmin(user: string): boolean {
    return this.admins.has(user);
  }

  /** May the user see the console at all? */
  mayWatch(user: string): boolean {
    return this.admins.has(user) || this.observers.has(user);
  }

  /** Names of all users, for SHOW USERS. */
  get names(): string[] {
    return [...this.file.secrets.keys()];
  }

  /** Tells the log what is wrong with the files, and what of them is left out. */
  tell(log: Log): void {
    this.file.tell(log);
    for (const [level, text] of this.troubles) log.write(level, text);
  }

  /**
   * As in PgBouncer a pooler starts without rules that are not there, and lets nobody in; a RELOAD would not
   * do that to clients who came in before. Errors: ConfigError.
   */
  private rulesOf(config: Config, starting: boolean): HbaRule[] {
    const { auth_hba_file: file, auth_ident_file: maps } = config.values;
    if (file === "") {
      const name = "auth_hba_file";
      const fix = "auth_type = hba needs it";
      throw new ConfigError({ at: placeOf(config, name), name, expected: "a file of rules", fix });
    }
    const onBroken =
      (kind: "hba" | "ident") =>
      ({ message }: ConfigError, line: number): void => {
        this.troubles.push(["WARNING", `could not parse ${kind} config line ${line}: ${message}`]);
      };
    const mapped = maps ? this.textOf("ident", maps) : undefined;
    const known =
      mapped === undefined ? new Map() : loadIdent(maps ?? "", onBroken("ident"), () => mapped);
    const there = this.textOf("hba", file) !== undefined;
    if (there) return loadHba(file, known, onBroken("hba"));
    if (starting) return [];
    const at = placeOf(config, "auth_hba_file");
    const fix = this.troubles.at(-1)?.[1];
    const expected = "the name of a readable file";
    throw new ConfigError({ at, name: "auth_hba_file", got: file, expected, fix });
  }

  /** Undefined: it cannot be read, which is noted. */
  private textOf(kind: "hba" | "ident", path: string): string | undefined {
    try {
      return readText(path);
    } catch (error) {
      const why = inWords(error as NodeJS.ErrnoException);
      this.troubles.push(["ERROR", `could not open ${kind} config file ${path}: ${why}`]);
      return undefined;
    }
  }
}
