/** The beginning of a film as lanes: its server connections, and below them a client that waits. */
import type { Nanos } from "../../engine/core/index.ts";
import { occupancySpans, type Span } from "../../sim/report/charts.ts";
import type { Film } from "../../sim/study/film.ts";
import { occupancyIn } from "../../sim/study/occupancy.ts";
import { stays } from "./film.ts";

/** The first `length` of it; `waiting` is the client whose waits are shown. */
export function lanesOf(film: Film, length: Nanos, waiting?: number): Span[] {
  const changes = film.changes.filter((change) => change.at < length);
  const part = { ...film, changes, length };
  const waits = stays(part).filter((stay) => stay.client === waiting);
  return [
    ...occupancySpans(occupancyIn(part)),
    ...waits.map(({ client, from, to }): Span => {
      const times = { from_ms: from / 1e6, to_ms: to / 1e6 };
      return { lane: `client ${client}`, state: "waiting", label: `${client}`, ...times };
    }),
  ];
}
