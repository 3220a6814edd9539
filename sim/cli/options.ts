/**
 * The options that every command on a workload has. Most values stay texts here: the loader of
 * workloads checks them, so that an option is refused in the words of the same line in a file.
 */
import { type Command, Option } from "commander";
import { ConfigError, durationWithUnit } from "../../engine/config/index.ts";
import { type Nanos, SECOND } from "../../engine/core/index.ts";
import type { Overrides } from "../../workloads/schema/load.ts";
import { CHART_FORMATS, chartFormat } from "../report/chart-file.ts";
import { checkWritable } from "../report/files.ts";
import type { SettingValue } from "../study/results/index.ts";
import { UsageError } from "./failure.ts";

export interface CommonOptions {
  poolMode?: string;
  poolSize?: string;
  set: string[];
  /** What was typed for those of `set` that come from another option. */
  typed?: Record<string, string>;
  seed?: string;
  duration?: string;
  precision?: string;
  timeLimit?: string;
  replications?: string;
  workers?: string;
  occupancy?: string;
  json?: boolean;
  csv?: boolean;
  chart: string[];
  quiet?: boolean;
}

/** Collects an option that may be given several times. */
export const gather = (value: string, before: string[]): string[] => [...before, value];
/** Of what a workload file may say. */
const ELSE = "default: the file's, else";
const CHART_ENDINGS = CHART_FORMATS.map((format) => `.${format}`).join(" | ");

/**
 * Adds the common options, in the order in which help lists them; `mode: false` and `size: false` for
 * a command that chooses the pool mode or the pool size itself.
 */
export function withCommonOptions(command: Command, { mode = true, size = true } = {}): Command {
  if (mode) command.option("--pool-mode <mode>", "pool_mode: session, transaction or statement");
  if (size) command.option("--pool-size <number>", "default_pool_size, such as 60");
  return command
    .option(
      "--set <key=value>",
      "any key of the file or setting of PgBouncer; repeatable",
      gather,
      [],
    )
    .option("--seed <number>", `random seed; same seed, same answer (${ELSE} 1)`)
    .option("--duration <time>", `simulated time of a replication, such as '10 min' (${ELSE} 60 s)`)
    .option("--precision <share>", `aim of the 95 % intervals, such as '2 %' (${ELSE} 5 %)`)
    .option(
      "--time-limit <time>",
      "real time to spend; two replications are waited for as long again (default: 20 s, and as long as they take)",
    )
    .option(
      "--replications <number>",
      "make exactly so many, however precise the figures are by then",
    )
    .option(
      "--workers <number>",
      "worker threads, 0 to 256; the answer is the same (default: one a core)",
    )
    .option("--json", "print one JSON object")
    .option("--csv", "print the runs as CSV, one line each; size: the curve")
    .addOption(chartOption())
    .option("--quiet", "no progress, no notes, no explanations");
}

/** `--chart`, which every command that has something to draw knows. */
export function chartOption(): Option {
  return new Option("--chart <file>", `draw into FILE (${CHART_ENDINGS}); repeatable`)
    .argParser(gather)
    .default([]);
}

/** The options as changes to a workload. Errors: ConfigError for what must be a whole number. */
export function overridesOf(options: CommonOptions): Overrides {
  return {
    set: options.set,
    typed: options.typed,
    poolMode: options.poolMode,
    poolSize: natural("--pool-size", options.poolSize, 0),
    seed: natural("--seed", options.seed, 0),
    duration: options.duration,
    precision: options.precision,
  };
}

/** Up to here every whole number is a number of its own. */
const MOST = Number.MAX_SAFE_INTEGER;

/** A whole number from `least` to `most`. Errors: ConfigError. */
export function natural(option: string, text: string, least?: number, most?: number): number;
export function natural(
  option: string,
  text: string | undefined,
  least?: number,
  most?: number,
): number | undefined;
export function natural(
  option: string,
  text: string | undefined,
  least = 1,
  most = MOST,
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  const end = most < MOST || value > most ? ` to ${most}` : "";
  const expected = `a whole number from ${least}${end}`;
  throw new ConfigError({ at: option, name: "number", got: text, expected });
}

/** The settings that the options change, as a result records them. */
export function settingsOf(options: CommonOptions): Record<string, SettingValue> {
  const named = { pool_mode: options.poolMode, default_pool_size: options.poolSize };
  const given = Object.entries(named).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value] as const],
  );
  const set = options.set.map((text) => {
    const at = text.indexOf("=");
    return [text.slice(0, at).trim(), text.slice(at + 1).trim()] as const;
  });
  return Object.fromEntries([...set, ...given].map(([key, text]) => [key, numberOrText(text)]));
}

function numberOrText(text: string): SettingValue {
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

/** Threads beyond which there is nothing to gain on any machine, and memory to lose. */
const MOST_THREADS = 256;

/** `--workers`. Errors: ConfigError. */
export const threadsOf = (text: string | undefined): number | undefined =>
  natural("--workers", text, 0, MOST_THREADS);

/** `--occupancy`, which commands on a single pool size know. */
export function occupancyOption(): Option {
  const text =
    "also draw who has which server connection, for so long from the start, such as '2 s'";
  return new Option("--occupancy <time>", text);
}

/** Nothing more fits into a picture, and what happens in it is kept in memory. */
const LONGEST_OCCUPANCY: Nanos = 3600 * SECOND;

/** `--occupancy`. Errors: ConfigError. */
export function occupancyTimeOf(text: string | undefined): Nanos | undefined {
  if (text === undefined) return undefined;
  const nanos = positiveTime("--occupancy", "2 s", text);
  if (nanos <= LONGEST_OCCUPANCY) return nanos;
  const expected = "a duration up to an hour, such as 2 s";
  throw new ConfigError({ at: "--occupancy", name: "time", got: text, expected });
}

/** `--time-limit` in milliseconds. Errors: ConfigError. */
export function timeLimitOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : positiveTime("--time-limit", "30 s", text) / 1e6;
}

function positiveTime(option: string, example: string, text: string): Nanos {
  const nanos = durationWithUnit(text);
  if (nanos !== undefined && nanos > 0) return nanos;
  const expected = `a duration above 0 with its unit, such as ${example}`;
  throw new ConfigError({ at: option, name: "time", got: text, expected });
}

/** Refuses chart files of no known format, or that cannot be written, before anything is simulated. */
export function checkCharts(files: readonly string[], option = "--chart"): void {
  for (const file of files) {
    if (chartFormat(file) === undefined) {
      throw new UsageError(
        `${option}: ${file} is of no known kind; expected a name that ends in ${CHART_ENDINGS}`,
      );
    }
    checkWritable(file);
  }
}
