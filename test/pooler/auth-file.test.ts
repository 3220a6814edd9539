/**
 * auth_file as PgBouncer treats it: what is wrong with it is logged, and the pooler starts, and goes on.
 * What is expected here is what PgBouncer 1.18 does, and says.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Pooler } from "../../engine/pooler/main.ts";
import { failure, Stage } from "./stage.ts";

let stage: Stage;
let auth_file: string;
beforeAll(async () => {
  stage = await Stage.open();
});
beforeEach(() => {
  auth_file = stage.file("");
  writeFileSync(join(stage.directory, "log"), "");
});
afterAll(() => stage.close());

const ALICE = '"alice" "one"\n';
const BOB = '"bob" "two"\n';
const PASSWORDS = { alice: "one", bob: "two" };

const write = (text: string): void => writeFileSync(auth_file, text);

/** Who of the two comes in. */
async function visitors(pooler: Pooler): Promise<string[]> {
  const inside: string[] = [];
  for (const [user, password] of Object.entries(PASSWORDS)) {
    const entered = stage.client(pooler, { user, password, database: "pgbouncer" });
    await entered.then(
      () => inside.push(user),
      () => undefined,
    );
  }
  return inside;
}

const start = (settings: Record<string, string> = {}): Promise<Pooler> =>
  stage.pooler({ auth_type: "md5", auth_file, stats_users: "alice, bob", ...settings });

/** The lines of the log about files that cannot be opened or are broken, without their places. */
async function complaints(): Promise<string[]> {
  const lines = (await stage.log()).replaceAll(auth_file, "FILE").split("\n");
  return lines.flatMap((line) => /(?:ERROR .*|WARNING this line.*)$/.exec(line)?.[0] ?? []);
}

const MISSING = "ERROR could not open auth_file FILE: No such file or directory";

test("one that is not there: nobody is known, until RELOAD finds it", async () => {
  rmSync(auth_file);
  const pooler = await start();
  expect(await complaints()).toEqual([MISSING]);
  expect(await visitors(pooler)).toEqual([]);
  expect(pooler.reload()).toBe(true);
  expect(await complaints()).toEqual([MISSING]);
  write(ALICE + BOB);
  expect(await visitors(pooler)).toEqual([]);
  expect(pooler.reload()).toBe(true);
  expect(await visitors(pooler)).toEqual(["alice", "bob"]);
});

test("one that is gone at RELOAD: the users stay what they are", async () => {
  write(ALICE + BOB);
  const pooler = await start();
  rmSync(auth_file);
  expect(pooler.reload()).toBe(true);
  expect(await complaints()).toEqual([MISSING]);
  expect(await visitors(pooler)).toEqual(["alice", "bob"]);
});

test("one that cannot be read", async () => {
  rmSync(auth_file);
  mkdirSync(auth_file);
  await start();
  expect(await complaints()).toEqual(["ERROR could not open auth_file FILE: Is a directory"]);
});

const BROKEN = [
  "ERROR broken auth file",
  "WARNING this line and all behind it are left out: FILE:2: user is unreadable; expected " +
    '"name" "password" with the quotes, or a comment behind ";"; double the quotes inside a name or password',
];

test("a line that is broken, at start and at RELOAD: what stands behind it does not count", async () => {
  write(`${ALICE}oh\n${BOB}`);
  const pooler = await start();
  expect(await complaints()).toEqual(BROKEN);
  expect(await visitors(pooler)).toEqual(["alice"]);
  write(`${BOB}${ALICE}`);
  pooler.reload();
  expect(await visitors(pooler)).toEqual(["alice", "bob"]);
  write(`${BOB}oh oh\n${ALICE}`);
  expect(pooler.reload()).toBe(true);
  expect(await complaints()).toEqual([...BROKEN, ...BROKEN]);
  expect(await visitors(pooler)).toEqual(["bob"]);
});

test("who is taken out of it has no password any more, yet is known as before: trust lets it in", async () => {
  write(ALICE + BOB);
  const poolers = await Promise.all(["md5", "trust"].map((auth_type) => start({ auth_type })));
  write(ALICE);
  for (const pooler of poolers) pooler.reload();
  const seen = await Promise.all(poolers.map(visitors));
  expect(seen).toEqual([["alice"], ["alice", "bob"]]);
});

test("with auth_type = any nobody asks for it", async () => {
  rmSync(auth_file);
  const pooler = await start({ auth_type: "any" });
  expect(await complaints()).toEqual([]);
  expect(await visitors(pooler)).toEqual(["alice", "bob"]);
});

test("SET auth_file says at once what is wrong with the file", async () => {
  write('"alice" "one"\n"admin" "three"\n');
  const pooler = await start();
  const [user, password] = ["admin", "three"];
  const console = await stage.client(pooler, { user, password, database: "pgbouncer" });
  await console.query(`set auth_file = '${auth_file}.not'`);
  expect(await complaints()).toEqual([MISSING.replace("FILE", "FILE.not")]);
  expect(await visitors(pooler)).toEqual(["alice"]);
  expect((await failure(console.query("set auth_type = 'x'"))).message).toBe("SET failed");
});
