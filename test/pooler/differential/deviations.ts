/** Where PgBouncer does otherwise than ours, by its version, and why. */
import { STUCK, type Transcript } from "./player.ts";
import { type Packet, PROTOCOL, type Script, type Step } from "./script.ts";

export interface Deviation {
  /** What clients of a database `transaction` do. */
  steps: readonly Step[];
  /** Parts of what the last of them sees, and does not see at the other. */
  ours: string;
  theirs: string;
  /** What random scripts leave out therefore, or excuse. */
  why: string;
}

const usual = [["user", "alice"] as const, ["database", "transaction"] as const];
const layout = "invalid startup packet layout: expected terminator as last byte";
const partial = "client sent partial pkt in startup phase";

const comesIn = (...packets: Packet[]): Step => ({ who: 0, packets, cuts: [] });
const plain = (who: number, ...more: (readonly [string, string])[]): Step => ({
  who,
  packets: [["startup", PROTOCOL, ...usual, ...more]],
  cuts: [],
});

/** 1.18, as Debian has it. */
export const OLD_DEVIATIONS: readonly Deviation[] = [
  {
    steps: [comesIn(["bytes", "0000000800030000"])],
    ours: layout,
    theirs: "no username supplied",
    why: "1.18 does not ask for the terminator of a startup packet",
  },
  {
    steps: [plain(0, ["", ""])],
    ours: layout,
    theirs: "R ",
    why: "1.18 does not mind what comes behind the terminator",
  },
  {
    steps: [comesIn(["bytes", "0000000900030000"])],
    ours: "closed",
    theirs: partial,
    why: "1.18 wants a first packet in one piece: in scripts for it none is cut",
  },
  {
    steps: [plain(0, ["replication", "false"])],
    ours: "R ",
    theirs: "unsupported startup parameter: replication",
    why: "1.18 knows no replication connections",
  },
];

/** 1.25.2. Each of these is a mistake of its own, which nobody can want. */
export const NEW_DEVIATIONS: readonly Deviation[] = [
  {
    steps: [plain(0, ["options", "--=x"])],
    ours: "unsupported startup parameter in options: ",
    theirs: "R ",
    why: "1.25.2 finds the empty name in any list of two that has a blank behind its comma",
  },
  {
    steps: [
      plain(0, ["application_name", "n".repeat(200)]),
      { who: 0, send: [["query", "show application_name"]], cuts: [] },
    ],
    ours: `?${"n".repeat(63)}\n`,
    theirs: "D |\u0001||||\n",
    why: "1.25.2 does not set a value of more than 125 bytes, and says nothing",
  },
  {
    steps: [
      plain(0),
      { who: 0, send: [["parse", "a", "selec"], ["sync"]], cuts: [] },
      { who: 0, send: [["parse", "a", "select 1"], ["sync"]], cuts: [] },
    ],
    ours: "Z I\n1 \nZ I",
    theirs: "prepared statement name is already in use",
    why: "1.25.2 keeps a name whose Parse has failed, and disconnects who tries again",
  },
  {
    steps: [
      plain(0),
      {
        who: 0,
        send: [["query", "deallocate all"], ["parse", "a", "select 1"], ["sync"]],
        cuts: [],
      },
      { who: 0, send: [["bind", "", "a"], ["execute", "", 0], ["sync"]], cuts: [] },
    ],
    ours: "C SELECT 1|\nZ I",
    theirs: "prepared statement did not exist",
    why: "1.25.2 forgets with what is deallocated what has been prepared behind it in the same pipeline",
  },
  {
    steps: [
      plain(0),
      { who: 0, send: [["query", "copy nowhere from stdin"], ["copyDone"]], cuts: [] },
      { who: 0, send: [["close", "S", "a"], ["sync"]], cuts: [] },
    ],
    ours: "Z I\n3 \nZ I",
    theirs: STUCK,
    why: "1.25.2 waits for the answer to the end of a COPY that has not begun, which never comes",
  },
  {
    steps: [plain(0, ["replication", "database"], ["options", "-c timezone=Asia/Tokyo"]), plain(1)],
    ours: "Z I",
    theirs: "S TimeZone|Asia/Tokyo|",
    why: "1.25.2 gives to all the parameters of a replication client that was the first of its pool",
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

/**
 * Is a difference one of those beside 1.25.2: a name that it keeps when its Parse has failed, one that it
 * forgets with others that were deallocated before it, or a COPY that has not begun and is ended?
 */
export function isExcused(
  { steps }: Script,
  ours: readonly Transcript[],
  theirs: readonly Transcript[],
): boolean {
  const sent = steps.flatMap((step) => ("send" in step ? step.send : []));
  const ends = sent.some(([kind]) => kind === "copyDone" || kind === "copyFail");
  if (ends && theirs.flat().some((line) => line.startsWith("E "))) return true;
  const clears = sent.some((piece) => /deallocate all|discard all/.test(piece.join()));
  return theirs.some((lines, who) => {
    const word = lines.at(-2) ?? "";
    const alone = word !== ours[who]?.at(-2);
    return alone && (word.includes(TAKEN) || (clears && word.includes(UNKNOWN)));
  });
}

const TAKEN = "prepared statement name is already in use";
const UNKNOWN = "prepared statement did not exist";
