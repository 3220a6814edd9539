/** Every rule of `check` on both sides of its boundary. */
import { expect, test } from "vitest";
import { checkFiles, RULES } from "../../sim/study/check/check.ts";
import { NOTHING_KNOWN } from "../../sim/study/check/surroundings.ts";
import { type Around, lines, ONE_POOL, SECOND, transaction } from "./check-case.ts";
import { EFFECT_CASES } from "./check-effects.ts";
import { SUM_CASES } from "./check-sums.ts";
import { TIME_CASES } from "./check-times.ts";

/** What the cases name as auth_file and auth_hba_file. */
const RULE = "host all all 10.0.0.0/8 scram-sha-256\n";
const FILES = {
  "users.txt": '"ann" "secret"\n',
  "nobody.txt": "",
  "broken.txt": "ann secret\n",
  "rules.hba": `# from inside\n${RULE}`,
  "broken.hba": `${RULE}host all all nowhere trust\n`,
  "none.hba": "# nobody\nhost all all nowhere trust\n",
};

function missing(path: string): never {
  throw new Error(`ENOENT: no such file or directory, open '${path}'`);
}

/** Ids of the rules that these settings break. */
function broken(settings: string, around: Around = {}): string[] {
  const text = settings.startsWith("[") ? settings : ONE_POOL + settings;
  const files: Record<string, string> = { ...FILES, "a.ini": text };
  const read = (path: string): string => files[path] ?? missing(path);
  const { findings } = checkFiles(["a.ini"], 1, { ...NOTHING_KNOWN, ...around }, read);
  return findings.map(({ id }) => id);
}

const CASES = [...SUM_CASES, ...TIME_CASES, ...EFFECT_CASES];

for (const [id, bad, good, why, around] of CASES) {
  const shown = (text: string): string => text.replaceAll("\n", "; ") || "nothing";
  test(`${id}: ${shown(bad)} | not: ${shown(good)}: ${why}`, () => {
    expect(broken(bad, around)).toContain(id);
    expect(broken(good, around)).not.toContain(id);
  });
}

test("every rule is here, has an id of its own, a sentence and a source", () => {
  const ids = RULES.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect([...new Set(CASES.map(([id]) => id))].sort()).toEqual([...ids].sort());
  for (const { doc, source } of RULES) {
    expect(doc).toMatch(/^[A-Za-z].*\.$/);
    expect(source).not.toBe("");
  }
});

test("a plain configuration breaks no rule at all", () => {
  const plain = lines(
    ...[transaction, "max_client_conn = 500", "idle_transaction_timeout = 60"],
    ...["tcp_keepidle = 60", "query_wait_timeout = 30", "listen_addr = *"],
    "auth_file = users.txt",
  );
  expect(broken(plain, { max_connections: 100, app_timeout: 60 * SECOND })).toEqual([]);
});
