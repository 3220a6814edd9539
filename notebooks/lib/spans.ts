/** A film as lanes: who has which server connection, from when to when. */
import type { Span } from "../../sim/report/charts.ts";
import type { Film } from "./film.ts";

/** One lane a server connection; its stretches are named by the client that has it. */
export function spansOf({ changes, length }: Film): Span[] {
  const open = new Map<number, { client: number; from: number }>();
  const held = new Map<number, number>();
  const spans: Span[] = [];
  const close = (server: number, to: number): void => {
    const span = open.get(server);
    open.delete(server);
    if (span === undefined || span.from === to) return;
    const times = { from_ms: span.from / 1e6, to_ms: to / 1e6 };
    spans.push({ lane: `connection ${server}`, state: `client ${span.client}`, ...times });
  };
  for (const { at, client, server } of changes) {
    const before = held.get(client) ?? 0;
    if (before === server) continue;
    if (before !== 0 && open.get(before)?.client === client) close(before, at);
    if (server !== 0) {
      close(server, at);
      open.set(server, { client, from: at });
    }
    held.set(client, server);
  }
  for (const server of [...open.keys()]) close(server, length);
  return spans.sort((a, b) => a.lane.localeCompare(b.lane) || a.from_ms - b.from_ms);
}
