/** Tracked parameters: what is SET before a client's bytes reach a server, and what is not. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { quoteLiteral, VariableNames, Variables } from "../../engine/wire/variables.ts";

const names = new VariableNames(["IntervalStyle", "search_path", "timezone"]);

function variables(values: Record<string, string>): Variables {
  const made = new Variables(names);
  for (const [name, value] of Object.entries(values)) made.set(name, value);
  return made;
}

const differences: [
  client: Record<string, string>,
  server: Record<string, string>,
  sql: string | undefined,
  why: string,
][] = [
  [{ TimeZone: "UTC" }, { TimeZone: "UTC" }, undefined, "equal"],
  [{ TimeZone: "utc" }, { TimeZone: "UTC" }, undefined, "case does not matter"],
  [{}, { TimeZone: "UTC" }, undefined, "the client never set it"],
  [{ TimeZone: "UTC" }, {}, undefined, "the server does not know it"],
  [{ DateStyle: "ISO" }, { DateStyle: "SQL" }, "SET DateStyle='ISO';", "differs"],
  [
    { application_name: "a", client_encoding: "LATIN1" },
    { application_name: "b", client_encoding: "UTF8" },
    "SET client_encoding='LATIN1';SET application_name='a';",
    "one query for all, in the order of the names",
  ],
  [
    { application_name: "it's \\ me" },
    { application_name: "" },
    "SET application_name=E'it''s \\\\ me';",
    "quotes and backslashes",
  ],
  [{ search_path: 'a, "B"' }, { search_path: "x" }, 'SET search_path=a, "B";', "quoted already"],
  [{ search_path: '""' }, { search_path: "x" }, "SET search_path='';", "an empty list"],
];

describe("Variables", () => {
  for (const [client, server, sql, why] of differences) {
    test(`${JSON.stringify(client)} on ${JSON.stringify(server)} -> ${sql}: ${why}`, () => {
      expect(variables(client).difference(variables(server))).toBe(sql);
    });
  }

  /** What happens to some that meet often: `on` is set, filled from, compared with or adopts from `other`. */
  const event = fc.record({
    act: fc.constantFrom("set", "fill", "compare", "compare", "adopt"),
    on: fc.nat(3),
    other: fc.nat(3),
    name: fc.constantFrom("TimeZone", "DateStyle"),
    value: fc.constantFrom("a", "A", "b"),
  });

  test("what was found to be equal before makes no difference to a comparison", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const all = Array.from({ length: 4 }, () => variables({ TimeZone: "a" }));
        for (const { act, on, other, name, value } of events) {
          const [one, two] = [all[on] as Variables, all[other] as Variables];
          if (act === "set") one.set(name, value);
          else if (act === "fill") one.fill(two);
          else if (act === "adopt") one.adopt(two);
          // Copies have never met.
          const copy = (from: Variables) => variables(Object.fromEntries(from.entries()));
          expect(one.difference(two)).toBe(copy(one).difference(copy(two)));
        }
      }),
    );
  });

  test("names are found in any case, unknown ones are not taken", () => {
    const values = new Variables(names);
    expect(values.set("datestyle", "ISO")).toBe(true);
    expect(values.set("work_mem", "1MB")).toBe(false);
    expect(values.entries()).toEqual([["DateStyle", "ISO"]]);
    expect(names.names.filter((name) => name.toLowerCase() === "timezone")).toEqual(["TimeZone"]);
  });

  test("a client starts with the server's values where it has none", () => {
    const client = variables({ TimeZone: "UTC" });
    client.fill(variables({ TimeZone: "GMT", DateStyle: "ISO" }));
    expect(client.entries()).toEqual([
      ["DateStyle", "ISO"],
      ["TimeZone", "UTC"],
    ]);
  });

  test("the server's spelling is adopted, so that it is not SET again", () => {
    const client = variables({ DateStyle: "ISO" });
    const server = variables({ DateStyle: "ISO, MDY", TimeZone: "GMT" });
    expect(client.difference(server)).toBe("SET DateStyle='ISO';");
    client.adopt(server);
    expect(client.difference(server)).toBeUndefined();
    expect(client.value("TimeZone")).toBeUndefined();
  });

  test("literals", () => {
    expect(quoteLiteral("a'b")).toBe("'a''b'");
    expect(quoteLiteral("a\\'b")).toBe("E'a\\\\''b'");
  });
});
