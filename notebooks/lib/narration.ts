/** What happens in a film, in sentences. */
import type { Nanos } from "../../engine/core/index.ts";
import { duration, percent, whole } from "../../sim/report/units.ts";
import type { Change, State } from "../../sim/study/film.ts";
import type { Scene } from "./film.ts";

const MILLISECOND = 1e6;
const time = (nanos: Nanos): string => duration(nanos / MILLISECOND);

/** The states in words, for the legend. */
export const WORDS: Readonly<Record<State, string>> = {
  away: "not connected",
  thinking: "pausing, needs nothing",
  waiting: "waiting for a server connection",
  working: "working on a server connection",
  holding: "holding a server connection without using it",
};

/** The moves of the film up to its next moment, one sentence each; the scene moves with them. */
export function step(scene: Scene): string[] {
  const at = scene.next;
  if (at === undefined) return ["The film is over."];
  const before = scene.states.slice();
  const queued = scene.queue.slice();
  const waited = new Map(queued.map((client) => [client, at - (scene.at - scene.waited(client))]));
  const changes = scene.advance(at);
  return changes.map((change) =>
    sentence(change, before[change.client] as State, scene, waited.get(change.client) ?? 0),
  );
}

function sentence(
  { client, state, server }: Change,
  before: State,
  scene: Scene,
  waited: Nanos,
): string {
  const who = `Client ${client}`;
  switch (state) {
    case "waiting":
      return `${who} asks. ${room(scene)}: it waits, number ${scene.queue.indexOf(client) + 1} in the queue.`;
    case "working":
      if (before === "waiting")
        return `${who} has waited ${time(waited)} and gets server ${server}.`;
      if (before === "holding") return `${who} asks again, on server ${server}, which it has kept.`;
      return `${who} asks and gets server ${server} at once.`;
    case "holding":
      return `${who} has its answer and keeps server ${server}.`;
    case "thinking":
      if (before === "away") return `${who} is connected.`;
      return `${who} is done; its server is free again.`;
    case "away":
      if (before === "waiting")
        return `${who} has waited ${time(waited)} and is dropped: query_wait_timeout.`;
      return `${who} disconnects; its server is free again.`;
  }
}

/** Why nobody can be served at once. */
function room(scene: Scene): string {
  const { servers } = scene.film;
  const counts = scene.counts();
  const taken = counts.working + counts.holding;
  return taken >= servers ? `All ${servers} connections are taken` : "A connection is being opened";
}

/** The scene in one sentence: the text alternative of the picture. */
export function summary(scene: Scene): string {
  const { clients, servers, pool_mode } = scene.film;
  const counts = scene.counts();
  const idle = counts.holding;
  const held =
    idle > 0 ? `, ${whole(idle)} of them held by a client that does not use them now` : "";
  return (
    `${pool_mode} mode: of ${whole(clients)} clients ${whole(counts.waiting)} ${counts.waiting === 1 ? "waits" : "wait"}; ` +
    `${counts.working + idle} of ${servers} server connections are taken${held}.`
  );
}

/** What has been done so far. */
export function score(scene: Scene): string {
  const { statements, waits, film } = scene;
  const served = new Set<number>();
  for (let i = 0; i < scene.shown; i++) {
    const change = film.changes[i] as Change;
    if (change.state === "working") served.add(change.client);
  }
  const longest = waits.reduce((most, wait) => Math.max(most, wait), 0);
  const waited =
    waits.length > 0 ? `; ${whole(waits.length)} waits, the longest ${time(longest)}` : "";
  const share = percent(served.size / film.clients);
  return `So far: ${whole(statements)} statements answered, ${whole(served.size)} clients served (${share})${waited}.`;
}
