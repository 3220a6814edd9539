/**
 * Colours of charts, films and pages: told apart by people with each of the common colour blindnesses, and
 * legible by day and by night.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { heatMap } from "../../sim/report/charts/sweep.ts";
import { AT_NIGHT, NIGHT } from "../../sim/report/night.ts";
import { renderSvg } from "../../sim/report/render.ts";
import * as theme from "../../sim/report/theme.ts";
import { contrast, difference, SIGHTS } from "./colours.ts";
import { sampleRun } from "./fixture.ts";

const SHEET = readFileSync("notebooks/lib/style.css", "utf8");
/** CSS variables of the pages, by day and by night. */
function variables(part: number): Record<string, string> {
  const root = SHEET.split(":root {")[part]?.split("}")[0] ?? "";
  return Object.fromEntries([...root.matchAll(/--([\w-]+): (#\w{6});/g)].map((m) => [m[1], m[2]]));
}
const [day, night] = [variables(1), variables(2)];
/** Name of the variable that frames what has the focus. */
const focus = /:focus-visible \{\s*outline: [^;]*var\(--([\w-]+)\)/.exec(SHEET)?.[1] ?? "";
const of = (from: Record<string, string>, ...names: string[]): string[] =>
  names.map((name) => from[name] ?? `no --${name}`);
const atNight = (colour: string): string => AT_NIGHT[colour] ?? colour;

/** A difference of about 2 is just seen side by side; this much is seen across a chart. */
const APART = 15;

// what, colours that stand beside each other
const palettes: [string, readonly string[]][] = [
  ["series by day", theme.SERIES],
  ["series by night", theme.SERIES.map(atNight)],
  ["states of a film by day", of(day, "idle", "orange", "blue", "vermillion", "paper")],
  ["states of a film by night", of(night, "idle", "orange", "blue", "vermillion", "paper")],
];

describe("no two colours of a palette look alike", () => {
  for (const [name, colours] of palettes)
    for (const sight of SIGHTS)
      test(`${name}, ${sight}`, () => {
        colours.forEach((a, i) => {
          for (const b of colours.slice(i + 1))
            expect(difference(a, b, sight), `${a} and ${b}`).toBeGreaterThan(APART);
        });
      });

  test("what this means: red and green of a traffic light, which half of these tests must refuse", () => {
    expect(difference("#b35900", "#808000", "normal")).toBeGreaterThan(APART);
    expect(difference("#b35900", "#808000", "deuteranopia")).toBeLessThan(APART);
  });
});

describe("legible (WCAG 2.2: 4.5 for words, 3 for what else must be seen)", () => {
  const { INK, SOFT_INK, PAPER, BLUE, ON_COLOUR, VERMILLION, ORANGE } = theme;
  // on what, ink, least contrast
  const cases: [string, string, string, number][] = [
    ["words by day", PAPER, INK, 7],
    ["soft words by day", PAPER, SOFT_INK, 4.5],
    ["words by night", NIGHT.paper, NIGHT.ink, 7],
    ["soft words by night", NIGHT.paper, NIGHT.soft, 4.5],
    ["on panels by day", day.panel ?? "", day.soft ?? "", 4.5],
    ["on panels by night", night.panel ?? "", night.soft ?? "", 4.5],
    ["links by day", PAPER, day.blue ?? "", 4.5],
    ["links by night", NIGHT.paper, night.blue ?? "", 4.5],
    ["the frame of what has the focus, by day", PAPER, day[focus] ?? "", 3],
    ["the frame of what has the focus, by night", NIGHT.paper, night[focus] ?? "", 3],
    ["numbers of those who work, by day", BLUE, PAPER, 4.5],
    ["numbers of those who work, by night", atNight(BLUE), atNight(PAPER), 4.5],
    ["numbers of those who hold", VERMILLION, ON_COLOUR, 4.5],
    ["numbers of those who wait", ORANGE, ON_COLOUR, 4.5],
    ["numbers of those who pause, by day", day.idle ?? "", day.ink ?? "", 4.5],
    ["numbers of those who pause, by night", night.idle ?? "", night.ink ?? "", 4.5],
  ];
  for (const [name, ground, ink, least] of cases)
    test(name, () => {
      expect(contrast(ground, ink)).toBeGreaterThan(least);
    });

  test("the colours of the modes against the paper", () => {
    for (const colour of Object.values(theme.MODE_COLOURS)) {
      expect(contrast(colour, PAPER)).toBeGreaterThan(3);
      expect(contrast(atNight(colour), NIGHT.paper)).toBeGreaterThan(3);
    }
  });

  test("the figures in every cell of a heat map", async () => {
    const sizes = Array.from({ length: 24 }, (_, i) => i + 1);
    const runs = sizes.map((size) => {
      const run = sampleRun("transaction", 4);
      const settings = { size, load: 1 };
      return { ...run, settings, wait_ms: { ...run.wait_ms, p99: 1.5 ** size / 4 } };
    });
    const svg = await renderSvg(heatMap("H", runs, "size", "load"));
    const fills = (mark: string, shape: string): string[] => {
      const group = new RegExp(`class="mark-${mark} [^>]*layer_\\d_marks"[^>]*>(.*?)</g>`, "s");
      const body = group.exec(svg)?.[1] ?? "";
      return [...body.matchAll(new RegExp(`<${shape}[^>]*fill="([^"]+)"`, "g"))].map(
        (m) => m[1] ?? "",
      );
    };
    const [grounds, inks] = [fills("rect", "path"), fills("text", "text")];
    expect([grounds.length, inks.length]).toEqual([24, 24]);
    grounds.forEach((ground, i) => {
      const ink = inks[i] ?? "";
      expect(contrast(ground, ink), `${ink} on ${ground}`).toBeGreaterThan(4.4);
      expect(Object.keys(AT_NIGHT)).not.toContain(ink);
    });
  });
});

test("pages and charts have one palette", () => {
  const { INK, SOFT_INK, GRID, PAPER, BLUE, GREEN, VERMILLION, ORANGE } = theme;
  const shared = { ink: INK, soft: SOFT_INK, grid: GRID, paper: PAPER, blue: BLUE, green: GREEN };
  expect(day).toMatchObject({ ...shared, vermillion: VERMILLION, orange: ORANGE });
  const names = Object.entries(shared).map(([name, colour]) => [name, AT_NIGHT[colour]]);
  expect(night).toMatchObject(Object.fromEntries(names));
});
