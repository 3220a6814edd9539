/** Who has which server connection, from a result to what a chart draws. */
import type { Occupancy } from "../../study/results/index.ts";
import type { Span } from "./spans.ts";

/** The stretches of server connections, as they are to be drawn: one lane a connection. */
export function occupancySpans({ spans }: Occupancy): Span[] {
  return spans.map(({ server, client, used, from_ms, to_ms }) => ({
    lane: `connection ${server}`,
    state: used ? "working" : "held",
    label: `${client}`,
    ...{ from_ms, to_ms },
  }));
}
