/** A `Table` as lines of a terminal. */
import CliTable from "cli-table3";
import { MEANING, type Table } from "./tables.ts";
import { NOTHING } from "./units.ts";
import { terminalWidth } from "./wrap.ts";

/**
 * In columns: two blanks between them, a rule below the head. On a narrow terminal the meanings are wrapped,
 * or left out where there is hardly room for a word; other columns that do not fit stand below their row, each
 * figure with its head.
 */
export function terminal(given: Table): string {
  const width = terminalWidth();
  const { table, room } = fitted(given, width);
  const beside = room === undefined ? columnsBeside(table, width) : table.head.length;
  const [head = "", ...rows] = setInColumns(table, beside, room);
  const lines = beside === table.head.length ? rows : rows.flatMap(withRest(table, beside, width));
  const longest = Math.max(...[head, ...rows].map((line) => line.trimEnd().length));
  const rule = "-".repeat(Math.min(longest, width));
  // The first column often has no head.
  const above = head.trim() === "" ? [rule] : [head, rule];
  const all = [table.title, ...above, ...lines].map((line) => line.trimEnd());
  return `${all.join("\n")}\n`;
}

/** Characters of a column of meanings below which it is no help. */
const LEAST_ROOM = 24;

/** The table as it fits; `room`: characters of its last column, where that is to be wrapped. */
function fitted(table: Table, width: number): { table: Table; room?: number } {
  const last = table.head.length - 1;
  if (table.head[last] !== MEANING) return { table };
  const room = width - table.head.slice(0, -1).reduce((sum, _, i) => sum + widest(table, i) + 2, 0);
  if (room >= widest(table, last)) return { table };
  if (room >= LEAST_ROOM) return { table, room };
  const cut = <T>(row: readonly T[]): T[] => row.slice(0, last);
  const { title, head, align, rows } = table;
  return { table: { title, head: cut(head), align: cut(align), rows: rows.map(cut) } };
}

const widest = ({ head, rows }: Table, column: number): number =>
  Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0));

/** How many columns find room beside each other; the first one has to. */
function columnsBeside(table: Table, width: number): number {
  let taken = widest(table, 0);
  for (let column = 1; column < table.head.length; column++) {
    taken += 2 + widest(table, column);
    if (taken > width) return column;
  }
  return table.head.length;
}

/** The head's line and the rows', of the first columns. */
function setInColumns(table: Table, columns: number, room: number | undefined): string[] {
  const none = Object.fromEntries(
    [
      ["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left"],
      ["bottom-right", "left", "left-mid", "mid", "mid-mid", "right", "right-mid"],
    ]
      .flat()
      .map((part) => [part, ""]),
  );
  const cells = new CliTable({
    chars: { ...none, middle: "  " },
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
    colAligns: table.align.slice(0, columns),
    ...(room !== undefined && {
      wordWrap: true,
      colWidths: [...table.head.slice(1).map(() => null), room],
    }),
  });
  cells.push(...[table.head, ...table.rows].map((row) => row.slice(0, columns)));
  return cells.toString().split("\n");
}

/** The line of a row, and below it what has no room beside: `wait, p95: 3 ms; timeouts: 0`. */
function withRest(table: Table, beside: number, width: number) {
  return (line: string, row: number): string[] => {
    const lines = [line];
    for (let column = beside; column < table.head.length; column++) {
      const value = table.rows[row]?.[column] ?? "";
      if (value === "" || value === NOTHING) continue;
      const text = `${table.head[column]}: ${value}`;
      const last = lines.at(-1) as string;
      if (lines.length > 1 && last.length + 2 + text.length <= width)
        lines[lines.length - 1] = `${last}; ${text}`;
      else lines.push(`  ${text}`);
    }
    return lines;
  };
}
