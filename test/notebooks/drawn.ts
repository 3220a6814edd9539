/** What a picture shows, without what depends on the fonts of the machine that has drawn it. */

/** Places that follow from the widths of words: frames of legends, and where axes and titles stand. */
const LAID_OUT = / (?:transform|width|height|viewBox|style)="[^"]*"/g;
const FRAME = /^<path [^>]*d="M0(?:\.5)?,0(?:\.5)?h[\d.]+v[\d.]+h-[\d.]+Z"/;

/** The marks of an SVG, one a line, with their shapes, colours and words. */
export function drawn(svg: string): string[] {
  const inside = svg.replace(/^<svg[^>]*>/, "").replace(/<style>.*?<\/style>/s, "");
  const marks =
    inside.match(/<(?:path|line|rect|circle)\b[^>]*>|<t(?:ext|span)\b[^>]*>[^<]*/g) ?? [];
  // Rectangles of a film are where the film's own code has put them.
  const film = svg.includes('class="label"');
  return marks
    .filter((mark) => !FRAME.test(mark))
    .map((mark) => (film ? mark : mark.replaceAll(LAID_OUT, "")));
}
