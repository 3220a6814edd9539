/**
 * Files of rules who may log in from where and how (auth_hba_file), and of maps to users from names in
 * certificates and of the system's users (auth_ident_file). A broken line is told and left out, as in PgBouncer; one that
 * PgBouncer would obey and we cannot is refused with its file, or the next rule would decide in its place.
 * Source: PgBouncer 1.25.2 src/hba.c.
 */
import { BlockList, isIP } from "node:net";
import { dirname, isAbsolute, join } from "node:path";
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

/** Addresses of one family. A BlockList alone would let `::/0` stand for IPv4 too. */
interface Addresses {
  readonly family: "ipv4" | "ipv6";
  /** Empty where the address has bits beyond its mask, which PgBouncer takes and nobody fits. */
  readonly list: BlockList;
  readonly empty: boolean;
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

/** Gets what is wrong with a line that is left out. */
export type OnBroken = (error: ConfigError) => void;

/**
 * Reads a file of rules; `maps` are those that rules may name. Throws ConfigError for a file that cannot be
 * read, and for a line that PgBouncer would obey and we cannot.
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
    const name = line.take("name of the map", "a word").text;
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
  for (const [at, content] of linesOf(readOrRefuse(file, file, readFile), file)) {
    try {
      const line = new Line(at, content);
      if (!line.ended) take(line);
    } catch (error) {
      if (!(error instanceof ConfigError) || error instanceof CannotObey) throw error;
      onBroken(error);
    }
  }
}

/** A line that is in order for PgBouncer. */
class CannotObey extends ConfigError {}

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
    this.content = content;
    const pattern = /\s*(?:(#.*)|(,)|"((?:[^"]|"")*)"|([^\s,#"]+)|(\S))/gy;
    for (const found of content.matchAll(pattern)) {
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
  const databases = readNames(line, "database", { file, readFile, column: "database" });
  const users = readNames(line, "user", { file, readFile, column: "user" });
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
  if (addresses?.empty) return "no client fits this rule: its address has bits beyond the mask";
  if (ldap === undefined || !("mistake" in ldap)) return undefined;
  return `this rule lets nobody in: ${ldap.mistake}`;
}

function oneOf<T extends string>(line: Line, name: string, words: readonly T[]): T {
  const { text } = line.take(name, words.join(" | "));
  const known = words.find((word) => word === text);
  if (known !== undefined) return known;
  const expected = words.join(" | ");
  throw new ConfigError({ at: line.at, name, got: text, expected, fix: didYouMean(text, words) });
}

function readMethod(line: Line): { method: HbaMethod; word: Token } {
  const word = line.take("method", HBA_METHODS.join(" | "));
  const { text } = word;
  const method = HBA_METHODS.find((known) => known === text);
  if (method !== undefined) return { method, word };
  const [at, name, expected] = [line.at, "method", HBA_METHODS.join(" | ")];
  throw new ConfigError({ at, name, got: text, expected, fix: didYouMean(text, HBA_METHODS) });
}

function readMap(line: Line, maps: IdentMaps): HbaRule["map"] {
  const { text } = line.take("option", "map=NAME");
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
  readonly column: "database" | "user";
  readonly readFile: ReadFile;
}

function readNames(line: Line, name: string, source: Source): Names {
  const names: Names = { all: false, same: false, replication: false, names: new Set() };
  do addName(names, line.take(name, "a name"), line.at, source);
  while (line.comma());
  return names;
}

function addName(names: Names, { text, quoted }: Token, at: string, source: Source): void {
  const ofDatabases = source.column === "database";
  if (quoted) names.names.add(text);
  else if (text === "all") names.all = true;
  else if (text === "sameuser" && ofDatabases) names.same = true;
  else if (text.startsWith("+") || (ofDatabases && ROLES.includes(text))) {
    const fix = "PgBouncer knows no roles either";
    throw new ConfigError({ at, name: "name", got: text, expected: "names, all or sameuser", fix });
  } else if (text.startsWith("@")) addFile(names, text.slice(1), at, source);
  else if (text === "replication" && ofDatabases) names.replication = true;
  else names.names.add(text); // In the column of users the words above are names like others.
}

const ROLES = ["samerole", "samegroup"];

function addFile(names: Names, name: string, at: string, source: Source): void {
  const { file, readFile } = source;
  const path = isAbsolute(name) ? name : join(dirname(file), name);
  if (path === file) throw new ConfigError({ at, name: "@", got: name, expected: "another file" });
  for (const [place, content] of linesOf(readOrRefuse(path, at, readFile), path)) {
    const line = new Line(place, content);
    if (line.ended) continue;
    const more = readNames(line, "name", { ...source, file: path });
    line.end();
    names.all ||= more.all;
    names.same ||= more.same;
    names.replication ||= more.replication;
    for (const other of more.names) names.names.add(other);
  }
}

const ADDRESS = "all, ADDRESS/BITS, or ADDRESS MASK";

function readAddresses(line: Line): Addresses | undefined {
  const { text } = line.take("address", ADDRESS);
  if (text === "all") return undefined;
  const [address = "", bits] = text.split("/");
  const family = isIP(address);
  const refuse = (got: string, fix?: string): ConfigError =>
    new ConfigError({ at: line.at, name: "address", got, expected: ADDRESS, fix });
  if (family === 0) throw refuse(text, "names of machines are not looked up");
  const mask = bits ?? line.take("mask", "a mask such as 255.255.255.0").text;
  const length = bits === undefined ? bitsOf(mask) : Number(bits);
  if (length === undefined && isIP(mask) === family)
    throw new CannotObey({ at: line.at, name: "mask", got: mask, expected: "ones, then zeros" });
  const most = family === 4 ? 32 : 128;
  if (length === undefined || !/^\d+$|[.:]/.test(mask) || length > most || length < 0)
    throw refuse(`${address} ${mask}`);
  const beyond = (byte: number, index: number): boolean =>
    (byte & ~maskByte(length, index) & 0xff) !== 0;
  const empty = bytesOf(address).some(beyond);
  const list = new BlockList();
  const name = familyOf(address);
  if (!empty) list.addSubnet(address, length, name);
  return { family: name, list, empty };
}

/** Leading ones of a mask; undefined: it is none, or has further ones behind a zero. */
function bitsOf(mask: string): number | undefined {
  if (isIP(mask) === 0) return undefined;
  const bits = bytesOf(mask)
    .map((byte) => byte.toString(2).padStart(8, "0"))
    .join("");
  return /^1*0*$/.test(bits) ? bits.lastIndexOf("1") + 1 : undefined;
}

const maskByte = (length: number, index: number): number =>
  0xff & (0xff00 >> Math.min(8, Math.max(0, length - 8 * index)));

function bytesOf(address: string): number[] {
  if (isIP(address) === 4) return address.split(".").map(Number);
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const [, start = "", ...four] = dotted ?? [];
  const [a = 0, b = 0, c = 0, d = 0] = four.map(Number);
  const text = dotted
    ? `${start}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
    : address;
  const [head = "", tail] = text.split("::");
  const words = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((word) => Number.parseInt(word, 16));
  const [first, last] = [words(head), words(tail ?? "")];
  const middle = Array.from(
    { length: tail === undefined ? 0 : 8 - first.length - last.length },
    () => 0,
  );
  return [...first, ...middle, ...last].flatMap((word) => [word >> 8, word & 0xff]);
}

/** An IPv4 client on an IPv6 socket has an address such as `::ffff:10.0.0.1`; it counts as IPv4. */
function addressFits(addresses: Addresses | undefined, address: string | undefined): boolean {
  if (addresses === undefined || address === undefined) return true;
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "");
  return addresses.family === familyOf(plain) && addresses.list.check(plain, addresses.family);
}

const familyOf = (address: string): Addresses["family"] => (isIP(address) === 4 ? "ipv4" : "ipv6");

function fits({ all, same, names }: Names, name: string, pair: string): boolean {
  return all || (same && name === pair) || names.has(name);
}
