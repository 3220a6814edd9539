/** The published JSON Schema is the one that the code obeys. */
import { expect, test } from "vitest";
import { resultJsonSchema } from "../../sim/study/results/index.ts";

test("result.schema.json is up to date (vitest --update writes it)", async () => {
  const text = `${JSON.stringify(resultJsonSchema(), null, 2)}\n`;
  await expect(text).toMatchFileSnapshot("../../sim/study/result.schema.json");
});
