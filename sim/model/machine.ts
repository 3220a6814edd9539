/**
 * What a real machine adds to a workload: the terms that `calibrate` measures and that a textbook model
 * leaves out. All are zero unless given. They have streams of their own, so that they move nothing else.
 */
import type { Nanos } from "../../engine/core/index.ts";
import type { DistributionSpec } from "../kernel/distributions.ts";

/** The terms, in nanoseconds. */
export interface Machine {
  /** Per statement, between the grant and the answer's arrival at the pooler, beside the service. */
  statement: DistributionSpec;
  /** Per statement, between client and pooler, there and back. */
  client: DistributionSpec;
  /** How late a client's timer fires; added to every think time, gap and time away. */
  lateness: DistributionSpec;
  /** A client's login, until it can begin to think. */
  login: DistributionSpec;
  /** server_reset_query or server_check_query, beside the network's round trip. */
  reset: DistributionSpec;
  /** The SET by which a server takes over a client's parameters, beside the network's round trip; nothing when left out. */
  set?: DistributionSpec;
  /** Service times are rounded up to a multiple of this; 0: not at all. */
  granularity: Nanos;
  /** Runs that differ in this alone differ by the machine's chance alone; 0 when left out. */
  variant?: number;
}

/** A distribution that adds nothing. */
export const NOTHING: DistributionSpec = { kind: "constant", value: 0 };

/** A machine that adds nothing. */
export const IDEAL: Machine = {
  statement: NOTHING,
  client: NOTHING,
  lateness: NOTHING,
  login: NOTHING,
  reset: NOTHING,
  granularity: 0,
};

/** True: the machine adds nothing to anything. */
export function isIdeal(machine: Machine): boolean {
  const { statement, client, lateness, login, reset, set = NOTHING, granularity } = machine;
  return (
    granularity === 0 &&
    [statement, client, lateness, login, reset, set].every(
      (spec) => spec.kind === "constant" && spec.value === 0,
    )
  );
}
