/** Scripts that have shown a difference once, and some that random ones cannot hold. */
import { type Packet, PROTOCOL, type Script, type Step } from "./script.ts";

/** Client 0, or another, comes in. */
function comesIn(mode: Script["mode"], who = 0, ...more: (readonly [string, string])[]): Step {
  const packet: Packet = ["startup", PROTOCOL, ["user", "alice"], ["database", mode], ...more];
  return { who, packets: [packet], cuts: [] };
}

const asks = (who: number, ...texts: string[]): Step => ({
  who,
  send: texts.map((sql) => ["query", sql] as const),
  cuts: [],
});

/** The only thing that comes, and is not all of what its header tells. */
const cutOff = (hex: string): Script => ({
  mode: "session",
  steps: [{ who: 0, packets: [["bytes", hex]], cuts: [] }],
});

/** Played beside all versions. */
export const FOUND: readonly Script[] = [
  {
    mode: "statement", // The end of the block came with its beginning, and the block was overlooked.
    steps: [comesIn("statement"), asks(0, "begin", "commit; select 5")],
  },
  {
    mode: "transaction", // Parameters that the server refuses end the connection at the first query.
    steps: [
      ...[comesIn("transaction", 0, ["DateStyle", "nonsense"]), asks(0, "select 1")],
      ...[comesIn("transaction", 1, ["TimeZone", "nonsense"]), asks(1, "begin", "commit")],
    ],
  },
  ...(["session", "transaction"] as const).map((mode) => ({
    mode, // Notifications come when the client that has asked for them is in no block.
    steps: [
      ...[comesIn(mode), comesIn(mode, 1), asks(0, "listen x"), asks(1, "notify x, 'one'")],
      ...[asks(1, "select pg_sleep(0.1)"), asks(0, "begin"), asks(1, "notify x, 'two'")],
      ...[asks(1, "select pg_sleep(0.1)"), asks(0, "select 1"), asks(0, "commit", "select 2")],
    ],
  })),
];

/** Played beside 1.25 and later. */
export const FOUND_NEW: readonly Script[] = [
  cutOff("7000000008616263"),
  cutOff("000000090002000000".slice(0, 16)),
  {
    mode: "transaction", // It has a name, and ends within its text.
    prepared: 200,
    steps: [comesIn("transaction"), { who: 0, send: [["odd", "P", "x\0select 1"]], cuts: [] }],
  },
  {
    mode: "transaction", // What stands behind the types of a Parse is dropped.
    prepared: 200,
    steps: [
      comesIn("transaction"),
      { who: 0, send: [["odd", "P", "x\0select 1\0\0\0more"], ["sync"]], cuts: [] },
      { who: 0, send: [["bind", "", "x"], ["execute", "", 0], ["sync"]], cuts: [] },
    ],
  },
  {
    mode: "transaction", // In capitals it is no word for a replication connection.
    steps: [
      comesIn("transaction", 0, ["replication", "DATABASE"]),
      { who: 0, send: [["parse", "", "select 1"], ["sync"]], cuts: [] },
    ],
  },
  {
    mode: "transaction", // The first of its pool: told what it has set.
    steps: [
      comesIn("transaction", 0, ["replication", "database"], ["options", "-c timezone=Asia/Tokyo"]),
      asks(0, "IDENTIFY_SYSTEM"),
    ],
  },
  {
    mode: "transaction", // Its server is the first after RECONNECT; others are told of ordinary ones.
    steps: [
      ...[comesIn("transaction"), comesIn("transaction", 1, ["replication", "yes"])],
      ...[{ tell: "RECONNECT" }, asks(1, "IDENTIFY_SYSTEM"), comesIn("transaction", 2)],
    ],
  },
];
