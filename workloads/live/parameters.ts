/**
 * Parameters with which clients log in. Those that a pooler tracks are kept for each client: a server that
 * comes from clients with others is told by a SET first.
 */
import { ConfigError } from "../../engine/config/errors.ts";
import { VariableNames } from "../../engine/wire/variables.ts";
import type { ClientKind } from "../schema/workload.ts";

/** What a client says at login beside its user and database. */
export type LoginParameters = readonly (readonly [name: string, value: string])[];

/** What poolers track unless told otherwise; another one refuses a login that names anything else. */
const TRACKED = new VariableNames(["IntervalStyle"]);

/**
 * The parameters of `kind`: `TimeZone=Europe/Berlin; DateStyle=SQL, DMY` are two. Errors: ConfigError, at
 * `file`, where the text names none or one that is not tracked.
 */
export function loginParameters({ name, parameters }: ClientKind, file: string): LoginParameters {
  if (parameters === undefined) return [];
  return parameters
    .split(";")
    .filter((part) => part.trim() !== "")
    .map((part) => {
      const [, key = "", value = ""] = /^\s*(\w+)\s*=\s*(.*?)\s*$/.exec(part) ?? [];
      if (TRACKED.indexOf(key) >= 0 && value !== "") return [key, value] as const;
      throw new ConfigError({
        at: file,
        name: `parameters of ${name}`,
        got: part.trim(),
        expected: `NAME=VALUE for a live run, NAME one of ${TRACKED.names.join(" | ")}`,
      });
    });
}
