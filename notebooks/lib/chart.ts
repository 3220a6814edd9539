/** A chart of sim/report/charts in a page: an SVG with its text alternative, and the words beside it. */
import { None, parse, View } from "vega";
import { compile } from "vega-lite";
import type { Chart } from "../../sim/report/charts/chart.ts";
import { NIGHT_STYLE } from "../../sim/report/night.ts";
import { element } from "./dom.ts";

let styled = false;

/** Charts that are being drawn; the page says how many, for whoever waits for the last one. */
let drawing = 0;

function begun(more: number): void {
  drawing += more;
  document.documentElement.dataset.drawing = String(drawing);
}

/**
 * Draws `chart`; a screen reader finds one picture whose name is the chart's description. What a slider has
 * just changed is shown first: a chart takes longer than a frame. `over` is the cell's `invalidation`: a chart that
 * is out of date before it is begun is left empty, for nobody will see it.
 */
export async function draw(chart: Chart, over?: Promise<unknown>): Promise<HTMLElement> {
  begun(1);
  let late = false;
  over?.then(() => {
    late = true;
  });
  try {
    await new Promise((resolve) => setTimeout(resolve));
    return late ? element("figure") : await figure(chart);
  } finally {
    begun(-1);
  }
}

async function figure(chart: Chart): Promise<HTMLElement> {
  if (!styled) document.head.append(element("style", {}, NIGHT_STYLE));
  styled = true;
  const { spec } = compile(chart);
  const picture = element("div");
  const view = new View(parse(spec), { renderer: "svg", logLevel: None, container: picture });
  await view.runAsync();
  const svg = picture.querySelector("svg") as SVGSVGElement;
  svg.style.background = "none"; // Vega gives its element the day's paper.
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", chart.description);
  const words = element("details", {}, element("summary", {}, "In words"), chart.description);
  return element("figure", {}, picture, words);
}
