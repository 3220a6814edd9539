/** A server that goes from one client to the next: two effects, or one for hosts that ask for it. */
import { expect, test } from "vitest";
import { Core, DEFAULTS, EFFECT, EFFECT_NAMES, STATUS } from "../../engine/core/index.ts";

/** Two clients and one server: the second waits when the first is served, and has its server after it. */
function told(joining: boolean): { effects: string[]; hash: number } {
  const settings = { ...DEFAULTS, default_pool_size: 1, pool_mode: "transaction" as const };
  const core = new Core({ ...settings, databases: [{ name: "app" }], users: [] });
  core.effects.joining = joining;
  core.effects.hashing = true;
  const [database, user] = [core.database("app"), core.user("app")];
  const clients = [0, 0].map(() => {
    const client = core.accept(0);
    core.startup(0, client, database, user);
    core.authenticated(0, client);
    return client;
  });
  core.connected(1, 0);
  core.loggedIn(1, 0);
  core.settle(1);
  for (const client of clients) core.request(2, client);
  core.settle(2);
  while (core.effects.next());
  core.ready(3, 0, STATUS.idle);
  core.settle(3);
  const effects: string[] = [];
  while (core.effects.next()) {
    const { kind, client, server, detail } = core.effects;
    const next = kind === EFFECT.pass ? ` to c${detail}` : "";
    effects.push(`${EFFECT_NAMES[kind]} c${client} s${server}${next}`);
  }
  return { effects, hash: core.effects.hash };
}

test("an unlink and a grant, or a pass; to a journal they are the same", () => {
  const [two, one] = [told(false), told(true)];
  expect(two.effects).toEqual(["unlink c0 s0", "grant c1 s0"]);
  expect(one.effects).toEqual(["pass c0 s0 to c1"]);
  expect(one.hash).toBe(two.hash);
});
