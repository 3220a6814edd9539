/**
 * Who has which server connection, from when to when: the beginning of a workload's first replication, from
 * an empty pool on. It is what a Gantt chart draws; it costs nothing unless somebody asks for it.
 */
import { ConfigError } from "../../engine/config/index.ts";
import type { Nanos } from "../../engine/core/index.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import { type Change, type Film, film } from "./film.ts";
import type { Occupancy } from "./results/index.ts";

type Span = Occupancy["spans"][number];

/** Server connections that a picture has room for; those opened first are kept. */
const LANES = 40;
/** Stretches that can be told apart in one picture; the time is cut where there are more. */
const MOST_SPANS = 3000;
const MILLISECOND = 1e6;

/**
 * The first `length` of a workload, less where it is too busy to be drawn. Errors: ConfigError for a pooler of
 * several processes, and for what the model refuses.
 */
export function occupancyOf(workload: Workload, length: Nanos): Occupancy {
  const { pooler, faults = [] } = workload;
  const taken = faults.some(({ fault }) => fault === "pooler_takeover");
  const { processes = 1 } = pooler ?? {};
  if (taken || processes > 1) {
    throw new ConfigError({
      at: workload.file,
      name: taken ? "schedule" : "pooler.processes",
      got: taken ? "fault: pooler_takeover" : String(processes),
      expected: "one process, where its connections are to be drawn",
      fix: "leave out --occupancy",
    });
  }
  return occupancyIn(film(workload, length));
}

/** The same of a film that is there already. */
export function occupancyIn({ changes, length }: Film, most = MOST_SPANS): Occupancy {
  const all = spansOf(changes, length);
  const servers = all.reduce((highest, span) => Math.max(highest, span.server), 0);
  const shown = all.filter((span) => span.server <= LANES);
  const to_ms = shown[most]?.from_ms ?? length / MILLISECOND;
  const spans = shown
    .filter((span) => span.from_ms < to_ms)
    .map((span) => ({ ...span, to_ms: Math.min(span.to_ms, to_ms) }));
  return { to_ms, servers, spans };
}

/** Stretches in the order of their beginnings. */
function spansOf(changes: readonly Change[], length: Nanos): Span[] {
  const open = new Map<number, Span>();
  const has = new Map<number, number>();
  const spans: Span[] = [];
  const close = (server: number, at: Nanos): void => {
    const span = open.get(server);
    open.delete(server);
    if (span === undefined || span.from_ms === at / MILLISECOND) return;
    spans.push({ ...span, to_ms: at / MILLISECOND });
  };
  for (const { at, client, server, state } of changes) {
    const before = has.get(client) ?? 0;
    // In one moment the next client may take a server before the last one is seen to give it back.
    if (before > 0 && open.get(before)?.client === client) close(before, at);
    has.set(client, server);
    if (server === 0) continue;
    close(server, at);
    const used = state === "working";
    open.set(server, { server, client, used, from_ms: at / MILLISECOND, to_ms: 0 });
  }
  for (const server of [...open.keys()]) close(server, length);
  return spans.sort((a, b) => a.from_ms - b.from_ms || a.server - b.server);
}
