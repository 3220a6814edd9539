/** Files that name users, databases and passwords: in bytes, like those of clients. */
import { readFileSync } from "node:fs";
import { textOf } from "../../wire/text.ts";

/** The text of a file, with no byte of it lost. Errors: those of reading it. */
export const readText = (path: string): string => textOf(readFileSync(path));
