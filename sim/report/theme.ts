/**
 * How every chart looks. Colours are Okabe and Ito's, told apart by people with any of the common
 * colour blindnesses; a series differs in dash or shape too, so that black and white print is legible.
 * Source: M. Okabe, K. Ito, "Color Universal Design", https://jfly.uni-koeln.de/color/
 */
import type { Config } from "vega-lite";

/** Ink, paper and grid; the HTML page swaps exactly these for its dark mode. */
export const INK = "#1f2933";
export const SOFT_INK = "#52606d";
export const GRID = "#e1e5ea";
export const PAPER = "#ffffff";

export const BLUE = "#0072b2";
export const VERMILLION = "#d55e00";
export const GREEN = "#009e73";
const PURPLE = "#cc79a7";
export const ORANGE = "#e69f00";
export const SKY = "#56b4e9";

/** Words on a light colour: the same by night, when the colour does not change either. */
export const ON_COLOUR = "#000000";

/** Colours of series that have no colour of their own, in this order. */
export const SERIES = [BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY] as const;
/** Dashes to go with `SERIES`. */
export const DASHES = [
  [1, 0],
  [6, 3],
  [2, 2],
  [8, 2, 2, 2],
  [4, 4],
  [1, 3],
] as const;

/** A pool mode has the same colour everywhere. */
export const MODE_COLOURS = { session: VERMILLION, transaction: BLUE, statement: GREEN } as const;

/** Family of every text; the first one that exists is taken. */
const FONT = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif";

/** The configuration to put into a specification. */
export const THEME: Config = {
  background: PAPER,
  font: FONT,
  view: { stroke: "transparent", continuousWidth: 520, continuousHeight: 280 },
  axis: {
    labelColor: SOFT_INK,
    titleColor: INK,
    titleFontWeight: "normal",
    labelFontSize: 11,
    titleFontSize: 12,
    titlePadding: 8,
    domainColor: SOFT_INK,
    tickColor: SOFT_INK,
    gridColor: GRID,
  },
  legend: {
    labelColor: INK,
    titleColor: INK,
    labelFontSize: 11,
    titleFontSize: 12,
    // Without a browser widths are guessed, and guessed too wide.
    labelLimit: 320,
    orient: "top",
  },
  header: { labelColor: INK, titleColor: INK },
  title: {
    color: INK,
    subtitleColor: SOFT_INK,
    anchor: "start",
    fontSize: 15,
    subtitleFontSize: 12,
    offset: 12,
  },
  text: { color: INK, fontSize: 11 },
};
