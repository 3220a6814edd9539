/** Scenes of clients and servers that were at work and end: by themselves, by each other, by a timeout. */
import { setTimeout as sleep } from "node:timers/promises";
import { cancelRequest, query } from "../../../engine/wire/writer.ts";
import {
  ask,
  busy,
  enter,
  hangUp,
  keyed,
  leave,
  type Scene,
  say,
  startup,
  toil,
  value,
} from "./scene.ts";
import type { Side } from "./side.ts";

/** Ends the process that serves a client. */
async function terminateServer(side: Side, pid: string): Promise<void> {
  const direct = await side.stage.direct();
  await direct.query(`select pg_terminate_backend(${pid})`);
  await direct.end();
}

/** Waits for the end of a client that the pooler sends away. */
const sentAway = async (side: Side, database: string, sql: string): Promise<void> => {
  const raw = await busy(side, sql, database);
  await raw.end();
};

const PID = "select pg_backend_pid()";
const enterFar = (side: Side): Promise<void> => say(side, startup("alice", "far")).end();

export const GOINGS: Readonly<Record<string, Scene>> = {
  "a client says goodbye": {
    play: async (side) => leave(await busy(side)),
  },
  "a client hangs up": {
    play: async (side) => hangUp(await busy(side)),
  },
  "a client hangs up in a transaction": {
    play: async (side) => hangUp(await busy(side, "begin")),
  },
  "a client says goodbye in a transaction": {
    play: async (side) => leave(await busy(side, "begin")),
  },
  "a client hangs up in a query": {
    play: async (side) => {
      const raw = await enter(side);
      await toil(side, raw);
      await hangUp(raw);
    },
  },
  "a client says goodbye in a query": {
    play: async (side) => {
      const raw = await enter(side);
      await toil(side, raw);
      await leave(raw);
    },
  },
  "a client hangs up between two answers": {
    play: async (side) => {
      const raw = await enter(side);
      raw.send(query("select 1"));
      await toil(side, raw);
      await raw.until("Z");
      await hangUp(raw);
    },
  },
  "a client is gone at once": {
    play: async (side) => {
      const raw = await busy(side, "begin");
      raw.socket.resetAndDestroy();
      await raw.end();
    },
  },
  "a client hangs up in the middle of a message": {
    play: async (side) => {
      const raw = await busy(side);
      raw.send(query("select 1").subarray(0, 9));
      await hangUp(raw);
    },
  },
  "a client hangs up in a COPY": {
    play: async (side) => {
      const raw = await enter(side);
      raw.send(query("create temp table t (i int); copy t from stdin"));
      await raw.until("G");
      await hangUp(raw);
    },
  },
  "a server ends in a transaction": {
    play: async (side) => {
      const raw = await busy(side, "begin");
      await terminateServer(side, await value(raw, PID));
      await raw.end();
    },
  },
  "a server ends in a query": {
    play: async (side) => {
      const raw = await enter(side);
      const pid = await value(raw, PID);
      await toil(side, raw);
      await terminateServer(side, pid);
      await raw.end();
    },
  },
  "a server ends that nobody uses": {
    play: async (side) => {
      const raw = await enter(side);
      await terminateServer(side, await value(raw, PID));
      await sleep(500);
      await leave(raw);
    },
  },
  "a query takes too long": {
    settings: { query_timeout: 1 },
    play: async (side) => {
      const raw = await enter(side);
      await toil(side, raw);
      await raw.end();
    },
  },
  "a transaction idles": {
    settings: { idle_transaction_timeout: 1 },
    play: (side) => sentAway(side, "app", "begin"),
  },
  "a transaction takes too long": {
    settings: { transaction_timeout: 1 },
    play: (side) => sentAway(side, "app", "begin"),
  },
  "a client idles": {
    settings: { client_idle_timeout: 1 },
    play: (side) => sentAway(side, "app", "select 1"),
  },
  "a client waits too long": {
    settings: { query_wait_timeout: 1 },
    play: async (side) => {
      const first = await busy(side, "begin", "alone");
      const second = await enter(side, "alone");
      second.send(query("select 1"));
      await second.end();
      await leave(first);
    },
  },
  "a server idles": {
    settings: { server_idle_timeout: 1 },
    play: async (side) => {
      const raw = await busy(side);
      await sleep(2_000);
      await leave(raw);
    },
  },
  "a server is old": {
    settings: { server_lifetime: 1 },
    play: async (side) => {
      const raw = await busy(side);
      await sleep(2_000);
      await leave(raw);
    },
  },
  "a server is for one use": {
    settings: { server_lifetime: 0 },
    play: async (side) => leave(await busy(side)),
  },
  "a server makes room for another user's": {
    settings: { max_db_connections: 1 },
    play: async (side) => {
      const first = await busy(side);
      const second = await enter(side, "app", "bob");
      await ask(second, "select 1");
      await leave(first, second);
    },
  },
  "a server of the reserve": {
    settings: { reserve_pool_size: 1, reserve_pool_timeout: 1 },
    play: async (side) => {
      const first = await busy(side, "begin", "alone");
      await leave(first, await busy(side, "select 1", "alone"));
    },
  },
  "a transaction block in statement mode": {
    settings: { pool_mode: "statement" },
    play: async (side) => {
      const raw = await enter(side);
      raw.send(query("begin"));
      await raw.end();
    },
  },
  "a parameter that the server refuses": {
    play: async (side) => {
      const raw = say(side, startup("alice", "app", ["client_encoding", "nonsense"]));
      await raw.until("Z");
      raw.send(query("select 1"));
      await raw.end();
    },
  },
  "a query is cancelled": {
    play: async (side) => {
      const [raw, key] = await keyed(side);
      await toil(side, raw);
      await say(side, cancelRequest(key)).end();
      await raw.until("E");
      await raw.until("Z", 2);
      await leave(raw);
    },
  },
  "nothing is there to be cancelled": {
    play: async (side) => {
      const [raw, key] = await keyed(side);
      await say(side, cancelRequest(key)).end();
      await leave(raw);
    },
  },
  "nobody listens where the server is to be": {
    settings: { query_wait_timeout: 1 },
    far: ({ shut }) => `host=127.0.0.1 port=${shut}`,
    play: enterFar,
  },
  "there is no such Unix socket": {
    settings: { query_wait_timeout: 1 },
    far: "host=/nowhere port=5432",
    play: enterFar,
  },
  "the server does not answer": {
    settings: { query_wait_timeout: 2, server_connect_timeout: 1 },
    far: ({ mute }) => `host=127.0.0.1 port=${mute}`,
    play: enterFar,
  },
  "the server hangs up": {
    settings: { query_wait_timeout: 1 },
    far: ({ rude }) => `host=127.0.0.1 port=${rude}`,
    play: enterFar,
  },
  "the server knows no TLS": {
    settings: { query_wait_timeout: 1, server_tls_sslmode: "require" },
    far: ({ plain }) => `host=127.0.0.1 port=${plain}`,
    play: enterFar,
  },
  "the server has no such database": {
    far: ({ database }) => `${database} dbname=none`,
    play: enterFar,
  },
  "the server knows no such user": {
    far: ({ database }) => `${database} dbname=postgres user=nobody-at-all`,
    play: enterFar,
  },
};
