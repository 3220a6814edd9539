/** Makes an SVG of Vega small enough to be kept beside the sources, and legible on any ground. */

/** Places in a picture are told apart down to this many decimals. */
const DECIMALS = 1;

/**
 * The picture with coordinates rounded, without the names of single marks (the picture as a whole has a
 * text alternative), on white paper.
 */
export function slim(svg: string): string {
  const marks = svg.replaceAll(/<(?!svg)[^>]*>/g, (tag) =>
    tag
      .replaceAll(/ (?:aria-[a-z]+|role|pointer-events|stroke-miterlimit)="[^"]*"/g, "")
      .replaceAll(/-?\d+\.\d{2,}(?:e-?\d+)?/g, (number) => String(rounded(Number(number)))),
  );
  return renamed(marks.replaceAll(/ class="(?:mark|role|root|background)[^"]*"/g, ""));
}

/** Vega counts its clips over all pictures that it draws; here each begins anew. */
function renamed(svg: string): string {
  const ids = [...svg.matchAll(/ id="([^"]+)"/g)].map((match) => match[1] as string);
  return svg.replaceAll(/( id="|url\(#)([^")]+)/g, (whole, before: string, id: string) =>
    ids.includes(id) ? `${before}p${ids.indexOf(id)}` : whole,
  );
}

function rounded(number: number): number {
  const near = Number(number.toFixed(DECIMALS));
  return near === 0 ? 0 : near;
}
