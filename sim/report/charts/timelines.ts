/** The queue over time. */
import type { Moment } from "../../study/results/index.ts";
import { BLUE, GREEN, VERMILLION } from "../theme.ts";
import { digits } from "../units.ts";
import { type Chart, chart } from "./chart.ts";

/** What a timeline is of. */
export interface TimelineWords {
  /** Title of the time axis, without its unit. */
  time: string;
  subtitle: string;
}

/** Lengths of line and gap. */
const DASHED = [6, 3];
const SOLID = [1, 0];
const SIMULATED: TimelineWords = { time: "Simulated time", subtitle: "first replication" };

/** Clients waiting, and below it server connections open and in use, over time. */
export function queueDepth(title: string, timeline: readonly Moment[], words = SIMULATED): Chart {
  const x = {
    field: "at_s",
    type: "quantitative",
    title: `${words.time} (s)`,
    scale: { nice: false, zero: false },
  };
  const servers = timeline.flatMap((moment) => [
    { at_s: moment.at_s, series: "open", servers: moment.server_connections },
    { at_s: moment.at_s, series: "linked to a client", servers: moment.servers_active },
  ]);
  const domain = ["open", "linked to a client"];
  const named = { field: "series", type: "nominal", title: null };
  const most = Math.max(0, ...timeline.map((moment) => moment.clients_waiting));
  const peak = timeline.find((moment) => moment.clients_waiting === most);
  const when = peak ? ` at ${digits(peak.at_s)} s` : "";
  return chart(
    title,
    [words.subtitle],
    `Line charts over ${words.time.toLowerCase()}. At most ${digits(most)} clients wait${when}.`,
    {
      resolve: { legend: { color: "independent", strokeDash: "independent" } },
      vconcat: [
        {
          height: 160,
          data: { values: timeline },
          mark: { type: "area", color: VERMILLION, opacity: 0.5, line: { color: VERMILLION } },
          encoding: {
            x,
            y: {
              field: "clients_waiting",
              type: "quantitative",
              title: "Clients waiting",
              stack: null,
            },
          },
        },
        {
          height: 120,
          data: { values: servers },
          mark: { type: "line" },
          encoding: {
            x,
            y: { field: "servers", type: "quantitative", title: "Server connections" },
            color: { ...named, scale: { domain, range: [GREEN, BLUE] } },
            strokeDash: { ...named, scale: { domain, range: [DASHED, SOLID] } },
          },
        },
      ],
    },
  );
}
