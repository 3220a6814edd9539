/** Rules about who can log in at all: auth_file, auth_hba_file, and what else knows users. */
import { tlsRefusals } from "../../../engine/config/index.ts";
import { type Instance, placeOf } from "./instance.ts";
import { pageOf, perInstance, type Rule } from "./rule.ts";

/** Ways to log in with a password of one's own, which must be known. */
const PASSWORDS = ["md5", "scram-sha-256", "plain"];
/** Ways that ask for no password, yet for a user who is known. */
const NAMES = ["trust", "cert"];

export const LOGIN_RULES: readonly Rule[] = [
  {
    id: "login-nobody",
    severity: "error",
    doc: "An auth_type that needs known users, and nothing that names any.",
    source: "PgBouncer 1.18.0, measured on the program",
    find: perInstance((instance) => {
      const { auth_type: type } = instance.config.values;
      const { logins } = instance;
      if (!needsUsers(instance) || asks(instance)) return undefined;
      if (logins.is !== "not named" && (logins.is !== "read" || logins.names.length > 0))
        return undefined;
      const found = logins.is === "read" ? "auth_file names nobody" : "there is no auth_file";
      return {
        at: placeOf(instance, "auth_file", "auth_type"),
        what: `auth_type is ${type}, ${found} and no auth_user`,
        why: "PgBouncer knows no user, so every login fails",
        fix: "set auth_file to a file with a line for each user, or auth_user for auth_query",
      };
    }),
  },
  {
    id: "login-nowhere",
    severity: "error",
    doc: "Neither an address nor a directory for a Unix socket: nobody can connect.",
    source: pageOf("listen_addr"),
    find: perInstance((instance) => {
      const { listen_addr, unix_socket_dir } = instance.config.values;
      if (listen_addr !== "" || unix_socket_dir !== "") return undefined;
      return {
        at: placeOf(instance, "listen_addr", "unix_socket_dir"),
        what: "listen_addr and unix_socket_dir are empty",
        why: "there is nothing that a client could connect to",
        fix: "set listen_addr to an address of this machine, or to * for all of them",
      };
    }),
  },
  {
    id: "login-local-only",
    severity: "note",
    doc: "Without listen_addr only clients on the same machine connect, by the Unix socket.",
    source: pageOf("listen_addr"),
    find: perInstance((instance) => {
      const { listen_addr, unix_socket_dir } = instance.config.values;
      if (listen_addr !== "" || unix_socket_dir === "") return undefined;
      return {
        at: placeOf(instance, "listen_addr"),
        what: "listen_addr is not set",
        why: `the pooler listens on no network address, not even 127.0.0.1, but in ${unix_socket_dir} only`,
        fix: "set listen_addr, unless all clients use the Unix socket",
      };
    }),
  },
  {
    id: "login-file-missing",
    severity: "warning",
    doc: "auth_file names a file that cannot be read here.",
    source: pageOf("auth_file"),
    find: perInstance((instance) => {
      const { logins, config } = instance;
      const { auth_type: type } = config.values;
      if (logins.is !== "not readable" || ["any", "ldap", "pam"].includes(type)) return undefined;
      return {
        at: placeOf(instance, "auth_file"),
        what: `auth_file cannot be read (${logins.why})`,
        why: "the pooler starts without it, and refuses the users in it",
        fix: "name a file that the pooler can read; a relative name begins where it is started",
      };
    }),
  },
  {
    id: "login-file-broken",
    severity: "error",
    doc: "A line of auth_file that cannot be read.",
    source: "PgBouncer 1.25.2 src/loader.c, load_auth_file()",
    find: perInstance(({ logins }) => {
      if (logins.is !== "broken") return undefined;
      const { at, message, expected } = logins.error;
      return {
        at,
        what: message.replace(`${at}: `, "").replace(/; expected .*/s, ""),
        why: "the pooler does without this line and all that follow",
        fix: `write ${expected}`,
      };
    }),
  },
  {
    id: "login-hba-nobody",
    severity: "error",
    doc: "auth_type = hba without auth_hba_file, or with one that has no rule.",
    source: "PgBouncer 1.18.0, measured on the program; 1.25.2 src/main.c, load_config()",
    find: perInstance((instance) => {
      const { loginRules } = instance;
      const none = loginRules.is === "read" && loginRules.rules === 0;
      if (loginRules.is !== "not named" && !none) return undefined;
      const ours = none ? "" : "; our pooler does not start";
      return {
        at: placeOf(instance, "auth_hba_file", "auth_type"),
        what: `auth_type is hba, and ${none ? "auth_hba_file has no rule" : "there is no auth_hba_file"}`,
        why: `no rule fits anybody: PgBouncer starts and refuses every login, those to its console too${ours}`,
        fix: "set auth_hba_file to a file with rules such as: host all all 0.0.0.0/0 scram-sha-256",
      };
    }),
  },
  {
    id: "login-hba-missing",
    severity: "warning",
    doc: "auth_hba_file names a file that cannot be read here.",
    source: "PgBouncer 1.18.0, measured on the program; 1.25.2 src/hba.c, hba_load_rules()",
    find: perInstance((instance) => {
      const { loginRules } = instance;
      if (loginRules.is !== "not readable") return undefined;
      return {
        at: placeOf(instance, "auth_hba_file"),
        what: `auth_hba_file cannot be read (${loginRules.why})`,
        why: "PgBouncer starts without its rules and refuses every login, our pooler does not start",
        fix: "name a file that the pooler can read; a relative name begins where it is started",
      };
    }),
  },
  {
    id: "login-hba-broken",
    severity: "warning",
    doc: "A line of auth_hba_file that cannot be read.",
    source: "PgBouncer 1.25.2 src/hba.c, hba_load_rules()",
    find: perInstance(({ loginRules }) => {
      if (loginRules.is !== "read") return undefined;
      return loginRules.broken.map(({ at, message, expected }) => ({
        at,
        what: message.replace(`${at}: `, "").replace(/; expected .*/s, ""),
        why: "the line is left out, and the next one that fits decides in its place",
        fix: `write ${expected}`,
      }));
    }),
  },
  {
    id: "login-tls",
    severity: "error",
    doc: "A TLS setting that is wrong, or lacks another that it needs.",
    source: "PgBouncer 1.25.2 src/sbuf.c, sbuf_tls_setup()",
    find: perInstance(({ config }) =>
      tlsRefusals(config).map(({ at, name, got, expected, fix }) => ({
        at,
        what: got === undefined ? `${name} is missing` : `${name} is ${got}`,
        why: `the pooler does not start${fix === undefined ? "" : `: ${fix}`}`,
        fix: `set it to ${expected}`,
      })),
    ),
  },
];

/** A name in [users] is a user who is known, and has no password. */
function needsUsers({ config }: Instance): boolean {
  const { auth_type: type } = config.values;
  return PASSWORDS.includes(type) || (NAMES.includes(type) && config.users.length === 0);
}

/** auth_query finds users in the database. */
function asks({ config, entries }: Instance): boolean {
  return config.values.auth_user !== null || entries.some((entry) => entry.auth_user !== null);
}
