/** Addresses are remembered for as long as the settings say, and used in turn. */
import type { LookupAddress } from "node:dns";
import { isIP } from "node:net";
import { expect, test } from "vitest";
import { Resolver } from "../../engine/pooler/sockets/resolver.ts";

type Answer = (error: Error | null, found: LookupAddress[]) => void;

/** A resolver whose questions are answered by hand, with answers good for 10 and failures for 3. */
function byHand() {
  const questions: { name: string; answer: Answer }[] = [];
  const clock = { now: 0 };
  const memory = { now: () => clock.now, found: () => 10, missing: () => 3 };
  const forsaken: string[] = [];
  const resolver = new Resolver(
    memory,
    (name, gone) => forsaken.push(`${name}: ${[...gone].join(" ")}`),
    (name, answer) => questions.push({ name, answer }),
  );
  const heard: string[] = [];
  const look = (name = "db"): void =>
    resolver.lookup(name, { all: true }, (error, found) => {
      const addresses = (found as LookupAddress[]).map(({ address }) => address);
      heard.push(error ? error.message : addresses.join(" "));
    });
  const answer = (...addresses: string[]): void =>
    questions.shift()?.answer(
      addresses.length === 0 ? new Error("no such name") : null,
      addresses.map((address) => ({ address, family: isIP(address) })),
    );
  return { resolver, questions, clock, heard, forsaken, look, answer };
}

test("one question serves all who wait for it", () => {
  const { resolver, questions, heard, look, answer } = byHand();
  look();
  look();
  look("other");
  expect(questions.map(({ name }) => name)).toEqual(["db", "other"]);
  expect([resolver.size, resolver.pending]).toEqual([2, 2]);
  answer("1.1.1.1");
  expect([heard, resolver.pending]).toEqual([["1.1.1.1", "1.1.1.1"], 1]);
});

test("several addresses: each connection begins with the next one", () => {
  const { heard, look, answer } = byHand();
  look();
  answer("1.1.1.1", "2.2.2.2", "3.3.3.3");
  for (let count = 0; count < 3; count++) look();
  expect(heard.map((text) => text.split(" ")[0])).toEqual([
    "1.1.1.1",
    "2.2.2.2",
    "3.3.3.3",
    "1.1.1.1",
  ]);
  expect(heard[1]).toBe("2.2.2.2 3.3.3.3 1.1.1.1");
});

// what the answer was, time since it, is it asked again?
for (const [addresses, later, again] of [
  [["1.1.1.1"], 9, false],
  [["1.1.1.1"], 10, true],
  [[], 2, false],
  [[], 3, true],
] as const) {
  test(`${addresses.length} addresses, ${later} later: ${again ? "asked again" : "remembered"}`, () => {
    const { questions, clock, heard, look, answer } = byHand();
    look();
    answer(...addresses);
    clock.now = later;
    look();
    expect(questions).toHaveLength(again ? 1 : 0);
    expect(heard).toHaveLength(again ? 1 : 2);
  });
}

test("a new answer takes the place of the old one; what is left of its time is shown", () => {
  const { resolver, clock, heard, look, answer } = byHand();
  look();
  answer("1.1.1.1");
  clock.now = 12;
  expect(resolver.names()).toEqual([{ name: "db", ttl: 0, addresses: ["1.1.1.1"] }]);
  look();
  answer("9.9.9.9", "8.8.8.8");
  clock.now = 16;
  expect(heard[1]).toBe("9.9.9.9 8.8.8.8");
  expect(resolver.names()).toEqual([{ name: "db", ttl: 6, addresses: ["9.9.9.9", "8.8.8.8"] }]);
});

test("who asks for one address gets one with its family", () => {
  const { resolver, answer } = byHand();
  const heard: unknown[] = [];
  resolver.lookup("db", { all: false }, (...all) => heard.push(all));
  answer("1.1.1.1", "2.2.2.2");
  expect(heard).toEqual([[null, "1.1.1.1", 4]]);
});

test("addresses of IPv4 come first", () => {
  const { heard, look, answer } = byHand();
  look();
  answer("::1", "1.1.1.1", "::2", "2.2.2.2");
  expect(heard).toEqual(["1.1.1.1 2.2.2.2 ::1 ::2"]);
});

test("addresses that an answer lacks are told; a failure says nothing of them", () => {
  const { clock, forsaken, look, answer } = byHand();
  for (const addresses of [["1.1.1.1", "2.2.2.2"], [], ["2.2.2.2", "3.3.3.3"], ["3.3.3.3"]]) {
    look();
    answer(...addresses);
    clock.now += 10;
  }
  expect(forsaken).toEqual(["db: 1.1.1.1", "db: 2.2.2.2"]);
});

test("zones are what stands behind the first dot", () => {
  const { resolver, look } = byHand();
  for (const name of ["db", "a.example.com", "b.example.com", "c.an.example", "d."]) look(name);
  expect(resolver.zones()).toEqual([
    ["an.example", 1],
    ["example.com", 2],
  ]);
});
