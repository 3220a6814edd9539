/** The auth_file: names and secrets as written, and errors that give no secret away. */
import { expect, test } from "vitest";
import { parseUserlist } from "../../engine/config/userlist.ts";

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
  expect([...parseUserlist(text, "u.txt").secrets]).toEqual([
    ["ann", "pass word"],
    ['bob"s', 'say "hi"'],
    ["eve", "md5abc"],
    ["joe", ""],
    ["sue", SCRAM],
  ]);
});

test("the later of two lines for one user holds", () => {
  expect(parseUserlist('"a" "1"\n"a" "2"\n', "u.txt").secrets.get("a")).toBe("2");
});

test.each(["ann secret", '"ann"', '"ann" "secret', '"ann secret', '"ann" secret', "# x"])(
  "at %j the file breaks off, and its text is not shown",
  (line) => {
    const { secrets, broken } = parseUserlist(`"a" "1"\n${line}\n`, "u.txt");
    expect([...secrets]).toEqual([["a", "1"]]);
    expect(broken?.words).toBe("broken auth file");
    expect(broken?.error.message).toBe(
      'u.txt:2: user is unreadable; expected "name" "password" with the quotes, or a comment ' +
        'behind ";"; double the quotes inside a name or password',
    );
  },
);

// What follows is what PgBouncer 1.18 does too.
test.each([
  ['"a" "1"\nx\n"b" "2"', [["a", "1"]], "what follows does not count"],
  [
    '"a"\n"b" "2"\n"c" "3"',
    [
      ["a", "b"],
      ["c", "3"],
    ],
    "a secret may stand on the next line",
  ],
  [
    '"a\nb" "1\n2"\n"c" "3"',
    [
      ["a\nb", "1\n2"],
      ["c", "3"],
    ],
    "a line may end inside of quotes",
  ],
  [' \t;x "y"\n;\n\v"a" "1" ;"b" "2"', [["a", "1"]], "comments and spaces in front"],
  ['"a" "1"\0\n"b" "2"', [["a", "1"]], "a zero byte ends the text"],
  ['"a" = "1"', [["a", "1"]], "anything but quotes may stand between the two"],
])("%j -> %j: %s", (text, want) => {
  expect([...parseUserlist(text, "u.txt").secrets]).toEqual(want);
});

test.each([
  [127, 65_530, undefined, undefined],
  [128, 1, "username", "u.txt:1: user name has 128 bytes; expected at most 127 bytes"],
  [1, 65_531, "password", "u.txt:1: password of n has 65531 bytes; expected at most 65530 bytes"],
])("a name of %d and a secret of %d bytes: %s too long", (name, secret, what, want) => {
  const text = `"${"n".repeat(name)}" "${"s".repeat(secret)}"`;
  const { secrets, broken } = parseUserlist(text, "u.txt");
  expect(secrets.size).toBe(what === undefined ? 1 : 0);
  expect(broken?.words).toBe(what && `${what} too long in auth file`);
  expect(broken?.error.message).toBe(want);
});
