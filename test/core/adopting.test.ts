/** Clients and servers that come from another process: past login and launch, into pools that go on. */
import { expect, test } from "vitest";
import {
  CLIENT,
  Core,
  EFFECT_NAMES,
  JournalWriter,
  replayJournal,
  SECOND,
  SERVER,
  STAT,
  STATUS,
} from "../../engine/core/index.ts";
import { settings } from "./helpers.ts";
import { recount } from "./recount.ts";

/** A core into which `joe` comes, and what it has decided. */
class Scene {
  now = SECOND;
  readonly core: Core;
  readonly place: number;
  readonly joe: number;

  constructor(changes: Parameters<typeof settings>[0] = {}) {
    this.core = new Core(settings({ pool_mode: "transaction", ...changes }), 0);
    this.place = this.core.database("db");
    this.joe = this.core.user("joe");
  }

  client(): number {
    const client = this.core.accept(this.now);
    if (this.core.startup(this.now, client, this.place, this.joe))
      this.core.adoptClient(this.now, client);
    return client;
  }

  server(client = -1): number {
    return this.core.adoptServer(this.now, client, this.place, this.joe);
  }

  drain(): string[] {
    this.core.settle(this.now);
    recount(this.core);
    const said: string[] = [];
    const { effects } = this.core;
    while (effects.next())
      said.push(`${EFFECT_NAMES[effects.kind]} c${effects.client} s${effects.server}`);
    return said;
  }
}

test("they are in without a word, and no login is counted", () => {
  const scene = new Scene();
  const [client, server] = [scene.client(), scene.server()];
  expect(scene.drain()).toEqual([]);
  expect(scene.core.clientState(client)).toBe(CLIENT.active);
  expect(scene.core.serverState(server)).toBe(SERVER.idle);
  const [pool] = scene.core.pools;
  expect(pool?.welcome_known).toBe(true);
  expect(pool?.stats[STAT.client_login_count]).toBe(0);
  scene.core.request(scene.now, client);
  expect(scene.drain()).toEqual([`grant c${client} s${server}`]);
});

test("a linked server is at work; its answer sets it free for the next", () => {
  const scene = new Scene({ default_pool_size: 1 });
  const [first, second] = [scene.client(), scene.client()];
  const server = scene.server(first);
  expect(scene.core.serverState(server)).toBe(SERVER.active);
  scene.core.request(scene.now, second);
  expect(scene.drain()).toEqual([`wait c${second} s-1`]);
  scene.now += SECOND;
  scene.core.ready(scene.now, server, STATUS.idle);
  expect(scene.drain()).toEqual([`unlink c${first} s${server}`, `grant c${second} s${server}`]);
  expect(scene.core.pools[0]?.stats[STAT.query_time]).toBe(SECOND);
});

test("a transaction that is open stays so: its client has its server at once", () => {
  const scene = new Scene();
  const client = scene.client();
  const server = scene.server(client);
  scene.core.ready(scene.now, server, STATUS.transaction);
  expect(scene.drain()).toEqual([]);
  expect(scene.core.request(scene.now, client)).toBe(server);
});

test("limits hold for clients; servers that are there are there", () => {
  const scene = new Scene({ max_client_conn: 1, default_pool_size: 1, max_db_connections: 1 });
  scene.client();
  const second = scene.client();
  scene.server();
  scene.server();
  expect(scene.drain()).toEqual([`drop c${second} s-1`]);
  expect(scene.core.pools[0]?.servers).toBe(2);
});

test("without a server nothing is known of the pool's servers, and one is opened for who asks", () => {
  const scene = new Scene();
  const client = scene.client();
  expect(scene.core.pools[0]?.welcome_known).toBe(false);
  scene.core.request(scene.now, client);
  expect(scene.drain()).toEqual([`wait c${client} s-1`, "open c-1 s0"]);
});

test("the pool of a forced user is the one that its clients have", () => {
  const databases = [{ name: "db", forced_user: "joe" }];
  const scene = new Scene({ databases });
  const server = scene.server();
  const client = scene.core.accept(scene.now);
  scene.core.startup(scene.now, client, scene.place, scene.core.user("ann"));
  scene.core.adoptClient(scene.now, client);
  expect(scene.core.pools).toHaveLength(1);
  expect(scene.core.pools[0]?.forced).toBe(true);
  expect(scene.core.clientPool(client)).toBe(scene.core.serverPool(server));
});

test("a journal replays them", () => {
  const core = new Core(settings({ pool_mode: "transaction" }), 0);
  const pieces: Uint8Array[] = [];
  const writer = new JournalWriter(core, 0, (bytes) => pieces.push(bytes) > 0);
  const [place, joe] = [core.database("db"), core.user("joe")];
  const client = core.accept(1);
  core.startup(1, client, place, joe);
  core.adoptClient(1, client);
  const server = core.adoptServer(2, client, place, joe);
  core.adoptServer(2, -1, place, joe);
  core.ready(3, server, STATUS.idle);
  core.settle(3);
  while (core.effects.next());
  writer.end();
  const { core: replayed, checks } = replayJournal(Buffer.concat(pieces));
  expect(checks).toBeGreaterThan(0);
  expect(replayed.pools[0]?.idle.length).toBe(2);
  expect(replayed.clientState(client)).toBe(CLIENT.active);
});
