/** Distributions of a workload file, as the kernel wants them. */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { ConfigError, whyUnreadable } from "../../engine/config/index.ts";
import type { DistributionSpec } from "../../sim/kernel/distributions.ts";
import { duration } from "./units.ts";

/** Where a distribution stands, for messages. */
export interface Place {
  at: string;
  name: string;
  /** The workload file: paths in it are relative to it. */
  file: string;
  /** Numbers are drawn, not times: a bare number is in order. */
  counts?: boolean;
}

/** 99 % quantile of the standard normal distribution. */
const Z99 = 2.3263478740408408;

/** Turns a checked distribution into the kernel's form. Errors: ConfigError for what does not add up. */
export function distributionOf(written: unknown, place: Place): DistributionSpec {
  if (typeof written !== "object" || written === null)
    return { kind: "constant", value: amount(written, place) };
  const [[shape, parameters]] = Object.entries(written) as [[string, unknown]];
  const p = parameters as Record<string, unknown>;
  const of = (name: string): number => amount(p[name], place);
  switch (shape) {
    case "constant":
      return { kind: "constant", value: amount(parameters, place) };
    case "exponential":
      return { kind: "exponential", mean: amount(parameters, place) };
    case "erlang":
      return { kind: "erlang", mean: of("mean"), k: p.k as number };
    case "hyperexponential":
      return hyperexponential(p.mean as unknown[], p.weights as number[], place);
    case "gamma":
      return { kind: "gamma", mean: of("mean"), cv: p.cv as number };
    case "lognormal":
      return "cv" in p
        ? { kind: "lognormal", mean: of("mean"), cv: p.cv as number }
        : lognormalByQuantiles(of("p50"), of("p99"), place);
    case "weibull":
      return { kind: "weibull", scale: of("scale"), shape: p.shape as number };
    case "pareto":
      return { kind: "pareto", ...range(p, place), shape: p.shape as number };
    case "uniform":
      return { kind: "uniform", ...range(p, place) };
    case "empirical":
      return empirical(p, place);
    default:
      return mixture(parameters as { weight: number; of: unknown }[], place);
  }
}

function amount(written: unknown, { at, name, counts = false }: Place): number {
  const value = counts && typeof written === "number" ? written : duration(written);
  if (value !== undefined && !(counts && typeof written === "string")) return value;
  const got = String(written);
  if (counts) throw new ConfigError({ at, name, got, expected: "a number, such as 8" });
  const expected = "a duration such as 10 ms, 1.5 s, 2 min";
  const fix = typeof written === "number" ? `give it a unit: ${got} ms or ${got} s?` : undefined;
  throw new ConfigError({ at, name, got, expected, fix });
}

function wrong({ at, name }: Place, got: string, expected: string): ConfigError {
  return new ConfigError({ at, name, got, expected });
}

function hyperexponential(means: unknown[], weights: number[], place: Place): DistributionSpec {
  if (means.length !== weights.length)
    throw wrong(
      place,
      `${means.length} means, ${weights.length} weights`,
      "as many weights as means",
    );
  return { kind: "hyperexponential", means: means.map((mean) => amount(mean, place)), weights };
}

function lognormalByQuantiles(p50: number, p99: number, place: Place): DistributionSpec {
  if (!(p50 > 0 && p99 > p50)) throw wrong(place, `p50 ${p50} ns, p99 ${p99} ns`, "0 < p50 < p99");
  const sigma = Math.log(p99 / p50) / Z99;
  const cv = Math.sqrt(Math.exp(sigma ** 2) - 1);
  return { kind: "lognormal", mean: p50 * Math.exp(sigma ** 2 / 2), cv };
}

function range(p: Record<string, unknown>, place: Place): { min: number; max: number } {
  const [min, max] = [amount(p.min, place), amount(p.max, place)];
  if (min >= max) throw wrong(place, `${String(p.min)} to ${String(p.max)}`, "min below max");
  return { min, max };
}

function empirical(p: Record<string, unknown>, place: Place): DistributionSpec {
  if (Array.isArray(p.values))
    return { kind: "empirical", values: p.values.map((value) => amount(value, place)) };
  if (typeof p.file === "string") return fromFile(p.file, place);
  const points = Object.entries(p.quantiles as Record<string, unknown>)
    .map(([percent, value]): [number, number] => [Number(percent), amount(value, place)])
    .sort(([a], [b]) => a - b);
  const rising = points.every(
    ([percent, value], i) =>
      percent >= 0 &&
      percent <= 100 &&
      (i === 0 || value >= (points[i - 1] as [number, number])[1]),
  );
  if (points.length < 2 || !rising)
    throw wrong(
      place,
      JSON.stringify(p.quantiles),
      "at least two percents from 0 to 100, values rising",
    );
  return { kind: "quantiles", points };
}

function fromFile(path: string, place: Place): DistributionSpec {
  const file = resolve(dirname(place.file), path);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const problem = `names ${file}, which cannot be read (${whyUnreadable(error)})`;
    throw new ConfigError({
      at: place.at,
      name: place.name,
      problem,
      expected: "a file with one value a line",
    });
  }
  const values: number[] = [];
  text.split("\n").forEach((line, i) => {
    if (line.trim() === "") return;
    values.push(amount(line.trim(), { ...place, at: `${file}:${i + 1}`, name: "value" }));
  });
  if (values.length === 0) throw wrong({ ...place, at: file }, "an empty file", "one value a line");
  return { kind: "empirical", values };
}

function mixture(parts: { weight: number; of: unknown }[], place: Place): DistributionSpec {
  return {
    kind: "mixture",
    parts: parts.map((part) => ({ weight: part.weight, of: distributionOf(part.of, place) })),
  };
}
