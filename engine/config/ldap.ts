/**
 * Options of LDAP authentication: what stands behind `ldap` in a rule of auth_hba_file, and in
 * auth_ldap_options. PgBouncer reads them when a client logs in, so a mistake keeps clients out and not the
 * pooler from starting; its words for them are kept.
 * Source: PgBouncer 1.25.2 src/ldapauth.c, initialize_ldap_options(); libldap's ldap_url_parse().
 */

/** Where to ask. */
interface Servers {
  readonly scheme: "ldap" | "ldaps";
  /** Hosts with spaces between, as written; empty: those that DNS names for `base`. */
  readonly hosts: string;
  readonly port: number;
  /** StartTLS on each connection. */
  readonly tls: boolean;
}

/** The user's name goes between `prefix` and `suffix`, and that is who is to be let in. */
export interface LdapBind extends Servers {
  readonly mode: "bind";
  readonly prefix: string;
  readonly suffix: string;
}

/** The user is looked for below `base` with the rights of `binddn`; the one that is found is to be let in. */
export interface LdapSearch extends Servers {
  readonly mode: "search";
  readonly base: string;
  readonly scope: LdapScope;
  /** Empty: nobody in particular. */
  readonly binddn: string;
  readonly bindpasswd: string;
  /** `$username` in it stands for the user's name. */
  readonly filter: string;
}

export type LdapOptions = LdapBind | LdapSearch;
export type LdapScope = "base" | "one" | "sub" | "children";

/** Why options cannot be followed, in PgBouncer's words. */
export interface LdapMistake {
  readonly mistake: string;
}

/** Options by their names, as they have been written. */
interface Draft {
  ldapscheme?: string;
  ldapserver?: string;
  ldapport?: number;
  ldaptls?: boolean;
  ldapprefix?: string;
  ldapsuffix?: string;
  ldapbasedn?: string;
  ldapbinddn?: string;
  ldapbindpasswd?: string;
  ldapsearchattribute?: string;
  ldapsearchfilter?: string;
  scope: LdapScope;
}

/** Options that are taken as they are. */
const TEXTS = [
  "ldapserver",
  "ldapprefix",
  "ldapsuffix",
  "ldapbasedn",
  "ldapbinddn",
  "ldapbindpasswd",
  "ldapsearchattribute",
  "ldapsearchfilter",
] as const;

const PORTS = { ldap: 389, ldaps: 636 } as const;

/** Reads options; as PgBouncer does, up to the first word that is no `name=value`. */
export function readLdapOptions(text: string): LdapOptions | LdapMistake {
  const draft: Draft = { scope: "sub" };
  for (const [name, value] of pairsOf(text)) {
    const mistake = take(draft, name, value);
    if (mistake !== undefined) return { mistake };
  }
  const mistake = contradiction(draft);
  return mistake === undefined ? finished(draft) : { mistake };
}

/**
 * Pairs of `name=value` between spaces and commas; either may stand in double quotes, a quote in them
 * doubled. Source: src/ldapauth.c, get_key_value().
 */
function* pairsOf(text: string): Generator<[name: string, value: string]> {
  const pattern =
    /\s*,?\s*(?:"((?:[^"]|"")*)"|(?!")([^=]*))=(?!\s)(?:"((?:[^"]|"")*)(?:"|$)|([^\s,]*)[\s,]?)/y;
  for (let found = pattern.exec(text); found !== null; found = pattern.exec(text)) {
    const name = found[1]?.replaceAll('""', '"') ?? found[2] ?? "";
    const value = found[3]?.replaceAll('""', '"') ?? found[4] ?? "";
    if (name === "" || value === "") return;
    yield [name, value];
  }
}

/** Takes one option; what is wrong with it, if anything is. */
function take(draft: Draft, name: string, value: string): string | undefined {
  const plain = TEXTS.find((known) => known === name);
  if (plain !== undefined) draft[plain] = value;
  else if (name === "ldaptls") draft.ldaptls = value === "1";
  else if (name === "ldapurl") return takeUrl(draft, value);
  else if (name === "ldapscheme") {
    if (value !== "ldap" && value !== "ldaps") return `invalid ldapscheme value: "${value}"`;
    draft.ldapscheme = value;
  } else if (name === "ldapport") {
    draft.ldapport = Number.parseInt(value, 10) || 0;
    if (draft.ldapport === 0) return `invalid LDAP port number: "${value}"`;
  } else return `invalid LDAP option: "${name}"`;
  return undefined;
}

/** ldap[s]://host:port/base?attribute?scope?filter */
function takeUrl(draft: Draft, url: string): string | undefined {
  const broken = (why: string): string => `could not parse LDAP URL "${url}": ${why}`;
  const parts = /^(ldaps?|ldapi):\/\/(\[[^\]]*\]|[^/?:]*)(?::(\d+))?(?:\/(.*))?$/i.exec(url);
  if (parts === null) return broken("not ldap[s]://host:port/base?attribute?scope?filter");
  const [, scheme = "", host = "", port, rest] = parts;
  const kind = scheme.toLowerCase();
  if (kind !== "ldap" && kind !== "ldaps") return `unsupported LDAP URL scheme: ${kind}`;
  const [base, attributes = "", scope = "", filter = ""] = (rest ?? "").split("?").map(unescaped);
  const known = SCOPES.get(scope.toLowerCase());
  if (known === undefined) return broken("bad or missing scope");
  draft.ldapscheme = kind;
  if (host !== "") draft.ldapserver = host;
  draft.ldapport = Number(port) || PORTS[kind];
  draft.scope = known;
  if (rest !== undefined && base !== undefined) draft.ldapbasedn = base;
  const [attribute] = attributes.split(",").filter((name) => name !== "");
  if (attribute !== undefined) draft.ldapsearchattribute = attribute;
  if (filter !== "") draft.ldapsearchfilter = filter;
  return undefined;
}

const SCOPES: ReadonlyMap<string, LdapScope> = new Map([
  ["", "base"],
  ["base", "base"],
  ["one", "one"],
  ["onetree", "one"],
  ["sub", "sub"],
  ["subtree", "sub"],
  ["children", "children"],
  ["subordinate", "children"],
]);

/** Signs written as %XX, and bytes that are none, as `wire/text.ts` has them; what is no such code stays. */
const unescaped = (text: string): string =>
  text.replace(/(?:%[\da-f]{2})+/gi, (codes) => {
    try {
      return decodeURIComponent(codes);
    } catch {
      return codes.replace(/%(..)/g, (_, code) => byteAs(Number.parseInt(code, 16)));
    }
  });

const byteAs = (byte: number): string => String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte);

/** Source: src/ldapauth.c, validate_ldap_options(), check_ldap_auth(). */
function contradiction(draft: Draft): string | undefined {
  const { ldapprefix, ldapsuffix, ldapbasedn, ldapserver } = draft;
  const { ldapbinddn, ldapbindpasswd, ldapsearchattribute, ldapsearchfilter } = draft;
  const ofSearch = [ldapbasedn, ldapbinddn, ldapbindpasswd, ldapsearchattribute, ldapsearchfilter];
  if (ldapprefix !== undefined || ldapsuffix !== undefined) {
    if (ofSearch.some((option) => option !== undefined))
      return "cannot mix options for simple bind and search+bind modes";
  } else if (ldapbasedn === undefined) return NOTHING;
  if (ldapsearchattribute !== undefined && ldapsearchfilter !== undefined)
    return "cannot use ldapsearchattribute together with ldapsearchfilter";
  return ldapserver || ldapbasedn ? undefined : "LDAP server not specified, and no ldapbasedn";
}

const NOTHING =
  'authentication method "ldap" requires argument "ldapbasedn", "ldapprefix", or "ldapsuffix" to be set';

function finished(draft: Draft): LdapOptions {
  const scheme = draft.ldapscheme === "ldaps" ? "ldaps" : "ldap";
  const servers: Servers = {
    scheme,
    hosts: draft.ldapserver ?? "",
    port: draft.ldapport ?? PORTS[scheme],
    tls: draft.ldaptls ?? false,
  };
  const { ldapbasedn: base, ldapprefix: prefix = "", ldapsuffix: suffix = "" } = draft;
  if (base === undefined) return { ...servers, mode: "bind", prefix, suffix };
  return {
    ...servers,
    mode: "search",
    base,
    scope: draft.scope,
    binddn: draft.ldapbinddn ?? "",
    bindpasswd: draft.ldapbindpasswd ?? "",
    filter: draft.ldapsearchfilter ?? `(${draft.ldapsearchattribute ?? "uid"}=$username)`,
  };
}
