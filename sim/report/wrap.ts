/** Lines that fit a terminal: broken between words, where the terminal would break them anywhere. */

/** Columns of the terminal that is written to; endless for a pipe, a file or a page. */
export function terminalWidth(): number {
  const width: number | undefined = globalThis.process?.stdout?.columns;
  return width !== undefined && width > 0 ? width : Number.POSITIVE_INFINITY;
}

/** Below it there is a word a line, and nothing is gained. */
const NARROWEST = 20;

/**
 * `text` with no line longer than `width`, but for words that are. What goes on in a further line stands two
 * columns further in. Undefined: not a terminal, and nothing is changed.
 */
export function wrapped(text: string, width: number | undefined): string {
  if (width === undefined || width < NARROWEST) return text;
  return text
    .split("\n")
    .flatMap((line) => (line.length <= width ? line : broken(line, width)))
    .join("\n");
}

function broken(line: string, width: number): string[] {
  const [indent = ""] = /^ */.exec(line) ?? [];
  const words = line.slice(indent.length).split(" ");
  const lines: string[] = [];
  let last = `${indent}${words[0]}`;
  for (const word of words.slice(1)) {
    if (last.length + 1 + word.length <= width) {
      last += ` ${word}`;
      continue;
    }
    lines.push(last.trimEnd());
    last = `${indent}  ${word}`;
  }
  return [...lines, last];
}
