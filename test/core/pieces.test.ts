/** A turn with very much to do ends in pieces, so that its effects need little room. */
import { expect, test } from "vitest";
import { Core, EFFECT } from "../../engine/core/index.ts";
import { settings } from "./helpers.ts";

/** A core whose first server has just logged in, for which so many clients have waited to log in. */
function waited(clients: number): Core {
  const core = new Core(settings({ max_client_conn: clients }));
  const [database, user] = [core.database("db"), core.user("app")];
  for (let i = 0; i < clients; i++) {
    const client = core.accept(0);
    core.startup(0, client, database, user);
    core.authenticated(0, client);
  }
  core.settle(0);
  let server = -1;
  while (core.effects.next()) if (core.effects.kind === EFFECT.open) server = core.effects.server;
  core.connected(0, server);
  core.loggedIn(0, server);
  return core;
}

/** Who has been welcomed by the effects that wait. */
function welcomed(core: Core): number[] {
  const clients: number[] = [];
  while (core.effects.next())
    if (core.effects.kind === EFFECT.welcome) clients.push(core.effects.client);
  return clients;
}

test("forty thousand clients are welcomed in order of arrival, by pieces of 16 384", () => {
  const core = waited(40_000);
  const pieces = [];
  for (let unfinished = true; unfinished; ) {
    unfinished = core.settle(0);
    pieces.push(welcomed(core));
  }
  expect(pieces.flat()).toEqual(Array.from({ length: 40_000 }, (_, client) => client));
  for (const piece of pieces) expect(piece.length).toBeLessThanOrEqual(16_385);
  expect(core.settle(0)).toBe(false);
});

test("a turn with little to do ends at once", () => {
  const core = waited(100);
  expect(core.settle(0)).toBe(false);
  expect(welcomed(core)).toHaveLength(100);
});
