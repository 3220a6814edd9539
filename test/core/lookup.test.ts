/** auth_query: a client that still logs in borrows a server of another pool. */
import { expect, test } from "vitest";
import {
  CLIENT,
  Core,
  EFFECT,
  EFFECT_NAMES,
  REASON_NAMES,
  SECOND,
  SERVER,
  STAT,
  STATUS,
} from "../../engine/core/index.ts";
import { settings } from "./helpers.ts";

/** A core and what it has decided so far, as short sentences. */
class Scene {
  now = 0;
  readonly core: Core;
  readonly place: number;
  readonly asker: number;

  constructor(changes: Parameters<typeof settings>[0] = {}) {
    this.core = new Core(settings({ pool_mode: "transaction", ...changes }), 0);
    this.place = this.core.database("db");
    this.asker = this.core.user("asker");
  }

  /** A client connects and is looked up. */
  lookup(): number {
    const client = this.core.accept(this.now);
    this.core.lookup(this.now, client, this.place, this.asker);
    return client;
  }

  drain(): string[] {
    this.core.settle(this.now);
    const said: string[] = [];
    const { effects } = this.core;
    while (effects.next()) {
      const { kind, client, server, detail } = effects;
      const reason =
        kind === EFFECT.drop || kind === EFFECT.close ? ` ${REASON_NAMES[detail]}` : "";
      said.push(
        `${EFFECT_NAMES[kind]} ${kind === EFFECT.close || client < 0 ? `s${server}` : `c${client}`}${reason}`,
      );
    }
    return said;
  }

  /** The server that is connecting logs in. */
  serve(server: number): string[] {
    this.core.connected(this.now, server);
    this.core.loggedIn(this.now, server);
    return this.drain();
  }

  pass(seconds: number): string[] {
    this.now += seconds * SECOND;
    this.core.advance(this.now);
    return this.drain();
  }
}

test("the client waits, is granted a server, gives it back and logs in to its own pool", () => {
  const scene = new Scene({ pool_mode: "session" });
  const { core, place } = scene;
  const client = scene.lookup();
  expect(scene.drain()).toEqual(["wait c0", "open s0"]);
  expect(scene.serve(0)).toEqual(["login s0", "grant c0"]);
  expect(core.clientState(client)).toBe(CLIENT.active);
  core.lookedUp(scene.now, client);
  // Even in session mode: released, and reset as there.
  expect(scene.drain()).toEqual(["unlink c0", "reset s0"]);
  core.ready(scene.now, 0, STATUS.idle);
  expect(core.clientState(client)).toBe(CLIENT.login);
  expect(core.startup(scene.now, client, place, core.user("joe"))).toBe(true);
  core.authenticated(scene.now, client);
  expect(core.clientPool(client).user.settings.name).toBe("joe");
  const [lent] = core.pools;
  const counts = [
    "server_assignment_count",
    "query_count",
    "xact_count",
    "client_login_count",
  ] as const;
  expect(counts.map((name) => lent?.stats[STAT[name]])).toEqual([1, 0, 0, 0]);
});

test("user= of the entry does not change who asks", () => {
  const databases = [{ name: "db", forced_user: "forced" }];
  const { core, ...scene } = new Scene({ databases });
  const client = core.accept(0);
  core.lookup(0, client, scene.place, scene.asker);
  expect(core.clientPool(client).user.settings.name).toBe("asker");
});

test("look-ups queue first in, first out, and count as clients of the pool while they last", () => {
  const scene = new Scene({ default_pool_size: 1 });
  const clients = [scene.lookup(), scene.lookup(), scene.lookup()];
  scene.drain();
  const [pool] = scene.core.pools;
  expect(scene.serve(0)).toEqual(["login s0", "grant c0"]);
  expect([pool?.clients, pool?.waiting.length]).toEqual([1, 2]);
  for (const [index, client] of clients.entries()) {
    scene.core.lookedUp(scene.now, client);
    const next = index < 2 ? [`grant c${index + 1}`] : [];
    expect(scene.drain()).toEqual([`unlink c${client}`, ...next]);
  }
  expect([pool?.clients, pool?.waiting.length]).toEqual([0, 0]);
});

test("client_login_timeout goes on, waiting and asking alike; a server that is being asked is closed", () => {
  const scene = new Scene({ default_pool_size: 1, client_login_timeout: 5 * SECOND });
  scene.lookup();
  scene.lookup();
  scene.drain();
  scene.serve(0);
  expect(scene.pass(5)).toEqual([]);
  const said = scene.pass(1);
  expect(said).toContain("drop c0 client_login_timeout");
  expect(said).toContain("drop c1 client_login_timeout");
  expect(said).toContain("close s0 not_ready");
  // The handles are new ones: nothing is left of their look-ups.
  scene.core.accept(scene.now);
  expect(scene.pass(5)).toEqual([]);
  expect(scene.pass(1)).toEqual(["drop c1 client_login_timeout"]);
});

test("the client goes: its server, which has not answered, goes too", () => {
  const scene = new Scene();
  const client = scene.lookup();
  scene.drain();
  scene.serve(0);
  scene.core.disconnect(scene.now, client);
  expect(scene.drain()).toEqual(["unlink c0", "close s0 not_ready"]);
  expect([scene.core.clientCount, scene.core.serverCount]).toEqual([0, 0]);
});

test("the server goes: the client is dropped", () => {
  const scene = new Scene();
  scene.lookup();
  scene.drain();
  scene.serve(0);
  scene.core.closed(scene.now, 0);
  expect(scene.drain()).toEqual(["unlink c0", "drop c0 server_gone"]);
  expect(scene.core.clientCount).toBe(0);
});

test.each([
  ["shutdown", {}, "shutting_down"],
  ["max_client_conn", { max_client_conn: 1 }, "max_client_conn"],
])("refused at once: %s", (why, changes, reason) => {
  const scene = new Scene(changes);
  scene.core.accept(0);
  if (why === "shutdown") scene.core.shutdown(0, "wait_for_clients");
  scene.lookup();
  expect(scene.drain()).toEqual([`drop c1 ${reason}`]);
});

test("PAUSE holds look-ups back, RESUME serves them", () => {
  const scene = new Scene();
  scene.core.pause(0);
  scene.lookup();
  expect(scene.drain()).toEqual(["paused s-1", "wait c0"].sort().reverse());
  scene.core.resume(0);
  expect(scene.drain()).toEqual(["open s0"]);
  expect(scene.core.serverState(0)).toBe(SERVER.login);
});
