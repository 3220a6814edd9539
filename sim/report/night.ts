/** Dark mode of the charts: inside their SVG, the very colours of the theme are swapped by CSS. */
import { BLUE, GREEN, GRID, INK, PAPER, SOFT_INK } from "./theme.ts";

/** What ink, paper and grid become on a dark screen. */
export const NIGHT = { ink: "#e6e9ee", soft: "#a3adb8", grid: "#333c47", paper: "#15191e" };

const swap = (day: string, night: string): string =>
  `svg [fill="${day}"]{fill:${night}}svg [stroke="${day}"]{stroke:${night}}`;

const SWAPS = [
  swap(INK, NIGHT.ink),
  swap(SOFT_INK, NIGHT.soft),
  swap(GRID, NIGHT.grid),
  swap(PAPER, NIGHT.paper),
  swap(BLUE, "#4aa8e0"),
  swap(GREEN, "#22c79a"),
].join("\n");

/** A style sheet for any page that shows charts. */
export const NIGHT_STYLE = `@media screen and (prefers-color-scheme:dark){\n${SWAPS}\n}`;
