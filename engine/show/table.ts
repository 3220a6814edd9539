/** A result of the console: columns with PgBouncer's types, and rows. */
import type { Column, ColumnType } from "../wire/writer.ts";

export type Value = string | number | bigint | null;

export interface Table {
  columns: Column[];
  rows: Value[][];
}

const TYPES: Readonly<Record<string, ColumnType>> = {
  t: "text",
  i: "int4",
  q: "int8",
  n: "numeric",
  b: "bytea",
};

/** Columns from a list such as `"database t, pool_size i"`: t text, i int4, q int8, n numeric, b bytea. */
export function columns(list: string): Column[] {
  return list.split(/,\s*/).map((column) => {
    const [name = "", letter = ""] = column.split(" ");
    return { name, type: TYPES[letter] ?? "text" };
  });
}
