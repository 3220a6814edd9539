/** Small measurements on idle connections: what a server connection and a reset cost. */
import pg from "pg";
import { MILLISECOND, type Nanos } from "../../../engine/core/index.ts";
import type { Address } from "../../../workloads/database/dsn.ts";

const TRIPS = 50;
const LOGINS = 12;

/**
 * Time to set up a server connection, and to log in to the pooler without, once for each of `cold`: entries of a pooler that nobody has used
 * yet. The first login of such an entry waits for its first server; a second one does not.
 */
export async function connectTimes(
  cold: readonly Address[],
): Promise<{ connects: Nanos[]; logins: Nanos[] }> {
  const [connects, logins]: [Nanos[], Nanos[]] = [[], []];
  for (const address of cold) {
    const first = await loginTime(address);
    const second = await loginTime(address);
    connects.push(Math.max(0, first - second));
    logins.push(second);
  }
  // The first pays for code that has never run before.
  return { connects: connects.slice(1), logins: logins.slice(1) };
}

/** Logins: to a database itself, what a pooler goes through for a server connection. */
export async function loginTimes(direct: Address): Promise<Nanos[]> {
  const times: Nanos[] = [];
  for (let i = 0; i < LOGINS; i++) times.push(await loginTime(direct));
  return times.slice(1); // The first pays for code that has never run before.
}

async function loginTime(address: Address): Promise<Nanos> {
  const begin = performance.now();
  await withClient(address, async () => undefined);
  return (performance.now() - begin) * MILLISECOND;
}

/** Round trips of DISCARD ALL on a direct connection. */
export const resetTimes = (direct: Address): Promise<Nanos[]> =>
  roundTrips(direct, () => "discard all");

/** Round trips of a SET that changes a parameter which clients hear of. */
export const setTimes = (address: Address): Promise<Nanos[]> =>
  roundTrips(address, (i) => `set application_name = 'client ${i}'`);

function roundTrips(address: Address, sqlOf: (i: number) => string): Promise<Nanos[]> {
  return withClient(address, async (client) => {
    const times: Nanos[] = [];
    for (let i = 0; i < TRIPS; i++) {
      const begin = performance.now();
      await client.query(sqlOf(i));
      times.push((performance.now() - begin) * MILLISECOND);
    }
    return times.slice(5);
  });
}

async function withClient<T>(
  address: Address,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const { sslmode, ...plain } = address;
  const ssl = sslmode === undefined ? false : { rejectUnauthorized: sslmode !== "require" };
  const client = new pg.Client({ ...plain, ssl });
  client.on("error", () => undefined); // The query under way fails as well, and says so.
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
