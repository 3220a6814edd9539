/** `check` as text: what is wrong where, why, and what to do about it. */
import type { Check, Result } from "../study/results/index.ts";
import { counted } from "../study/words.ts";
import type { Table } from "./tables.ts";
import { terminal } from "./terminal.ts";
import { NOTHING, whole } from "./units.ts";

/** The terminal's version; `quiet` leaves out the table of servers. */
export function checkText(result: Result, quiet: boolean): string {
  const { check } = result;
  if (check === undefined) throw new RangeError("a report of a check needs one");
  const findings = check.findings.map(findingText).join("\n\n");
  const servers = quiet || check.servers.length === 0 ? "" : terminal(serverTable(check)).trimEnd();
  return [findings, servers, summary(check)].filter((text) => text !== "").join("\n\n");
}

function findingText({ at, severity, id, what, why, fix }: Check["findings"][number]): string {
  return `${at}: ${severity}: ${what} [${id}]\n  why: ${why}\n  fix: ${fix}`;
}

function serverTable({ servers }: Check): Table {
  return {
    title: "What the poolers can open",
    head: ["server", "pools", "connections, most", "available"],
    align: ["left", "right", "right", "right"],
    rows: servers.map(({ server, pools, connections, available }) => [
      ...[server, whole(pools), whole(connections)],
      available === null ? NOTHING : whole(available),
    ]),
  };
}

function summary({ findings, rules }: Check): string {
  const counts = (["error", "warning", "note"] as const).map((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    return counted(count, severity);
  });
  return `${counts.join(", ")} by ${rules} rules.`;
}
