/** Waiting until a server that was started gives its first answer. */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Address } from "./dsn.ts";
import { OutsideError } from "./errors.ts";

const POLL_MS = 15;
const START_DEADLINE_MS = 60_000;

/** Resolves with its first answer. Errors: OutsideError when there is none within a minute. */
export async function ready(address: Address): Promise<void> {
  const deadline = performance.now() + START_DEADLINE_MS;
  while (performance.now() < deadline) {
    if (await answers(address)) return;
    await sleep(POLL_MS);
  }
  throw new OutsideError(`PostgreSQL gave no answer within ${START_DEADLINE_MS / 1000} s`);
}

async function answers(address: Address): Promise<boolean> {
  const client = new pg.Client(address);
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query("select 1");
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
