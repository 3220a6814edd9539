/** Who has which server connection, from when to when: a Gantt chart. */

import { BLUE, ON_COLOUR, ORANGE, PAPER, SOFT_INK, VERMILLION } from "../theme.ts";
import { duration, percent } from "../units.ts";
import { type Chart, chart } from "./chart.ts";

/** What a stretch of time is, in the words of the legend, and its colour: those of the films. */
const STATES = {
  working: { words: "working", colour: BLUE },
  held: { words: "held, not used", colour: VERMILLION },
  waiting: { words: "waiting for a connection", colour: ORANGE },
} as const;

/** A stretch of time that `lane` (a server connection, or a client in the queue) spends in one state. */
export interface Span {
  lane: string;
  state: keyof typeof STATES;
  /** Whose it is: written into the bar, where there is room. */
  label: string;
  from_ms: number;
  to_ms: number;
}

/** Part of the width that a number in a bar needs. */
const LEGIBLE = 0.03;

/** Lanes of coloured stretches from 0 to `to_ms`: clients sharing servers, moment by moment. */
export function spanChart(title: string, spans: readonly Span[], to_ms: number): Chart {
  const lanes = lanesOf(spans);
  const there = (Object.keys(STATES) as Span["state"][]).filter((state) =>
    spans.some((span) => span.state === state),
  );
  const values = spans.map(({ state, ...span }) => ({
    ...span,
    state: STATES[state].words,
    label: span.to_ms - span.from_ms < LEGIBLE * to_ms ? "" : span.label,
  }));
  const domain = there.map((state) => STATES[state].words);
  const range = there.map((state) => STATES[state].colour);
  const scale = { domain: [0, to_ms], nice: false };
  const time = { type: "quantitative", title: "Simulated time (ms)", scale };
  const ink = { condition: { test: "datum.state === 'working'", value: PAPER }, value: ON_COLOUR };
  const subtitle = "one lane for each; numbers are those of the clients";
  return chart(title, [subtitle], describe(spans, lanes, to_ms), {
    height: { step: 20 },
    data: { values },
    encoding: { y: { field: "lane", type: "nominal", title: null, sort: lanes } },
    layer: [
      {
        mark: { type: "bar", height: 15, stroke: SOFT_INK, strokeWidth: 0.3 },
        encoding: {
          x: { ...time, field: "from_ms" },
          x2: { field: "to_ms" },
          color: { field: "state", type: "nominal", title: null, scale: { domain, range } },
        },
      },
      {
        transform: [
          { filter: "datum.label !== ''" },
          { calculate: "(datum.from_ms + datum.to_ms) / 2", as: "middle" },
        ],
        mark: { type: "text", fontSize: 10 },
        encoding: { x: { ...time, field: "middle" }, text: { field: "label" }, color: ink },
      },
    ],
  });
}

/** Lanes in the order of their numbers; whoever waits stands below. */
function lanesOf(spans: readonly Span[]): string[] {
  const waits = new Map(spans.map((span) => [span.lane, Number(span.state === "waiting")]));
  const number = (lane: string): number => Number(/\d+/.exec(lane)?.[0] ?? 0);
  const order = (lane: string): number => (waits.get(lane) as number) * 1e9 + number(lane);
  return [...waits.keys()].sort((a, b) => order(a) - order(b));
}

function describe(spans: readonly Span[], lanes: readonly string[], to_ms: number): string {
  const parts = lanes.map((lane) => {
    const own = spans.filter((span) => span.lane === lane);
    const shares = (Object.keys(STATES) as Span["state"][]).flatMap((state) => {
      const time = own
        .filter((span) => span.state === state)
        .reduce((sum, { from_ms, to_ms: end }) => sum + end - from_ms, 0);
      return time > 0 ? [`${percent(time / to_ms)} ${STATES[state].words}`] : [];
    });
    return `${lane} ${shares.join(" and ")}`;
  });
  return `Timeline of ${duration(to_ms)}, one lane for each: ${parts.join("; ")}.`;
}
