/** What happens in front of a pooler while its log is looked at, and the words to say it in. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { FRONTEND } from "../../../engine/wire/messages.ts";
import { message, query, startupMessage, terminate } from "../../../engine/wire/writer.ts";
import { Raw } from "../raw.ts";
import type { Stage } from "../stage.ts";
import type { Settings, Side } from "./side.ts";

export interface Scene {
  readonly settings?: Settings;
  /** Text of auth_file, where it is not the stage's. */
  readonly users?: string;
  /** Text of auth_hba_file. */
  readonly rules?: string;
  /** Where the entry `far` leads to; none: there is no such entry. */
  readonly far?: string | ((places: Places) => string);
  readonly play: (side: Side) => Promise<void>;
}

/** Ports at which no database is. */
export interface Places {
  /** Nobody listens there. */
  readonly shut: number;
  /** Connections are taken, and no word is said. */
  readonly mute: number;
  /** Connections are cut. */
  readonly rude: number;
  /** Who is there speaks something else. */
  readonly other: number;
  /** Who is there knows no TLS. */
  readonly plain: number;
  /** Host and port of the database, as keys of an entry. */
  readonly database: string;
}

/** Opens the ports; the servers are to be closed. */
export async function places(stage: Stage): Promise<[Places, Server[]]> {
  const servers: Server[] = [];
  const at = async (take: (socket: Socket) => void): Promise<number> => {
    const server = createServer((socket) => take(socket.on("error", () => undefined)));
    servers.push(server);
    await once(server.listen(0, "127.0.0.1"), "listening");
    return (server.address() as AddressInfo).port;
  };
  const { host, port } = stage.database;
  const found = {
    shut: await at(() => undefined),
    mute: await at((socket) => socket.resume()),
    rude: await at((socket) => socket.destroy()),
    other: await at((socket) => socket.resume().write("HTTP/1.1 400 Bad Request\r\n\r\n")),
    plain: await at((socket) => socket.on("data", () => socket.write("N"))),
    database: `host=${host} port=${port}`,
  };
  const shut = servers.shift() as Server;
  await once(shut.close(), "close");
  return [found, servers];
}

export const GOODBYE = terminate();

export const startup = (
  user: string,
  database: string,
  ...more: readonly [name: string, value: string][]
): Buffer => startupMessage([["user", user], ["database", database], ...more]);

/** A client that has sent this. */
export function say(side: Side, ...packets: Buffer[]): Raw {
  const raw = new Raw(side.pooler);
  raw.send(...packets);
  return raw;
}

/** A client that is in. */
export const enter = (side: Side, database = "app", user = "alice"): Promise<Raw> =>
  Raw.login(side.pooler, user, database);

/** One that is in and has asked something. */
export async function busy(side: Side, sql = "select 1", database = "app"): Promise<Raw> {
  const raw = await enter(side, database);
  await ask(raw, sql);
  return raw;
}

/** Asks, and waits for the end of the answer. */
export async function ask(raw: Raw, sql: string): Promise<void> {
  const before = raw.count("Z");
  raw.send(query(sql));
  await raw.until("Z", before + 1);
}

/** Asks what is not answered for a while; the database is at work on it. */
export async function toil(side: Side, raw: Raw): Promise<void> {
  const sql = `select pg_sleep(20) as turn_${++turns}`; // Those before may be at it still.
  raw.send(query(sql));
  await side.stage.busyWith(sql, 1);
}
let turns = 0;

/** The first value of an answer. */
export async function value(raw: Raw, sql: string): Promise<string> {
  await ask(raw, sql);
  return raw.messages.findLast(({ type }) => type === "D")?.body.toString("utf8", 6) ?? "";
}

/** A client that is in, and its key. */
export async function keyed(side: Side, database = "app", user = "alice"): Promise<[Raw, Buffer]> {
  const raw = say(side, startup(user, database));
  await raw.until("Z");
  return [raw, raw.messages.find(({ type }) => type === "K")?.body ?? Buffer.alloc(8)];
}

/** Goes as one should. */
export async function leave(...raws: readonly Raw[]): Promise<void> {
  for (const raw of raws) {
    raw.send(GOODBYE);
    await raw.end();
  }
}

/** Goes without a word. */
export async function hangUp(raw: Raw): Promise<void> {
  raw.socket.end();
  await raw.end();
}

export const password = (text: string): Buffer =>
  message(FRONTEND.password, Buffer.from(`${text}\0`));
