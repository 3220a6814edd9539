/** The auth_file: names and secrets as written, and errors that give no secret away. */
import { expect, test } from "vitest";
import { loadUserlist, parseUserlist } from "../../engine/config/userlist.ts";

const SCRAM = "SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy";

test("names and secrets are read as written", () => {
  const text = [
    ';"no" "one"',
    "",
    '"ann" "pass word"  ignored',
    '"bob""s" "say ""hi"""\r',
    '"eve" "md5abc"',
    '"joe" ""',
    `"sue"\t"${SCRAM}"`,
  ].join("\n");
  expect([...parseUserlist(text, "u.txt")]).toEqual([
    ["ann", "pass word"],
    ['bob"s', 'say "hi"'],
    ["eve", "md5abc"],
    ["joe", ""],
    ["sue", SCRAM],
  ]);
});

test("the later of two lines for one user holds", () => {
  expect(parseUserlist('"a" "1"\n"a" "2"\n', "u.txt").get("a")).toBe("2");
});

test.each(["ann secret", '"ann"', '"ann" "secret', '"ann secret', '"ann" secret', "# x"])(
  "%j is refused, and its text is not shown",
  (line) => {
    expect(() => parseUserlist(`\n${line}\n`, "u.txt")).toThrow(
      'u.txt:2: user is unreadable; expected "name" "password" with the quotes, or a comment ' +
        'behind ";"; double the quotes inside a name or password',
    );
  },
);

test.each([
  [127, 65_530, undefined],
  [128, 1, "u.txt:1: user name has 128 bytes; expected at most 127 bytes"],
  [1, 65_531, "u.txt:1: password of n has 65531 bytes; expected at most 65530 bytes"],
])("a name of %d and a secret of %d bytes: %s", (name, secret, want) => {
  const text = `"${"n".repeat(name)}" "${"s".repeat(secret)}"`;
  if (want === undefined) expect(parseUserlist(text, "u.txt").size).toBe(1);
  else expect(() => parseUserlist(text, "u.txt")).toThrow(want);
});

test("a file that cannot be read is named", () => {
  const readFile = () => {
    throw new Error("EACCES: permission denied");
  };
  expect(() => loadUserlist("u.txt", readFile)).toThrow(
    "u.txt: u.txt cannot be read; expected the name of a readable file; EACCES: permission denied",
  );
});
