/**
 * Charts to pictures, in Node and without a browser: Vega-Lite to SVG through vega, SVG to PNG through
 * resvg. Both are loaded only when asked for: they take longer to load than most simulations to run.
 */
import { createRequire } from "node:module";
import type { LoggerInterface, Spec } from "vega";
import type { Chart } from "./charts/chart.ts";

/** A chart as standalone SVG text; its `description` becomes the name for screen readers. */
export async function renderSvg(chart: Chart): Promise<string> {
  const vega = await import("vega");
  const { spec } = await compileChart(chart);
  const view = new vega.View(vega.parse(spec), { renderer: "none", logLevel: vega.None });
  try {
    return labelled(await view.toSVG(), chart.description);
  } finally {
    view.finalize();
  }
}

/** One picture for screen readers, whose name is the text alternative: a `desc` alone would leave it without one. */
function labelled(svg: string, description: string): string {
  const text = description
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
  return svg.replace(/^<svg[^>]*/, (tag) => `${tag} role="img" aria-label="${text}"`);
}

/** Vega specification of a chart, and what the compiler thought doubtful about it. */
export async function compileChart(chart: Chart): Promise<{ spec: Spec; warnings: string[] }> {
  const { compile } = await import("vega-lite");
  const warnings: string[] = [];
  const { spec } = compile(chart, { logger: collector(warnings) });
  // Vega-Lite drops the outermost description when charts are concatenated.
  return { spec: { ...spec, description: chart.description }, warnings };
}

/** A logger that keeps warnings and errors instead of writing them to the terminal. */
function collector(warnings: string[]): LoggerInterface {
  const keep = (...parts: readonly unknown[]): LoggerInterface => {
    warnings.push(parts.join(" "));
    return logger;
  };
  const drop = (): LoggerInterface => logger;
  const logger = { level: () => 0, error: keep, warn: keep, info: drop, debug: drop };
  return logger as unknown as LoggerInterface;
}

/** Pixels for each unit of the SVG: sharp on a screen of high density and in print. */
const SCALE = 2;

/** SVG text as a PNG picture. */
export async function renderPng(svg: string): Promise<Uint8Array> {
  const { Resvg } = await import("@resvg/resvg-js");
  const picture = new Resvg(svg, {
    fitTo: { mode: "zoom", value: SCALE },
    font: {
      fontFiles: ownFonts(),
      // A bare Debian has no fonts at all, and no text then; with our own the picture is the same everywhere.
      loadSystemFonts: false,
      defaultFontFamily: "DejaVu Sans",
    },
  });
  return picture.render().asPng();
}

/** The two fonts that charts use, in the package that brings them. */
function ownFonts(): string[] {
  const require = createRequire(import.meta.url);
  return [
    require.resolve("dejavu-fonts-ttf/ttf/DejaVuSans.ttf"),
    require.resolve("dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf"),
  ];
}
