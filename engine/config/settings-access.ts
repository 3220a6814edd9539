/** Settings of `[pgbouncer]` about who may connect and how: authentication, console users, TLS. */
import { choice, count, optionalText, text } from "./kinds.ts";
import { only, setting } from "./setting.ts";

/** Ways to log in. Source: PgBouncer 1.25.2 src/main.c, auth_type_map. */
const AUTH_TYPES = [
  "any",
  "trust",
  "plain",
  "md5",
  "scram-sha-256",
  "cert",
  "hba",
  "ldap",
  "pam",
] as const;
/** How much TLS. Source: PgBouncer 1.25.2 src/main.c, sslmode_map. */
const SSL_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
const AUTH_QUERY =
  "SELECT rolname, CASE WHEN rolvaliduntil < now() THEN NULL ELSE rolpassword END " +
  "FROM pg_authid WHERE rolname=$1 AND rolcanlogin";

export const ACCESS_SETTINGS = {
  admin_users: setting(text, "", "Users with all rights on the console, separated by commas."),
  stats_users: setting(text, "", "Users who may look at the console, separated by commas."),
  auth_type: setting(
    choice(...AUTH_TYPES),
    "md5",
    "How clients prove who they are.",
    only("any", "trust", "plain", "md5", "scram-sha-256", "cert", "hba", "ldap"),
  ),
  auth_file: setting(optionalText, null, "File of user names and their passwords or secrets."),
  auth_hba_file: setting(text, "", "File of rules for `auth_type = hba`."),
  auth_ident_file: setting(
    optionalText,
    null,
    "File that maps names in certificates and of system users to users, for rules with `map=`.",
  ),
  auth_ldap_options: setting(optionalText, null, "Options for `auth_type = ldap`."),
  auth_user: setting(
    optionalText,
    null,
    "User that runs auth_query for users whom auth_file does not name.",
  ),
  auth_query: setting(text, AUTH_QUERY, "Query that looks up the secret of user `$1`."),
  auth_dbname: setting(optionalText, null, "Database in which auth_query runs."),
  scram_iterations: setting(
    count(1),
    "4096",
    "Iterations when a SCRAM secret is derived from a plain password.",
  ),
  login_notify_message: setting(text, "", "Notice sent to every client that logs in."),

  client_tls_sslmode: setting(
    choice(...SSL_MODES),
    "disable",
    "Whether clients may or must use TLS.",
  ),
  client_tls_ca_file: setting(
    text,
    "",
    "Certificate authority that client certificates are checked against.",
  ),
  client_tls_cert_file: setting(text, "", "Certificate shown to clients."),
  client_tls_key_file: setting(text, "", "Private key of that certificate."),
  client_tls_protocols: setting(text, "secure", "TLS versions for clients."),
  client_tls_ciphers: setting(text, "default", "TLS 1.2 ciphers for clients."),
  client_tls13_ciphers: setting(optionalText, null, "TLS 1.3 cipher suites for clients."),
  client_tls_dheparams: setting(
    text,
    "auto",
    "Key exchange of type DHE with clients.",
    only("auto", "none"),
  ),
  client_tls_ecdhcurve: setting(text, "auto", "Curve for the key exchange with clients."),

  server_tls_sslmode: setting(
    choice(...SSL_MODES),
    "prefer",
    "Whether servers may or must be reached with TLS.",
  ),
  server_tls_ca_file: setting(
    text,
    "",
    "Certificate authority that server certificates are checked against.",
  ),
  server_tls_cert_file: setting(text, "", "Certificate shown to servers."),
  server_tls_key_file: setting(text, "", "Private key of that certificate."),
  server_tls_protocols: setting(text, "secure", "TLS versions for servers."),
  server_tls_ciphers: setting(text, "default", "TLS 1.2 ciphers for servers."),
  server_tls13_ciphers: setting(optionalText, null, "TLS 1.3 cipher suites for servers."),
};
