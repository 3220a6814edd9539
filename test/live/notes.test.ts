/** What a live run does not play of a workload is said. */
import { expect, test } from "vitest";
import { SECOND } from "../../engine/core/units.ts";
import { notPlayed } from "../../workloads/live/notes.ts";
import { parseWorkload } from "../../workloads/schema/load.ts";

const QUIET = "network: { client: 0 ms, server: 0 ms }\nserver: { connect_time: 0 ms }";
const notesOf = (more: string, transaction = "service: 5 ms"): string =>
  notPlayed(
    parseWorkload(
      `name: noted
clients: [{ name: web, count: 8, think: 20 ms, transaction: { ${transaction} } }]
${more}`,
      "noted.yaml",
    ),
    { duration: 10 * SECOND, faults: [], breaks: true },
  ).join("\n");

const load = (at: number, more = ""): string =>
  `${QUIET}\nschedule: [{ at: ${at} s, for: 5 s, clients: web, factor: 3${more} }]`;
const CPU = "service: 5 ms, work: cpu";

// file, transaction, what is said of it, or not
for (const [more, transaction, note, said] of [
  [QUIET, undefined, "not played", false],
  ["", undefined, "network is not played", true],
  ["", undefined, "server.connect_time is not played", true],
  [`${QUIET}\npooler: { cpu_per_message: 9 us }`, undefined, "cpu_per_message is not", true],
  [
    `${QUIET}\npooler: { processes: 2, peering: 1 ms }`,
    undefined,
    "pooler.peering is not played",
    true,
  ],
  [`${QUIET}\npooler: { processes: 2, peering: 0 ms }`, undefined, "pooler.peering", false],
  [load(9), undefined, "the load of web", false],
  [load(10), undefined, "the load of web from 10 s on is not played", true],
  [load(10, ", over: 1 s"), undefined, "the load of web", false],
  [`server: { cores: 2, cpu_share: 60 % }`, CPU, "server.cpu_share is not played", true],
  [`server: { cores: 2 }`, CPU, "server.cpu_share", false],
  [`server: { cores: 2 }`, CPU, "server.cores, speed and usl are not played", true],
  [QUIET, CPU, "server.cores", false],
  [`server: { cores: 2, cpu_share: 60 % }`, undefined, "the database's cores are not", true],
] as const)
  test(`${more.replaceAll("\n", " ")} ${transaction ?? ""}: ${said ? "" : "nothing of "}${note}`, () => {
    const notes = notesOf(more, transaction);
    if (said) expect(notes).toContain(note);
    else expect(notes).not.toContain(note);
  });
