/**
 * Charts to pictures, in Node and without a browser: Vega-Lite to SVG through vega, SVG to PNG through
 * resvg. Both are loaded only when asked for: they take longer to load than most simulations to run.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { LoggerInterface, Spec } from "vega";
import type { Chart } from "./chart.ts";

/** A chart as standalone SVG text; its `description` becomes the label for screen readers. */
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

/** One picture for screen readers, with the text alternative in its place. */
function labelled(svg: string, description: string): string {
  const text = description.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return svg.replace(
    /^<svg([^>]*)>/,
    `<svg$1 role="img"><desc>${text.replaceAll("$", "$$$$")}</desc>`,
  );
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
  const fontFiles = bundledFonts();
  const picture = new Resvg(svg, {
    fitTo: { mode: "zoom", value: SCALE },
    font: {
      fontFiles,
      // A bare Debian has no fonts at all; with our own the picture is the same everywhere.
      loadSystemFonts: fontFiles.length === 0,
      defaultFontFamily: "DejaVu Sans",
    },
  });
  return picture.render().asPng();
}

/** The two fonts that charts use, from the package `dejavu-fonts-ttf`; none when it is not there. */
function bundledFonts(): string[] {
  try {
    const root = dirname(createRequire(import.meta.url).resolve("dejavu-fonts-ttf/package.json"));
    const files = ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"].map((name) => join(root, "ttf", name));
    return files.filter((file) => existsSync(file));
  } catch {
    return [];
  }
}
