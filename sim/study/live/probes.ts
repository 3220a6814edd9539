/** Small measurements on idle connections: what a server connection and a reset cost. */
import pg from "pg";
import { MILLISECOND, type Nanos } from "../../../engine/core/index.ts";
import { type Address, showAddress } from "../../../workloads/database/dsn.ts";
import { OutsideError } from "../../../workloads/database/errors.ts";

const TRIPS = 50;
const LOGINS = 12;
const CONNECT_MS = 10_000;

/**
 * Time to set up a server connection, and to log in to the pooler without, once for each of `cold`: entries
 * of a pooler that nobody has used yet. The first login of such an entry waits for its first server; a second
 * one does not.
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

const loginTime = (address: Address): Promise<Nanos> =>
  timed(() => withClient(address, async () => undefined));

/** Round trips of DISCARD ALL on a direct connection. */
export const resetTimes = (direct: Address): Promise<Nanos[]> =>
  roundTrips(direct, () => "discard all");

/** Round trips of a SET that changes a parameter which clients hear of. */
export const setTimes = (address: Address): Promise<Nanos[]> =>
  roundTrips(address, (i) => `set application_name = 'client ${i}'`);

/**
 * What a statement takes longer at its first use, for it must be parsed then; statements have one parameter,
 * and for a 0 they do nothing.
 */
export function parseTimes(address: Address, sqlOf: (name: string) => string): Promise<Nanos[]> {
  return withClient(address, async (client) => {
    const times: Nanos[] = [];
    for (let i = 0; i < TRIPS; i++) {
      const name = `probe_${i}`;
      const use = { name, text: sqlOf(name), values: ["0"] };
      const first = await timed(() => client.query(use));
      times.push(first - (await timed(() => client.query(use))));
    }
    return times.slice(5);
  });
}

async function timed(work: () => Promise<unknown>): Promise<Nanos> {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) * MILLISECOND;
}

function roundTrips(address: Address, sqlOf: (i: number) => string): Promise<Nanos[]> {
  return withClient(address, async (client) => {
    const times: Nanos[] = [];
    for (let i = 0; i < TRIPS; i++) times.push(await timed(() => client.query(sqlOf(i))));
    return times.slice(5);
  });
}

async function withClient<T>(
  address: Address,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const { sslmode, ...plain } = address;
  const ssl = sslmode === undefined ? false : { rejectUnauthorized: sslmode !== "require" };
  const client = new pg.Client({ ...plain, ssl, connectionTimeoutMillis: CONNECT_MS });
  client.on("error", () => undefined); // The query under way fails as well, and says so.
  try {
    await client.connect();
    return await work(client);
  } catch (error) {
    const reason = error instanceof Error ? error.message || error.name : String(error);
    throw new OutsideError(`the calibration lost ${showAddress(address)}: ${reason}`, "", error);
  } finally {
    await client.end().catch(() => undefined);
  }
}
