/**
 * Files of rules who may log in from where and how (auth_hba_file), and of maps to users from names in
 * certificates and of the system's users (auth_ident_file). A broken line is told and left out.
 * Source: PgBouncer 1.25.2 src/hba.c.
 */
import { isIP } from "node:net";
import { dirname, isAbsolute, join } from "node:path";
import { type Addresses, addressFits, bytesOf, isBeyond, ones } from "./addresses.ts";
import { ConfigError, didYouMean } from "./errors.ts";
import { linesOf, type ReadFile, readFromDisk, readOrRefuse } from "./ini-lines.ts";
import { type LdapMistake, type LdapOptions, readLdapOptions } from "./ldap.ts";

/** Ways to log in that a rule can name, and `reject`. */
export const HBA_METHODS = [
  "trust",
  "reject",
  "md5",
  "password",
  "cert",
  "scram-sha-256",
  "peer",
  "ldap",
] as const;
export type HbaMethod = (typeof HBA_METHODS)[number];

/** One line of a map: who is `system` to the system, or by certificate, may be `user`; null: any user. */
export interface Mapping {
  readonly system: string;
  readonly user: string | null;
}

/** A map by its name, in the order of the file. */
export type IdentMaps = ReadonlyMap<string, readonly Mapping[]>;

/** One rule. */
export interface HbaRule {
  /** `file:line` */
  readonly at: string;
  readonly method: HbaMethod;
  /** For `cert` and `peer`: the map to use, with its name. */
  readonly map: { readonly name: string; readonly mappings: readonly Mapping[] } | undefined;
  /** For `ldap`: whom to ask, or why nobody comes in by this rule. */
  readonly ldap: LdapOptions | LdapMistake | undefined;
  readonly type: (typeof TYPES)[number];
  readonly databases: Names;
  readonly users: Names;
  /** Undefined: any address. */
  readonly addresses: Addresses | undefined;
  /** Why nobody ever comes in by it, where that is so against appearances. */
  readonly note: string | undefined;
}

/** Who wants to come in. */
export interface HbaClient {
  /** Undefined: over the Unix socket. */
  readonly address: string | undefined;
  readonly tls: boolean;
  readonly database: string;
  readonly user: string;
  /** It wants a connection for physical replication, which belongs to no database. */
  readonly physical: boolean;
}

interface Names {
  all: boolean;
  /** `sameuser`: database and user have one name. */
  same: boolean;
  /** `replication`: connections for physical replication. */
  replication: boolean;
  readonly names: Set<string>;
}

const TYPES = ["local", "host", "hostssl", "hostnossl"] as const;

/** The first rule that fits; undefined: none does, and the client stays out. */
export function matchingRule(rules: readonly HbaRule[], client: HbaClient): HbaRule | undefined {
  return rules.find((rule) => {
    if ((rule.type === "local") !== (client.address === undefined)) return false;
    if (rule.type === "hostssl" && !client.tls) return false;
    if (rule.type === "hostnossl" && client.tls) return false;
    return (
      addressFits(rule.addresses, client.address) &&
      (client.physical
        ? rule.databases.replication
        : fits(rule.databases, client.database, client.user)) &&
      fits(rule.users, client.user, client.database)
    );
  });
}

/** Gets what is wrong with a line that is left out, and the number of that line. */
export type OnBroken = (error: ConfigError, line: number) => void;

/**
 * Reads a file of rules; `maps` are those that rules may name. Throws ConfigError for a file that cannot be
 * read.
 */
export function loadHba(
  file: string,
  maps: IdentMaps,
  onBroken: OnBroken,
  readFile: ReadFile = readFromDisk,
): HbaRule[] {
  const rules: HbaRule[] = [];
  eachLine(file, readFile, onBroken, (line) => rules.push(readRule(line, file, maps, readFile)));
  return rules;
}

/** Reads a file of maps: lines of map, name in the certificate, user. Throws as `loadHba` does. */
export function loadIdent(
  file: string,
  onBroken: OnBroken,
  readFile: ReadFile = readFromDisk,
): IdentMaps {
  const maps = new Map<string, Mapping[]>();
  eachLine(file, readFile, onBroken, (line) => {
    const name = line.word("name of the map", "a word").text;
    const system = line.take("system user", "a name").text;
    const user = line.take("user", "a name or all");
    line.end();
    const mappings = maps.get(name) ?? [];
    maps.set(name, mappings);
    mappings.push({ system, user: !user.quoted && user.text === "all" ? null : user.text });
  });
  return maps;
}

function eachLine(
  file: string,
  readFile: ReadFile,
  onBroken: OnBroken,
  take: (line: Line) => void,
): void {
  let number = 0;
  for (const [at, content] of linesOf(readOrRefuse(file, file, readFile), file)) {
    number++;
    try {
      const line = new Line(at, content);
      if (!line.ended) take(line);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      onBroken(error, number);
    }
  }
}

interface Token {
  readonly text: string;
  readonly quoted: boolean;
  /** Where it ends in the line. */
  readonly end: number;
}

const COMMA = ",";

/** The words of a line: between spaces and commas, or in double quotes, a quote in them doubled. */
class Line {
  readonly at: string;
  private readonly content: string;
  private readonly tokens: Token[] = [];
  /** From here on these are no words: an error, unless the line is left before. */
  private readonly stray: boolean = false;

  constructor(at: string, content: string) {
    this.at = at;
    this.content = content.split("\0", 1)[0] ?? ""; // To PgBouncer the line ends there.
    const pattern = /\s*(?:(#.*)|(,)|"((?:[^"]|"")*)"|([^\s,#"]+)|(\S))/gy;
    for (const found of this.content.matchAll(pattern)) {
      const [whole, comment, comma, quoted, word, stray] = found;
      this.stray = stray !== undefined;
      if (comment !== undefined || this.stray) break;
      const text = comma ?? quoted?.replaceAll('""', '"') ?? word ?? "";
      this.tokens.push({ text, quoted: quoted !== undefined, end: found.index + whole.length });
    }
  }

  get ended(): boolean {
    return this.tokens.length === 0 && !this.stray;
  }

  /** The next word must be there, and be no comma. */
  take(name: string, expected: string): Token {
    const token = this.tokens.shift();
    if (token !== undefined && !isComma(token)) return token;
    if (token === undefined) this.refuseStray();
    throw new ConfigError({ at: this.at, name, got: token?.text, expected });
  }

  /** The same, but for words of our own: in quotes they mean nothing. */
  word(name: string, expected: string): Token {
    const token = this.take(name, expected);
    if (!token.quoted) return token;
    const fix = "without the quotes";
    throw new ConfigError({ at: this.at, name, got: token.text, expected, fix });
  }

  /** All that follows a word, as it stands there. */
  takeRest({ end }: Token): string {
    this.tokens.length = 0;
    return this.content.slice(end);
  }

  /** Takes a comma if it comes next. */
  comma(): boolean {
    if (this.tokens[0] === undefined || !isComma(this.tokens[0])) return false;
    this.tokens.shift();
    return true;
  }

  end(): void {
    const [token] = this.tokens;
    if (token === undefined) {
      this.refuseStray();
      return;
    }
    const expected = "nothing more on the line";
    throw new ConfigError({ at: this.at, name: "option", got: token.text, expected });
  }

  private refuseStray(): void {
    if (!this.stray) return;
    const expected = "words, commas, and names in pairs of quotes";
    throw new ConfigError({ at: this.at, name: "line", got: this.content, expected });
  }
}

const isComma = ({ text, quoted }: Token): boolean => !quoted && text === COMMA;

function readRule(line: Line, file: string, maps: IdentMaps, readFile: ReadFile): HbaRule {
  const type = oneOf(line, "type", TYPES);
  const databases = readNames(line, "database", { file, readFile });
  const users = readNames(line, "user", { file, readFile });
  const addresses = type === "local" ? undefined : readAddresses(line);
  const { method, word } = readMethod(line);
  const ldap = method === "ldap" ? readLdapOptions(line.takeRest(word)) : undefined;
  const map = method === "ldap" || line.ended ? undefined : readMap(line, maps);
  if (method !== "ldap") line.end();
  const note = noteOn(addresses, ldap);
  return { at: line.at, type, databases, users, addresses, method, map, ldap, note };
}

function noteOn(
  addresses: Addresses | undefined,
  ldap: LdapOptions | LdapMistake | undefined,
): string | undefined {
  if (addresses !== undefined && isBeyond(addresses))
    return "no client fits this rule: its address has bits beyond the mask";
  if (ldap === undefined || !("mistake" in ldap)) return undefined;
  return `this rule lets nobody in: ${ldap.mistake}`;
}

function oneOf<T extends string>(line: Line, name: string, words: readonly T[]): T {
  const { text } = line.word(name, words.join(" | "));
  const known = words.find((word) => word === text);
  if (known !== undefined) return known;
  const expected = words.join(" | ");
  throw new ConfigError({ at: line.at, name, got: text, expected, fix: didYouMean(text, words) });
}

function readMethod(line: Line): { method: HbaMethod; word: Token } {
  const word = line.word("method", HBA_METHODS.join(" | "));
  const { text } = word;
  const method = HBA_METHODS.find((known) => known === text);
  if (method !== undefined) return { method, word };
  const [at, name, expected] = [line.at, "method", HBA_METHODS.join(" | ")];
  throw new ConfigError({ at, name, got: text, expected, fix: didYouMean(text, HBA_METHODS) });
}

function readMap(line: Line, maps: IdentMaps): HbaRule["map"] {
  const { text } = line.word("option", "map=NAME");
  const name = /^map=(.+)$/.exec(text)?.[1];
  if (name === undefined)
    throw new ConfigError({ at: line.at, name: "option", got: text, expected: "map=NAME" });
  const mappings = maps.get(name);
  if (mappings !== undefined) return { name, mappings };
  const fix = didYouMean(name, [...maps.keys()]);
  const expected = "a map of auth_ident_file";
  throw new ConfigError({ at: line.at, name: "map", got: name, expected, fix });
}

/** The file that a line stands in: names after `@` are relative to it. */
interface Source {
  readonly file: string;
  readonly readFile: ReadFile;
}

function readNames(line: Line, name: string, source: Source): Names {
  const names: Names = { all: false, same: false, replication: false, names: new Set() };
  do addName(names, line.take(name, "a name"), line.at, source);
  while (line.comma());
  return names;
}

function addName(names: Names, { text, quoted }: Token, at: string, source: Source): void {
  if (quoted) names.names.add(text);
  else if (text === "all") names.all = true;
  else if (text === "sameuser") names.same = true;
  else if (text.startsWith("+") || ROLES.includes(text)) {
    const fix = "PgBouncer knows no roles either";
    throw new ConfigError({ at, name: "name", got: text, expected: "names, all or sameuser", fix });
  } else if (text.startsWith("@")) addFile(names, text.slice(1), at, source);
  else if (text === "replication")
    names.replication = true; // Which is no user.
  else names.names.add(text);
}

const ROLES = ["samerole", "samegroup"];

function addFile(names: Names, name: string, at: string, source: Source): void {
  const { file, readFile } = source;
  const path = isAbsolute(name) ? name : join(dirname(file), name);
  if (path === file) throw new ConfigError({ at, name: "@", got: name, expected: "another file" });
  for (const [place, content] of linesOf(readOrRefuse(path, at, readFile), path)) {
    const line = new Line(place, content);
    if (line.ended) continue;
    const more = readNames(line, "name", { ...source, file: path }); // What follows is not read.
    names.all ||= more.all;
    names.same ||= more.same;
    names.replication ||= more.replication;
    for (const other of more.names) names.names.add(other);
  }
}

const ADDRESS = "all, ADDRESS/BITS, or ADDRESS MASK";

function readAddresses(line: Line): Addresses | undefined {
  const { text } = line.word("address", ADDRESS);
  if (text === "all") return undefined;
  const [address = "", ...rest] = text.split("/");
  const family = address.includes("%") ? 0 : isIP(address);
  if (family === 0) {
    const fix = "names of machines are not looked up";
    throw new ConfigError({ at: line.at, name: "address", got: text, expected: ADDRESS, fix });
  }
  const size = bytesOf(address).length;
  const [got, mask] =
    rest.length > 0 ? [rest.join("/"), ones(rest.join("/"), size)] : written(line, size);
  if (mask !== undefined) return { base: bytesOf(address), mask };
  throw new ConfigError({
    at: line.at,
    name: "address",
    got: `${address} ${got}`,
    expected: ADDRESS,
  });
}

/** A mask that is written as an address. */
function written(line: Line, size: number): [text: string, mask: number[] | undefined] {
  const { text } = line.word("mask", "a mask such as 255.255.255.0");
  const mask = isIP(text) === 0 ? undefined : bytesOf(text);
  return [text, mask?.length === size ? mask : undefined];
}

function fits({ all, same, names }: Names, name: string, pair: string): boolean {
  return all || (same && name === pair) || names.has(name);
}
