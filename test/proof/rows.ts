/** What `npm run proof` prints of each configuration, and of all of them. */
import type { Validated } from "../../sim/study/results/index.ts";
import type { Case } from "./cases.ts";

export const COLUMNS =
  "pooler     configuration                         utilisation  mean wait: predicted      live  p95      p99     throughput  verdict";

/** What became of the configurations. */
export interface Tally {
  holds: number;
  fails: number;
  unplayed: number;
}

export function rowOf(pooler: string, workload: string, validated: Validated): string {
  const { pool_mode, pool_size, predicted, live, error, verdict, failed } = validated;
  const off = (figure: string): string =>
    error[figure] === null || error[figure] === undefined
      ? "-"
      : `${(100 * (error[figure] as number)).toFixed(1)} %`;
  const number = (figures: Validated["live"], figure: string, digits: number): string =>
    (figures[figure] ?? Number.NaN).toFixed(digits);
  return [
    pooler.padEnd(10),
    `${workload} ${pool_mode} ${pool_size}`.padEnd(38),
    number(live, "utilization", 2).padStart(10),
    `${number(predicted, "wait_ms.mean", 2)} ms`.padStart(22),
    `${number(live, "wait_ms.mean", 2)} ms`.padStart(10),
    off("wait_ms.p95").padStart(8),
    off("wait_ms.p99").padStart(8),
    off("throughput_tps").padStart(8),
    verdict === "pass" ? "  holds" : `  FAILS: ${failed.join(", ")}`,
  ].join(" ");
}

/** A case that could not be played, with the last that was said of it. */
export function unplayedRow(pooler: string, played: Case, why: string): string {
  const { workload, mode, sizes = [] } = played;
  const configuration = [workload, mode ?? "", sizes.join(",")].filter((word) => word !== "");
  return `${pooler.padEnd(10)} ${configuration.join(" ").padEnd(38)}   NOT PLAYED: ${why}`;
}

/** Why a command ended: its last line. */
export function reasonOf(said: string, status: number): string {
  const last = said.trimEnd().split("\n").at(-1) ?? "";
  return last === "" ? `exit status ${status}, without a word` : last.replace(/^poolwise: /, "");
}

export const summary = ({ holds, fails, unplayed }: Tally): string =>
  `${holds} ${holds === 1 ? "holds" : "hold"}, ${fails} ${fails === 1 ? "fails" : "fail"}, ` +
  `${unplayed} ${unplayed === 1 ? "was" : "were"} not played`;
