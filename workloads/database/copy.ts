/**
 * A copy of a running server's data, made as an online backup is: between two calls that tell the server of it,
 * so that a server which starts from the copy makes it whole by the log.
 * Source: PostgreSQL documentation, "Making a Base Backup Using the Low Level API".
 */
import { execFile } from "node:child_process";
import { chown, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import type { Account } from "./account.ts";
import type { Address } from "./dsn.ts";
import { OutsideError } from "./errors.ts";

/** A server that runs, and its directory of data. */
export interface Original {
  address: Address;
  data: string;
}

/** Copies the data of `original` to `data`, which must not be there yet. Errors: OutsideError. */
export async function copyData(
  { address, data: from }: Original,
  data: string,
  account: Account,
): Promise<void> {
  const client = new pg.Client(address);
  client.on("error", () => undefined); // The query under way fails as well, and says so.
  try {
    await client.connect();
    const { rows: versions } = await client.query("show server_version_num");
    const { start, stop } = callsOf(Number(versions[0]?.server_version_num));
    await client.query(`select ${start}`);
    await copyTree(from, data, account);
    const { rows: labels } = await client.query(`select labelfile from ${stop}`);
    // The log has grown until the second call, and all of it is needed.
    await copyTree(join(from, "pg_wal"), data, account);
    for (const name of ["postmaster.pid", "postmaster.opts"])
      await rm(join(data, name), { force: true });
    await writeOwn(join(data, "backup_label"), String(labels[0]?.labelfile), account);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new OutsideError(`the data of the private PostgreSQL cannot be copied: ${reason}`);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The two calls; PostgreSQL 15 has given them other names. */
function callsOf(version: number): { start: string; stop: string } {
  if (version >= 150_000)
    return { start: "pg_backup_start('poolwise', true)", stop: "pg_backup_stop(false)" };
  return {
    start: "pg_start_backup('poolwise', true, false)",
    stop: "pg_stop_backup(false, false)",
  };
}

/**
 * As the account that the files belong to. A file may vanish while others are copied, of which `cp` complains:
 * what is needed does not vanish, and a server that lacks it would not start.
 */
async function copyTree(from: string, to: string, account: Account): Promise<void> {
  await promisify(execFile)("cp", ["-Rp", from, to], { cwd: "/", ...account }).catch((error) => {
    if (typeof error.code !== "number") throw error;
  });
}

async function writeOwn(path: string, text: string, account: Account): Promise<void> {
  await writeFile(path, text, { mode: 0o600 });
  if (account !== undefined) await chown(path, account.uid, account.gid);
}
