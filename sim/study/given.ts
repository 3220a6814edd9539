/**
 * What a page of `explore` is given of a workload: the file as it stands and the files that it names, for
 * a page has none. Paths are absolute, with slashes on every system.
 */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { parseIni } from "../../engine/config/index.ts";
import { loadWorkload } from "../../workloads/schema/load.ts";

export interface Given {
  poolwise: string;
  /** As it was typed. */
  typed: string;
  /** The same, absolute. */
  file: string;
  text: string;
  /** Texts of the files that the workload names, by the path under which its loader asks for them. */
  files: Readonly<Record<string, string>>;
}

/** In its place: why the file is no workload at present. */
export interface Broken {
  problem: string;
}

/** Reads a workload file for a page. Errors: ConfigError. */
export function givenOf(typed: string, poolwise: string): Given {
  loadWorkload(typed);
  const file = slashed(resolve(typed));
  const text = readFileSync(typed, "utf8");
  const files: Record<string, string> = {};
  const read = (path: string): string => {
    files[slashed(path)] = readFileSync(path, "utf8");
    return files[slashed(path)] as string;
  };
  const value: unknown = parse(text);
  const { ini } = value as { ini?: string };
  if (ini !== undefined) parseIni(resolve(dirname(typed), ini), read);
  for (const name of namedFiles(value)) read(resolve(dirname(typed), name));
  return { poolwise, typed, file, text, files };
}

const slashed = (path: string): string => path.replaceAll("\\", "/");

/** Files of values (`empirical`) and of loads over the day (`curve`), wherever they are named. */
function namedFiles(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  const { file, curve } = value as { file?: unknown; curve?: unknown };
  const own = [file, curve].filter((each) => typeof each === "string");
  return [...own, ...Object.values(value).flatMap(namedFiles)];
}
