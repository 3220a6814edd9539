/** Scenes of clients that do not come in, or only just: broken packets, limits, passwords, look-ups. */
import { setTimeout as sleep } from "node:timers/promises";
import { FRONTEND } from "../../../engine/wire/messages.ts";
import { cancelRequest, message, query, startupMessage } from "../../../engine/wire/writer.ts";
import {
  busy,
  enter,
  GOODBYE,
  hangUp,
  leave,
  password,
  type Scene,
  say,
  startup,
} from "./scene.ts";
import type { Side } from "./side.ts";

const SECRETS = '"alice" "x"\n"admin" "y"\n';
const SSL = Buffer.from("0000000804d2162f", "hex");
const GSSENC = Buffer.from("0000000804d21630", "hex");
const bytes = (text: string): Buffer => Buffer.from(text, "latin1");

/** Sends a packet, and waits for the end. */
const refused = (packet: Buffer) => (side: Side) => say(side, packet).end();

/** Sends a packet to who asks for a password, and waits for the end. */
const answering =
  (packet: Buffer, user = "alice") =>
  async (side: Side): Promise<void> => {
    const raw = say(side, startup(user, "app"));
    await raw.until("R");
    raw.send(packet);
    await raw.end();
  };

/** One more than there may be. */
const tooMany = async (side: Side): Promise<void> => {
  const raw = await busy(side);
  await say(side, startup("alice", "app")).end();
  await leave(raw);
};

/** Sends a packet once it is in, and waits for the end. */
const offending =
  (...packets: Buffer[]) =>
  async (side: Side): Promise<void> => {
    const raw = await enter(side);
    raw.send(...packets);
    await raw.end();
  };

const enterWith = (user: string, secret: string) => async (side: Side) => {
  const entering = side.stage.client(side.pooler, { user, password: secret });
  await entering.catch(() => undefined);
};

const version = (major: number): Buffer => {
  const packet = startup("alice", "app");
  packet[5] = major;
  return packet;
};

const parse = message(FRONTEND.parse, bytes("a\0select 1\0\0\0"));
const bind = message(FRONTEND.bind, bytes("\0b\0\0\0\0\0\0\0"));
const sync = message(FRONTEND.sync);

export const COMINGS: Readonly<Record<string, Scene>> = {
  "version 2 of the protocol": {
    play: refused(Buffer.concat([bytes("\0\0\x01\x28\0\x02\0\0"), Buffer.alloc(288)])),
  },
  "version 4 of the protocol": { play: refused(version(4)) },
  "a password without a user": { play: refused(password("x")) },
  "no user": { play: refused(startupMessage([["database", "app"]])) },
  "no database": { play: refused(startup("alice", "none")) },
  "a database that has the user's name": { play: refused(startupMessage([["user", "alice"]])) },
  "a packet without an end": { play: refused(bytes("\0\0\0\x13\0\x03\0\0user\0alice\0")) },
  "a user who is not known": { play: refused(startup("zed", "app")) },
  "a cancel request with a key that nobody has": { play: refused(cancelRequest(Buffer.alloc(8))) },
  "options that are none": { play: refused(startup("alice", "app", ["options", "foo"])) },
  "options that have no place": {
    play: refused(startup("alice", "app", ["options", "-c search_path=x"])),
  },
  "half a packet": {
    play: async (side) => hangUp(say(side, startup("alice", "app").subarray(0, 12))),
  },
  "a probe for TLS": { play: async (side) => hangUp(say(side, SSL)) },
  "a probe for GSSAPI": { play: async (side) => hangUp(say(side, GSSENC)) },
  "who is asked for a password and goes": {
    settings: { auth_type: "md5" },
    users: SECRETS,
    play: async (side) => {
      const raw = say(side, startup("alice", "app"));
      await raw.until("R");
      await hangUp(raw);
    },
  },
  "who is asked for a password and goes within it": {
    settings: { auth_type: "md5" },
    users: SECRETS,
    play: async (side) => {
      const raw = say(side, startup("alice", "app"));
      await raw.until("R");
      raw.send(password("x".repeat(30)).subarray(0, 9));
      await sleep(100);
      await hangUp(raw);
    },
  },
  "a goodbye for a password": {
    settings: { auth_type: "md5" },
    users: SECRETS,
    play: answering(GOODBYE),
  },
  "a query for a password": {
    settings: { auth_type: "md5" },
    users: SECRETS,
    play: answering(query("select 1")),
  },
  "a startup packet for a password": {
    settings: { auth_type: "md5" },
    users: SECRETS,
    play: answering(startup("alice", "app")),
  },
  "an empty password": {
    settings: { auth_type: "plain" },
    users: SECRETS,
    play: answering(password("")),
  },
  "a wrong answer to md5": {
    settings: { auth_type: "md5" },
    users: SECRETS,
    play: answering(password(`md5${"0".repeat(32)}`)),
  },
  "a wrong password, by SCRAM": {
    settings: { auth_type: "scram-sha-256" },
    users: SECRETS,
    play: enterWith("alice", "no"),
  },
  "a user who is not known, by SCRAM": {
    settings: { auth_type: "scram-sha-256" },
    users: SECRETS,
    play: enterWith("zed", "no"),
  },
  "another mechanism than SCRAM": {
    settings: { auth_type: "scram-sha-256" },
    users: SECRETS,
    play: answering(message(FRONTEND.password, bytes("NONSENSE\0\0\0\0\0"))),
  },
  "a first message that is none of SCRAM's": {
    settings: { auth_type: "scram-sha-256" },
    users: SECRETS,
    play: answering(message(FRONTEND.password, bytes("SCRAM-SHA-256\0\0\0\0\x04abcd"))),
  },
  "SCRAM for a user with an md5 secret": {
    settings: { auth_type: "scram-sha-256" },
    users: `"alice" "md5${"0".repeat(32)}"\n`,
    play: enterWith("alice", "no"),
  },
  "a rule that rejects": {
    settings: { auth_type: "hba" },
    rules: "host all alice 127.0.0.1/32 reject\n",
    play: refused(startup("alice", "app")),
  },
  "no rule": {
    settings: { auth_type: "hba" },
    rules: "host all bob 127.0.0.1/32 trust\n",
    play: refused(startup("alice", "app")),
  },
  "anybody, where no user is forced": {
    settings: { auth_type: "any" },
    play: refused(startup("zed", "app")),
  },
  "one more than max_client_conn": { settings: { max_client_conn: 1 }, play: tooMany },
  "one more than max_db_client_connections": {
    settings: { max_db_client_connections: 1 },
    play: tooMany,
  },
  "one more than max_user_client_connections": {
    settings: { max_user_client_connections: 1 },
    play: tooMany,
  },
  "who never answers": {
    settings: { client_login_timeout: 1, auth_type: "md5" },
    users: SECRETS,
    play: refused(startup("alice", "app")),
  },
  "who waits for a server that is down": {
    settings: { client_login_timeout: 1 },
    far: ({ shut }) => `host=127.0.0.1 port=${shut}`,
    play: refused(startup("alice", "far")),
  },
  "a message that there is not": { play: offending(message(33, bytes("x\0"))) },
  "a message of servers": { play: offending(message(90, bytes("I"))) },
  "a message that is too short": { play: offending(bytes("Q\0\0\0\x01")) },
  "a password too late": { play: offending(password("x")) },
  "a statement prepared twice": {
    settings: { max_prepared_statements: 10 },
    play: offending(parse, sync, parse, sync),
  },
  "a statement that nobody has prepared": {
    settings: { max_prepared_statements: 10 },
    play: offending(bind, sync),
  },
  "a statement that cannot be read": {
    settings: { max_prepared_statements: 10 },
    play: offending(message(FRONTEND.bind, bytes("abc"))),
  },
  "simple queries, which are not allowed": {
    settings: { disable_pqexec: 1 },
    play: offending(query("select 1")),
  },
  "a look-up in a database that there is not": {
    settings: { auth_type: "md5", auth_user: "alice", auth_dbname: "none" },
    users: SECRETS,
    play: refused(startup("zed", "app")),
  },
};
