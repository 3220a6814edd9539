/** The pictures beside the sources: every kind of chart has one, small, with its text alternative. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { slim } from "../../notebooks/lib/slim.ts";
import { PICTURES, PICTURES_FOLDER } from "../../notebooks/pictures.ts";

/** What all charts share, and what they are drawn from. */
const OTHERS = ["chart.ts", "index.ts", "occupancy.ts"];

/** Names of the functions that draw, over all modules of charts. */
async function kinds(): Promise<string[]> {
  const folder = "sim/report/charts";
  const modules = readdirSync(folder).filter((name) => !OTHERS.includes(name));
  const names = modules.map(async (name) => {
    const module: Record<string, unknown> = await import(
      /* @vite-ignore */ `../../${folder}/${name}`
    );
    return Object.keys(module).filter((key) => typeof module[key] === "function");
  });
  return (await Promise.all(names)).flat();
}

describe("pictures", () => {
  test("every kind of chart has one, and there is no other", async () => {
    const drawn = await kinds();
    expect(drawn.length).toBeGreaterThan(10);
    expect(Object.keys(PICTURES).sort()).toEqual(drawn.sort());
    const files = readdirSync(PICTURES_FOLDER).map((name) => name.replace(/\.svg$/, ""));
    expect(files.sort()).toEqual(drawn.sort());
  });

  for (const name of Object.keys(PICTURES))
    test(`${name}.svg is small, says what it shows, and has no figure that is none`, () => {
      const text = readFileSync(join(PICTURES_FOLDER, `${name}.svg`), "utf8");
      expect(text.length).toBeLessThan(60_000);
      expect(text).toMatch(/^<svg[^>]* role="img" aria-label=".{40,}">/);
      expect(text).not.toMatch(/NaN|undefined|Infinity|\d\.\d{3,}e|>-?[\d.]+e\+/);
    });

  test("the cheapest of them is drawn again: the files are those of this command", async () => {
    const { renderSvg } = await import("../../sim/report/render.ts");
    const chart = await PICTURES.predictedAndLive?.();
    if (chart === undefined) throw new Error("no such picture");
    const file = readFileSync(join(PICTURES_FOLDER, "predictedAndLive.svg"), "utf8");
    expect(`${slim(await renderSvg(chart))}\n`).toBe(file);
  });
});

test("slim rounds places and drops names of marks, and leaves texts alone", () => {
  const fat =
    '<svg width="10.123" role="img" aria-label="1.2345 ms"><g class="mark-rect role-mark layer" clip-path="url(#clip7)">' +
    '<clipPath id="clip7"/><path aria-label="x: 1.2345" role="graphics-symbol" d="M1.2345,-0.0123L10,0.98e-7"/>' +
    "<text>0.0123 ms</text></g></svg>";
  expect(slim(fat)).toBe(
    '<svg width="10.123" role="img" aria-label="1.2345 ms"><g clip-path="url(#p0)">' +
      '<clipPath id="p0"/><path d="M1.2,0L10,0"/><text>0.0123 ms</text></g></svg>',
  );
});
