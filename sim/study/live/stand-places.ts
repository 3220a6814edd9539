/** Where the pooler of a live run listens, and which other ones it knows, as its ini says it. */
import type { Workload } from "../../../workloads/schema/workload.ts";

/** Where several processes share a port: Unix sockets cannot be shared. */
export const LOCAL = "127.0.0.1";

/** The pooler's processes that there are from the begin on, each in a directory of its own; this one's is `own`. */
interface Place {
  workload: Workload;
  directories: readonly string[];
  own: string;
  port: number;
}

/** A pooler, by its number, and where it listens. */
type Known = readonly [id: number, directory: string];

/**
 * Settings of the one that is number `number` of those that take each other's place, 0 being the first; then its
 * section of peers, for those that know each other.
 */
export function placeLines(
  { workload, directories, own, port }: Place,
  number: number,
  placeOf: (number: number) => string,
): { settings: string[]; peers: string[] } {
  const peering = workload.pooler?.peering !== undefined;
  const place = [`listen_port = ${port}`, `unix_socket_dir = ${placeOf(number)}`];
  if (directories.length > 1) {
    const id = directories.indexOf(own) + 1;
    const sharing = [`listen_addr = ${LOCAL}`, "so_reuseport = 1", `peer_id = ${id}`];
    const all = directories.map((directory, i): Known => [i + 1, directory]);
    return { settings: [...place, ...sharing], peers: peering ? peersSection(all, port) : [] };
  }
  if (!peering) return { settings: place, peers: [] };
  // Who is relieved hears of requests for its clients from the one that comes after it.
  const there = number === 0 ? [number] : [number - 1, number];
  const known = there.map((each): Known => [each + 1, placeOf(each)]);
  return { settings: [...place, `peer_id = ${number + 1}`], peers: peersSection(known, port) };
}

const peersSection = (known: readonly Known[], port: number): string[] => [
  "[peers]",
  ...known.map(([id, directory]) => `${id} = host=${directory} port=${port}`),
];
