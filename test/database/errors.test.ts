/** Whose failure an error is. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { ConfigError } from "../../engine/config/index.ts";
import { OutsideError, outside } from "../../workloads/database/index.ts";

test("what the system refuses is an outside part's failure, in one line", async () => {
  const made = outside("no directory", () => readFile("/nowhere/at/all"));
  await expect(made).rejects.toMatchObject({ exitStatus: 3 });
  await expect(made).rejects.toThrow(/^no directory: ENOENT: no such file or directory[^\n]*$/);
});

test("whatever else is thrown stays what it is", async () => {
  const given = { at: "a.yaml", name: "a", expected: "b" };
  for (const error of [new OutsideError("gone"), new ConfigError(given), new TypeError("a bug")]) {
    const made = outside("no directory", () => Promise.reject(error));
    await expect(made).rejects.toBe(error);
  }
});
