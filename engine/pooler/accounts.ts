/** Users: how they prove who they are, which secrets they have, who may do what on the console. */
import {
  type Config,
  ConfigError,
  type HbaRule,
  type LdapMistake,
  type LdapOptions,
  loadHba,
  loadIdent,
  loadUserlist,
  placeOf,
  readLdapOptions,
} from "../config/index.ts";
import type { AuthMethod } from "../wire/client-login.ts";

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
  private readonly secrets: ReadonlyMap<string, string>;
  private readonly admins: ReadonlySet<string>;
  private readonly observers: ReadonlySet<string>;

  /** Reads the files of users, rules and maps. Errors: ConfigError if one is not in order. */
  constructor(config: Config) {
    const { auth_type, auth_file, auth_ldap_options, admin_users, stats_users } = config.values;
    this.method = auth_type as Accounts["method"]; // The others have been refused, see `poolerRefusals`.
    const broken: string[] = [];
    this.rules = auth_type === "hba" ? rulesOf(config, (error) => broken.push(error.message)) : [];
    this.broken = broken;
    this.ldap = auth_ldap_options === null ? undefined : readLdapOptions(auth_ldap_options);
    this.secrets = auth_file === null || auth_file === "" ? new Map() : loadUserlist(auth_file);
    this.admins = new Set(split(admin_users));
    this.observers = new Set(split(stats_users));
  }

  /** Secret of a user as auth_file has it; undefined: no such user. */
  secretOf(user: string): string | undefined {
    return this.secrets.get(user);
  }

  /** Can the user log in at all? */
  knows(user: string): boolean {
    return this.secrets.has(user);
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
    return [...this.secrets.keys()];
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
