/** Dark mode of the charts: inside their SVG, the very colours of the theme are swapped by CSS. */
import { BLUE, GREEN, GRID, INK, PAPER, SKY, SOFT_INK } from "./theme.ts";

/** What ink, paper and grid become on a dark screen. */
export const NIGHT = { ink: "#e6e9ee", soft: "#a3adb8", grid: "#333c47", paper: "#15191e" };

const swap = (day: string, night: string): string =>
  `svg [fill="${day}"]{fill:${night}}svg [stroke="${day}"]{stroke:${night}}`;

/** What becomes of every colour that changes by night; the others are told from a dark ground as they are. */
export const AT_NIGHT: Readonly<Record<string, string>> = {
  [INK]: NIGHT.ink,
  [SOFT_INK]: NIGHT.soft,
  [GRID]: NIGHT.grid,
  [PAPER]: NIGHT.paper,
  [BLUE]: "#4a9fe8",
  [GREEN]: "#3fdca9",
  // Beside the brighter blue the sky must be brighter too.
  [SKY]: "#c4e6fb",
};

const SWAPS = Object.entries(AT_NIGHT)
  .map(([day, night]) => swap(day, night))
  .join("\n");

/** A style sheet for any page that shows charts. */
export const NIGHT_STYLE = `@media screen and (prefers-color-scheme:dark){\n${SWAPS}\n}`;
