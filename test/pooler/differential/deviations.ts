/** Where PgBouncer 1.18, as Debian has it, does otherwise than the version that is followed, and why. */
import { type Packet, PROTOCOL } from "./script.ts";

export interface Deviation {
  /** How a client comes in, to a database `transaction`. */
  packets: readonly Packet[];
  cuts: readonly number[];
  /** Parts of the first message that says something: ours, and that of 1.18. */
  ours: string;
  theirs: string;
  /** What has changed since, and what random scripts for 1.18 leave out therefore. */
  why: string;
}

const usual = [["user", "alice"] as const, ["database", "transaction"] as const];
const layout = "invalid startup packet layout: expected terminator as last byte";
const partial = "client sent partial pkt in startup phase";

export const DEVIATIONS: readonly Deviation[] = [
  {
    packets: [["bytes", "0000000800030000"]],
    cuts: [],
    ours: layout,
    theirs: "no username supplied",
    why: "1.18 does not ask for the terminator of a startup packet",
  },
  {
    packets: [["startup", PROTOCOL, ...usual, ["", ""]]],
    cuts: [],
    ours: layout,
    theirs: "R ",
    why: "1.18 does not mind what comes behind the terminator",
  },
  {
    packets: [["bytes", "0000000900030000"]],
    cuts: [],
    ours: "closed",
    theirs: partial,
    why: "1.18 wants a first packet in one piece: in scripts for it none is cut",
  },
  {
    packets: [["startup", PROTOCOL, ...usual, ["replication", "false"]]],
    cuts: [],
    ours: "R ",
    theirs: "unsupported startup parameter: replication",
    why: "1.18 knows no replication connections",
  },
];

/**
 * A transcript of which only what has a meaning is left: 1.18 tells the parameters in another order at the
 * login, and order means nothing there.
 */
export function tidied(lines: readonly string[]): string[] {
  const from = lines.findIndex((line) => line.startsWith("S "));
  const to = lines.findIndex((line) => line.startsWith("K "));
  if (from < 0 || to < from) return [...lines];
  return [...lines.slice(0, from), ...lines.slice(from, to).sort(), ...lines.slice(to)];
}
