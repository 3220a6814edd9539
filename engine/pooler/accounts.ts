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
} from "../config/index.ts";
import type { AuthMethod } from "../wire/client-login.ts";
import { AuthFile } from "./auth-file.ts";

const split = (list: string): string[] => list.split(/[\s,]+/).filter((name) => name !== "");

/** The users of one configuration. Made anew by RELOAD. */
export class Accounts {
  readonly method: AuthMethod | "cert" | "hba";
  /** For `hba`, in their order. */
  readonly rules: readonly HbaRule[];
  /** For `ldap`: whom to ask; undefined: auth_ldap_options is missing. */
  readonly ldap: LdapOptions | LdapMistake | undefined;
  /** What is wrong with lines of the files of rules and maps that are left out. */
  readonly broken: readonly string[];
  /** The users of auth_file. */
  readonly file: AuthFile;
  private readonly admins: ReadonlySet<string>;
  private readonly observers: ReadonlySet<string>;

  /**
   * Reads the files of users, rules and maps. `before`: those that these take the place of. Errors:
   * ConfigError if the rules or maps are not in order.
   */
  constructor(config: Config, before?: Accounts) {
    const { auth_type, auth_ldap_options, admin_users, stats_users } = config.values;
    this.method = auth_type as Accounts["method"]; // The others have been refused, see `poolerRefusals`.
    const broken: string[] = [];
    this.rules = auth_type === "hba" ? rulesOf(config, (error) => broken.push(error.message)) : [];
    this.broken = broken;
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
}

/** Errors: ConfigError. */
function rulesOf(config: Config, onBroken: (error: ConfigError) => void): HbaRule[] {
  const { auth_hba_file: file, auth_ident_file: maps } = config.values;
  if (file === "") {
    const name = "auth_hba_file";
    const fix = "auth_type = hba needs it";
    throw new ConfigError({ at: placeOf(config, name), name, expected: "a file of rules", fix });
  }
  const known = maps === null || maps === "" ? new Map() : loadIdent(maps, onBroken);
  return loadHba(file, known, onBroken);
}
