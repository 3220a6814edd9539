/**
 * Service that keeps a core busy: the database makes and counts rows. How long a row takes is measured
 * on one connection, while nobody else asks for anything.
 */
import { MILLISECOND } from "../../engine/core/units.ts";
import type { Address } from "../database/dsn.ts";
import { OutsideError, showAddress, withClient } from "../database/index.ts";
import type { ClientKind, Workload } from "../schema/workload.ts";
import { countSql } from "./statements.ts";

/** Whether a live run plays the statements of `kind` as real work. */
export const burns = ({ transaction }: ClientKind): boolean => transaction.work === "cpu";

/** Whether a live run of `workload` needs to know how long a row takes. */
export const usesCores = ({ clients }: Workload): boolean => clients.some(burns);

/** Two lengths of a statement: their difference is free of what every statement costs. */
const [FEW, MANY] = [1_000, 101_000];
const ROUNDS = 60;
/** The first of them warm up. */
const DROPPED = 10;

/** Nanoseconds that the database takes to count one row, alone. Errors: OutsideError. */
export async function rowTimeOf(address: Address): Promise<number> {
  try {
    const times = await withClient(address, async (client) => {
      const query = (text: string) => client.query(text);
      const differences: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const few = await timed(() => query(`select ${countSql(FEW)}`));
        const many = await timed(() => query(`select ${countSql(MANY)}`));
        differences.push((many - few) / (MANY - FEW));
      }
      return differences.slice(DROPPED).sort((a, b) => a - b);
    });
    return times[times.length >> 1] as number;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new OutsideError(`${showAddress(address)} counts no rows: ${reason}`, "", error);
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) * MILLISECOND;
}
