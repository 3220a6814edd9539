/** What LDAP servers answer, in OpenLDAP's words, which PgBouncer's log has. Source: libldap, error.c. */

const TEXTS: ReadonlyMap<number, string> = new Map([
  [1, "Operations error"],
  [2, "Protocol error"],
  [3, "Time limit exceeded"],
  [4, "Size limit exceeded"],
  [7, "Authentication method not supported"],
  [8, "Strong(er) authentication required"],
  [10, "Referral"],
  [11, "Administrative limit exceeded"],
  [12, "Critical extension is unavailable"],
  [13, "Confidentiality required"],
  [14, "SASL bind in progress"],
  [16, "No such attribute"],
  [17, "Undefined attribute type"],
  [18, "Inappropriate matching"],
  [19, "Constraint violation"],
  [21, "Invalid syntax"],
  [32, "No such object"],
  [33, "Alias problem"],
  [34, "Invalid DN syntax"],
  [36, "Alias dereferencing problem"],
  [48, "Inappropriate authentication"],
  [49, "Invalid credentials"],
  [50, "Insufficient access"],
  [51, "Server is busy"],
  [52, "Server is unavailable"],
  [53, "Server is unwilling to perform"],
  [54, "Loop detected"],
  [71, "Operation affects multiple DSAs"],
  [80, "Other (e.g., implementation specific) error"],
]);

/** The answer's number; undefined: none has come. */
export function codeOf(error: unknown): number | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "number" ? code : undefined; // The system's errors have names for codes.
}

/** Why a question was not answered with yes. */
export function reasonOf(error: unknown): string {
  const code = codeOf(error);
  if (code !== undefined) return TEXTS.get(code) ?? "Unknown error";
  return `Can't contact LDAP server (${(error as Error).message.split("\n")[0]})`;
}
