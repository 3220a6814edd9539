/**
 * An LDAP server for tests: entries with passwords, and a list of what it has been asked. It speaks as much
 * of the protocol as a login needs. Source: RFC 4511.
 */
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, TLSSocket } from "node:tls";
import { bytesOf, textOf } from "../../engine/wire/text.ts";
import type { Pair } from "./certificates.ts";

/** An entry by its name: its password, and the attributes that a search finds it by, such as `uid=alice`. */
export type Entries = Readonly<Record<string, { password: string; attributes: readonly string[] }>>;

export class LdapServer {
  /** What it has been asked, such as `bind cn=reader` and `search dc=acme 2 (uid=alice)`. */
  readonly heard: string[] = [];
  /** True: it takes connections and says nothing. */
  silent = false;
  /** Code to answer a search with; 0: it is done. */
  searchCode = 0;
  private readonly entries: Entries;
  private readonly pair: Pair | undefined;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  private constructor(entries: Entries, pair: Pair | undefined, secure: boolean) {
    this.entries = entries;
    this.pair = pair;
    const serve = (socket: Socket): void => this.serve(socket);
    this.server = secure ? createTlsServer(contextOf(pair), serve) : createServer(serve);
    this.server.on("connection", (socket) => this.sockets.add(socket));
  }

  /** `pair`: for StartTLS, or with `secure` for all of it. */
  static async start(entries: Entries, pair?: Pair, secure = false): Promise<LdapServer> {
    const started = new LdapServer(entries, pair, secure);
    await new Promise<void>((resolve) => started.server.listen(0, "127.0.0.1", resolve));
    return started;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Connections that are open. */
  get open(): number {
    return [...this.sockets].filter(({ destroyed }) => !destroyed).length;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }

  private serve(socket: Socket): void {
    let bytes = Buffer.alloc(0);
    socket.on("error", () => undefined);
    socket.on("data", (more: Buffer) => {
      bytes = Buffer.concat([bytes, more]);
      for (let found = element(bytes); found !== undefined; found = element(bytes)) {
        bytes = bytes.subarray(found.end);
        if (!this.silent) this.take(socket, found.body);
      }
    });
  }

  private take(socket: Socket, message: Buffer): void {
    const [id, request] = elements(message) as [Element, Element];
    const reply = (tag: number, ...parts: Buffer[]): unknown =>
      socket.write(tlv(0x30, tlv(0x02, id.body), tlv(tag, ...parts)));
    const parts = elements(request.body).map(({ body }) => body);
    const text = (index: number): string => textOf(parts[index] ?? Buffer.alloc(0));
    if (request.tag === 0x60) reply(0x61, ...result(this.bind(text(1), text(2))));
    else if (request.tag === 0x63) {
      const filter = words(elements(request.body)[6] as Element);
      this.heard.push(`search ${text(0)} ${parts[1]?.[0]} ${filter}`);
      for (const name of this.found(filter)) reply(0x64, tlv(0x04, bytesOf(name)), tlv(0x30));
      reply(0x65, ...result(this.searchCode));
    } else if (request.tag === 0x77) {
      this.heard.push("extended");
      reply(0x78, ...result(this.pair === undefined ? 2 : 0));
      if (this.pair !== undefined) this.secure(socket);
    } else if (request.tag === 0x42) {
      this.heard.push("unbind");
      socket.end();
    }
  }

  private secure(socket: Socket): void {
    socket.removeAllListeners("data");
    this.serve(new TLSSocket(socket, { isServer: true, ...contextOf(this.pair) }));
  }

  /** Nobody in particular needs no password. Source: RFC 4513, 5.1.1. */
  private bind(name: string, password: string): number {
    this.heard.push(`bind ${name}`);
    if (name === "") return 0;
    return Object.hasOwn(this.entries, name) && this.entries[name]?.password === password ? 0 : 49;
  }

  private found(filter: string): string[] {
    const fits = (attribute: string): boolean => filter.includes(`(${attribute})`);
    return Object.keys(this.entries).filter((name) => this.entries[name]?.attributes.some(fits));
  }
}

function contextOf(pair: Pair | undefined): { key?: Buffer; cert?: Buffer } {
  return pair === undefined ? {} : { key: readFileSync(pair.key), cert: readFileSync(pair.cert) };
}

interface Element {
  readonly tag: number;
  readonly body: Buffer;
  /** Where the next one begins. */
  readonly end: number;
}

/** The element at the beginning of some bytes; undefined: it is not there as a whole. Source: X.690. */
function element(bytes: Buffer): Element | undefined {
  const [tag, short] = bytes;
  if (tag === undefined || short === undefined) return undefined;
  const long = short & 0x80 ? short & 0x7f : 0;
  if (bytes.length < 2 + long) return undefined;
  const length = long === 0 ? short : bytes.readUIntBE(2, long);
  const end = 2 + long + length;
  return bytes.length < end ? undefined : { tag, body: bytes.subarray(2 + long, end), end };
}

function elements(bytes: Buffer): Element[] {
  const found = element(bytes);
  return found === undefined ? [] : [found, ...elements(bytes.subarray(found.end))];
}

function tlv(tag: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const head =
    body.length < 0x80 ? [tag, body.length] : [tag, 0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from(head), body]);
}

function result(code: number): Buffer[] {
  return [tlv(0x0a, Buffer.from([code])), tlv(0x04), tlv(0x04)];
}

/** A filter as people write it: of equalities, and, or. */
function words({ tag, body }: Element): string {
  const inner = elements(body);
  if (tag === 0xa3) return `(${inner.map((part) => textOf(part.body)).join("=")})`;
  return `(${tag === 0xa0 ? "&" : "|"}${inner.map(words).join("")})`;
}
