/** The beginning of a film as lanes: its server connections, and below them a client that waits. */
import type { Nanos } from "../../engine/core/index.ts";
import { type Chart, occupancySpans, type Span, spanChart } from "../../sim/report/charts/index.ts";
import type { Film } from "../../sim/study/film.ts";
import { occupancyIn } from "../../sim/study/occupancy.ts";
import { stays } from "./film.ts";

/** More of them are not drawn while a slider moves. */
const MOST = 150;

/**
 * A chart of the first `length` of it, or less where more happens than can be drawn; `waiting` is the client
 * whose waits are shown.
 */
export function lanes(film: Film, length: Nanos, waiting?: number): Chart {
  const changes = film.changes.filter((change) => change.at < length);
  const occupancy = occupancyIn({ ...film, changes, length }, MOST);
  const { to_ms } = occupancy;
  const waits = stays(film).filter((stay) => stay.client === waiting && stay.from < to_ms * 1e6);
  const spans = waits.map(({ client, from, to }): Span => {
    const times = { from_ms: from / 1e6, to_ms: Math.min(to_ms, to / 1e6) };
    return { lane: `client ${client}`, state: "waiting", label: `${client}`, ...times };
  });
  const title = `Who has which connection, ${film.pool_mode} mode`;
  return spanChart(title, [...occupancySpans(occupancy), ...spans], to_ms);
}
