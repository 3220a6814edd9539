/**
 * SASLprep of passwords as PostgreSQL does it: a password that may not be prepared is used as it is.
 * The check for mixed writing directions is left out: such passwords are prepared, not kept raw.
 * Source: RFC 4013; PostgreSQL src/common/saslprep.c.
 */

/** Spaces other than the ASCII one; RFC 3454, table C.1.2. */
const SPACES = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu;
/** Characters mapped to nothing; table B.1. */
const NOTHING =
  /\u00ad|\u034f|\u1806|[\u180b-\u180d]|[\u200b-\u200d]|\u2060|[\ufe00-\ufe0f]|\ufeff/gu;
/** Prohibited output: controls, private use, surrogates, non-characters; tables C.2 to C.9. */
const PROHIBITED = /[\p{Cc}\p{Co}\p{Cs}\u06dd\u070f\u180e\u2028-\u202e\u2060-\u2063\u206a-\u206f]/u;
const PROHIBITED_TOO = /[\u0340\u0341\u2ff0-\u2ffb\ufff9-\uffff\ufdd0-\ufdef]/u;

/** The prepared password, or the password itself when it may not be prepared. */
export function saslprep(password: string): string {
  if (/^[\x20-\x7e]*$/.test(password)) return password;
  const prepared = password.replace(SPACES, " ").replace(NOTHING, "").normalize("NFKC");
  const bad = prepared === "" || PROHIBITED.test(prepared) || PROHIBITED_TOO.test(prepared);
  return bad ? password : prepared;
}
