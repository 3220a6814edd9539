/** Users: how they prove who they are, which secrets they have, who may do what on the console. */
import { type Config, loadUserlist } from "../config/index.ts";
import type { AuthMethod, Credentials } from "../wire/client-login.ts";

const split = (list: string): string[] => list.split(/[\s,]+/).filter((name) => name !== "");

/** The users of one configuration. Made anew by RELOAD. */
export class Accounts {
  readonly method: AuthMethod;
  private readonly secrets: ReadonlyMap<string, string>;
  private readonly admins: ReadonlySet<string>;
  private readonly observers: ReadonlySet<string>;

  /** Reads the auth_file. Errors: ConfigError if it cannot be read. */
  constructor(config: Config) {
    const { auth_type, auth_file, admin_users, stats_users } = config.values;
    this.method = auth_type as AuthMethod; // The others have been refused, see `poolerRefusals`.
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

  /** What a login of this user is checked against. */
  credentials(user: string): Credentials {
    return { user, secret: this.secrets.get(user) };
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
