/** A film played: the scene at a moment, and who stood in the queue from when to when. */
import type { Nanos } from "../../engine/core/index.ts";
import type { Change, Film, State } from "../../sim/study/film.ts";

/** The state of a film at one moment; it can only be moved on, so that a jump back begins anew. */
export class Scene {
  readonly film: Film;
  at: Nanos = -1;
  /** Changes that have happened. */
  shown = 0;
  readonly states: State[];
  /** Server of each client; 0: none. */
  readonly servers: Int32Array;
  /** Waiting clients, the oldest first. */
  readonly queue: number[] = [];
  /** Completed statements, and waits that have ended in a server, with their time. */
  statements = 0;
  private readonly since: Float64Array;
  waits: Nanos[] = [];

  constructor(film: Film) {
    this.film = film;
    this.states = Array.from({ length: film.clients + 1 }, () => "away" as const);
    this.servers = new Int32Array(film.clients + 1);
    this.since = new Float64Array(film.clients + 1);
  }

  /** Time of the next change; undefined at the end. */
  get next(): Nanos | undefined {
    return this.film.changes[this.shown]?.at;
  }

  /** Moves on to `time`; returns the changes on the way. */
  advance(time: Nanos): Change[] {
    const from = this.shown;
    const { changes } = this.film;
    while (this.shown < changes.length && (changes[this.shown] as Change).at <= time)
      this.apply(changes[this.shown++] as Change);
    this.at = time;
    return changes.slice(from, this.shown);
  }

  private apply({ at, client, state, server }: Change): void {
    const before = this.states[client];
    if (before === "working" && state !== "working") this.statements++;
    if (before === "waiting") this.leaveQueue(client, at, state);
    if (state === "waiting" && before !== "waiting") {
      this.queue.push(client);
      this.since[client] = at;
    }
    this.states[client] = state;
    this.servers[client] = server;
  }

  private leaveQueue(client: number, at: Nanos, state: State): void {
    if (state === "waiting") return;
    this.queue.splice(this.queue.indexOf(client), 1);
    if (state === "working") this.waits.push(at - (this.since[client] as number));
  }

  /** How long a client in the queue has waited so far. */
  waited(client: number): Nanos {
    return this.at - (this.since[client] as number);
  }

  /** How many clients are in each state. */
  counts(): Record<State, number> {
    const counts = { away: 0, thinking: 0, waiting: 0, working: 0, holding: 0 };
    for (let client = 1; client <= this.film.clients; client++)
      counts[this.states[client] as State]++;
    return counts;
  }
}

/** A client's stay in the queue. */
export interface Stay {
  client: number;
  from: Nanos;
  to: Nanos;
  /** How it ended; `waiting`: it has not, by the end of the film. */
  outcome: "served" | "dropped" | "waiting";
}

/** All stays in the queue of a film, in the order in which they began. */
export function stays(film: Film): Stay[] {
  const open = new Map<number, Stay>();
  const all: Stay[] = [];
  for (const { at, client, state } of film.changes) {
    const stay = open.get(client);
    if (state === "waiting") {
      const begun: Stay = { client, from: at, to: film.length, outcome: "waiting" };
      open.set(client, begun);
      all.push(begun);
    } else if (stay !== undefined) {
      stay.to = at;
      stay.outcome = state === "working" ? "served" : "dropped";
      open.delete(client);
    }
  }
  return all;
}

/** The first client to ask while all servers are taken; undefined if that does not happen. */
export function firstTurnedAway(film: Film): Stay | undefined {
  const scene = new Scene(film);
  return stays(film).find(({ from }) => {
    scene.advance(from);
    const { working, holding } = scene.counts();
    return working + holding >= film.servers;
  });
}

/** How many statements of a client were answered. */
export function answersOf({ changes }: Film, client: number): number {
  const own = changes.filter((change) => change.client === client);
  return own.filter(({ state }, i) => state !== "working" && own[i - 1]?.state === "working")
    .length;
}
