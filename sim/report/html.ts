/**
 * A report as one HTML file that asks nothing of the network: pictures are inline SVG, the data stand
 * beside them as JSON, and a content security policy forbids every request. It prints on paper and
 * turns dark when the reader's screen is.
 */
import type { Chart } from "./charts/chart.ts";
import { partsOf } from "./kept.ts";
import { NIGHT, NIGHT_STYLE } from "./night.ts";
import { renderSvg } from "./render.ts";
import type { Table } from "./tables.ts";
import { GRID, INK, PAPER, SOFT_INK } from "./theme.ts";

/** What a report holds; every format takes from it what it can show. */
export interface Report {
  title: string;
  /** Sentences that say what was found, one a paragraph. */
  findings: readonly string[];
  charts: readonly Chart[];
  tables: readonly Table[];
  /** The result as `--json` prints it. */
  data: unknown;
}

/** The whole page as text. */
export async function renderHtml(report: Report): Promise<string> {
  const figures: string[] = [];
  for (const chart of report.charts) figures.push(figureOf(chart, await renderSvg(chart)));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>${escapeHtml(report.title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(report.title)}</h1>
${report.findings.map((text) => `<p>${sentence(text)}</p>`).join("\n")}
${figures.join("\n")}
${report.tables.map(tableOf).join("\n")}
<footer>Made by poolwise. The figures are inside this file as JSON: <code>script#result</code>; the
charts as Vega-Lite: <code>script.chart</code>.</footer>
</main>
<script type="application/json" id="result">${escapeJson(report.data)}</script>
</body>
</html>
`;
}

function figureOf(chart: Chart, svg: string): string {
  return `<figure>
${svg}
<details><summary>In words</summary><p>${sentence(chart.description)}</p></details>
<script type="application/json" class="chart">${escapeJson(chart)}</script>
</figure>`;
}

function tableOf(table: Table): string {
  const cell = (tag: string) => (text: string, column: number) => {
    const scope = tag === "th" ? ' scope="col"' : column === 0 ? ' scope="row"' : "";
    const name = column === 0 ? "th" : tag;
    return `<${name}${scope} class="${table.align[column] ?? "left"}">${escapeHtml(text)}</${name}>`;
  };
  const row = (tag: string) => (texts: readonly string[]) =>
    `<tr>${texts.map(cell(tag)).join("")}</tr>`;
  return `<div class="wide"><table>
<caption>${escapeHtml(table.title)}</caption>
<thead>${row("th")(table.head)}</thead>
<tbody>
${table.rows.map(row("td")).join("\n")}
</tbody>
</table></div>`;
}

const sentence = (text: string): string =>
  partsOf(text)
    .map((part) => [escapeHtml(part.text), part.kept] as const)
    .map(([html, kept]) => (kept ? `<span class="kept">${html}</span>` : html))
    .join("");

/** Text for HTML, in elements and in double-quoted attributes. */
function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** JSON for a script element: `<` must not end it. U+2028 is fine in JSON that is parsed as such. */
function escapeJson(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

const STYLE = `
:root{color-scheme:light dark;--ink:${INK};--soft:${SOFT_INK};--grid:${GRID};--paper:${PAPER}}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:64rem;margin:0 auto;padding:1.5rem}
h1{font-size:1.6rem;line-height:1.2}
figure{margin:2rem 0;overflow-x:auto}
svg{max-width:100%;height:auto}
.wide{overflow-x:auto;margin:2rem 0}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding:.4rem 0}
th,td{padding:.25rem .75rem;border-bottom:1px solid var(--grid);font-weight:normal;vertical-align:top}
thead th{border-bottom:2px solid var(--soft);font-weight:600}
.left{text-align:left}.right{text-align:right;white-space:nowrap}.kept{white-space:nowrap}
@media screen and (max-width:40rem){svg{max-width:none}}
details,footer{color:var(--soft);font-size:.85rem}
@media screen and (prefers-color-scheme:dark){
:root{--ink:${NIGHT.ink};--soft:${NIGHT.soft};--grid:${NIGHT.grid};--paper:${NIGHT.paper}}
}
${NIGHT_STYLE}
@media print{
main{max-width:none;padding:0}figure,tr{break-inside:avoid}details{display:none}.wide,figure{overflow:visible}
}`;
