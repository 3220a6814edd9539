/**
 * `--chart FILE`: one report in the format that the file's name ends in.
 */
import { stack } from "./charts/chart.ts";
import { writeWhole } from "./files.ts";
import { type Report, renderHtml } from "./html.ts";
import { renderPng, renderSvg } from "./render.ts";

/** The endings that `--chart` understands. */
export const CHART_FORMATS = ["svg", "png", "html", "vl.json"] as const;
export type ChartFormat = (typeof CHART_FORMATS)[number];

/** The format of a file by its name; undefined when it has none of the known endings. */
export function chartFormat(file: string): ChartFormat | undefined {
  return CHART_FORMATS.find((format) => file.toLowerCase().endsWith(`.${format}`));
}

/**
 * Draws a report into a file, whole or not at all. Errors: OutputError when it cannot be written;
 * RangeError when the name has no known ending, which callers check first.
 */
export async function writeChart(file: string, report: Report): Promise<void> {
  const format = chartFormat(file);
  if (format === undefined) throw new RangeError(`writeChart: ${file} has no known ending`);
  await writeWhole(file, await draw(format, report));
}

async function draw(format: ChartFormat, report: Report): Promise<string | Uint8Array> {
  switch (format) {
    case "html":
      return renderHtml(report);
    case "vl.json":
      return `${JSON.stringify(stack(report.charts), null, 2)}\n`;
    case "svg":
      return renderSvg(stack(report.charts));
    case "png":
      return renderPng(await renderSvg(stack(report.charts)));
  }
}
