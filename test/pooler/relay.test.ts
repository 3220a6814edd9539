/** The relay against a real PostgreSQL, through node-postgres, in the three pool modes. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { failure, Stage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(() => stage.close());

for (const pool_mode of ["session", "transaction", "statement"]) {
  test(`${pool_mode}: simple and extended queries, and an error, on one connection`, async () => {
    const client = await stage.client(await stage.pooler({ pool_mode }));
    expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    expect((await client.query("select $1::int + 1 as two", [1])).rows).toEqual([{ two: 2 }]);
    expect((await failure(client.query("select 1/0"))).code).toBe("22012");
    expect(
      (await client.query({ name: "a", text: "select $1::text as t", values: ["x"] })).rows,
    ).toEqual([{ t: "x" }]);
    expect(
      (await client.query({ name: "a", text: "select $1::text as t", values: ["y"] })).rows,
    ).toEqual([{ t: "y" }]);
  });
}
