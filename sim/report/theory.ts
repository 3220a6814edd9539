/** The tables of `theory`: simulated beside exact, and how often intervals hold the truth. */
import type { CoveredFigure, Theory, TheoryRow } from "../study/results/index.ts";
import { counted, nounFor } from "../study/words.ts";
import type { Table } from "./tables.ts";
import { terminal } from "./terminal.ts";
import { digits, durations, percent, whole } from "./units.ts";

/** Simulated beside exact, one line for each figure, and the verdict on all of them. */
export function theoryText(theory: Theory, seed: number): string {
  // Of a few systems nothing can be said of the errors together.
  const spread = theory.spread.length === 0 ? "" : `${terminal(spreadTable(theory))}\n`;
  return `${terminal(rowTable(theory.rows))}\n${spread}${summary(theory)}; seed ${seed}.\n`;
}

/** How often the intervals hold the exact value. */
export function coverageText(figures: readonly CoveredFigure[], seed: number): string {
  const table: Table = {
    title: "95 % intervals that hold the exact value",
    head: [
      ...["system", "figure", "studies", "replications", "held", "share", "below", "above"],
      ...["none", "allowed", ""],
    ],
    align: ["left", "left", ...Array.from({ length: 8 }, () => "right" as const), "left"],
    rows: figures.map((each, i) => [
      each.system === figures[i - 1]?.system ? "" : each.system,
      each.figure,
      whole(each.studies),
      digits(each.replications),
      whole(each.held),
      percent(each.held / Math.max(1, each.studies)),
      whole(each.below),
      whole(each.above),
      whole(each.none),
      `${each.bounds[0]} .. ${each.bounds[1]}`,
      each.met ? "" : "FAILS",
    ]),
  };
  return `${terminal(table)}\nSeed ${seed}.\n`;
}

function rowTable(rows: readonly TheoryRow[]): Table {
  return {
    title: "Simulated beside exact (difference also in standard errors)",
    head: ["family", "system", "figure", "exact", "simulated", "difference", "errors", ""],
    align: ["left", "left", "left", "right", "right", "right", "right", "left"],
    rows: rows.map((row, i) => {
      const before = rows[i - 1];
      const [exact, simulated] = valueTexts(row) as [string, string];
      return [
        row.family === before?.family ? "" : row.family,
        row.system === before?.system ? "" : row.system,
        row.figure,
        exact,
        simulated,
        percentSigned(row.simulated / row.exact - 1),
        signed(row.z),
        remark(row),
      ];
    }),
  };
}

function valueTexts({ unit, exact, simulated }: TheoryRow): string[] {
  if (unit === "ms") return durations([exact, simulated]);
  return [exact, simulated].map(unit === "share" ? percent : digits);
}

const signed = (value: number): string => `${value < 0 ? "" : "+"}${value.toFixed(2)}`;
const percentSigned = (share: number): string => `${signed(100 * share)} %`;

function remark({ met, again }: TheoryRow): string {
  if (again === undefined) return "";
  return `${met ? "" : "FAILS: "}second look ${signed(again)}`;
}

function spreadTable({ spread }: Theory): Table {
  return {
    title: "Do the errors look like chance? (Anderson and Darling against the standard normal law)",
    head: ["figure", "systems", "mean", "deviation", "statistic", "chance", ""],
    align: ["left", "right", "right", "right", "right", "right", "left"],
    rows: spread.map((each) => [
      each.figure,
      whole(each.count),
      signed(each.mean),
      each.deviation.toFixed(2),
      each.statistic.toFixed(2),
      percent(each.chance),
      each.met ? "" : "FAILS",
    ]),
  };
}

function summary({ systems, families, transactions, rows, met }: Theory): string {
  const failed = rows.filter((row) => !row.met).length;
  const verdict = met ? "all hold" : failing(rows.length, failed);
  return (
    `${counted(systems, "system")} of ${counted(families, "family", "families")}, ` +
    `${whole(rows.length)} ${nounFor(rows.length, "figure")}, ` +
    `${whole(transactions)} ${nounFor(transactions, "transaction")}: ${verdict}`
  );
}

function failing(looked: number, failed: number): string {
  if (looked === 0) return "nothing was looked at; leave out --quick";
  if (failed === 0) return "all hold by themselves, and together do not look like chance";
  return `${counted(failed, "figure")} ${nounFor(failed, "does", "do")} not hold`;
}
