/** Prepared statement tracking, any program: the client sees what it would see without a pooler. */
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ask, cut, letters } from "./bytes.ts";
import { FakePostgres } from "./postgres.ts";
import { World } from "./world.ts";

/** A step of a program; what it can name is known only when the program runs. */
const step = fc.oneof(
  fc.record({
    kind: fc.constantFrom("parse", "bind", "describe", "close"),
    name: fc.nat(5),
    sql: fc.nat(4),
  }),
  fc.record({
    kind: fc.constantFrom("unnamed", "flush", "query", "bad", "begin", "commit", "fail", "clear"),
    name: fc.nat(5),
    sql: fc.nat(4),
  }),
);

interface Step {
  kind: string;
  name: number;
  sql: number;
}

/**
 * The messages of one batch, such as a driver that knows its server would send; one that pipelines
 * gives names only once, because it does not know whether the last time failed.
 */
function batch(
  steps: readonly Step[],
  { statements, failed }: FakePostgres,
  pipelined = "",
): Buffer {
  const messages: Buffer[] = [];
  const names = new Set(statements.keys());
  const fails = failed || steps.some(({ kind }) => kind === "bad" || kind === "fail");
  for (const { kind, name: number, sql } of steps) {
    const known = [...names].filter((each) => each !== "");
    const named = pipelined === "" || kind === "parse" || kind === "bad";
    const name = named ? `n${number}${pipelined}` : (known[number % known.length] ?? "none");
    if (kind === "parse" && !names.has(name)) messages.push(ask.parse(name, `select ${sql}`));
    if (kind === "bad" && !names.has(name)) messages.push(ask.parse(name, "bad"));
    if (kind === "parse" || kind === "bad") names.add(name);
    if (kind === "bind" && names.has(name)) messages.push(ask.bind(name, `${sql}`), ask.execute());
    if (kind === "describe" && names.has(name)) messages.push(ask.describe(name));
    // PgBouncer forgets the name even if the server, because of an error, skips the Close.
    if (kind === "close" && !fails) {
      messages.push(ask.close(name));
      names.delete(name);
    }
    if (kind === "unnamed")
      messages.push(ask.parse("", `select ${sql}`), ask.bind(""), ask.execute());
    if (kind === "fail") messages.push(ask.parse("", "fail"), ask.bind(""), ask.execute());
    if (kind === "flush") messages.push(ask.flush());
  }
  const simple = steps[0]?.kind;
  if (simple === "clear") return ask.query("deallocate all");
  if (simple === "begin" || simple === "commit") return ask.query(simple);
  if (simple === "query") return Buffer.concat([...messages, ask.sync(), ask.query("select 9")]);
  return Buffer.concat([...messages, ask.sync()]);
}

describe("any program of batches", () => {
  test("sees what it would see without a pooler, on any number of servers", () => {
    const program = fc.array(fc.array(step, { minLength: 1, maxLength: 8 }), { maxLength: 12 });
    const world = fc.record({
      servers: fc.integer({ min: 1, max: 3 }),
      limit: fc.integer({ min: 1, max: 4 }),
      size: fc.integer({ min: 1, max: 60 }),
      places: fc.array(fc.nat(500), { maxLength: 10 }),
    });
    fc.assert(
      fc.property(program, world, (batches, { servers, limit, size, places }) => {
        const pooled = new World(servers, limit);
        const alone = new FakePostgres();
        for (const steps of batches) {
          const bytes = batch(steps, alone);
          alone.write(bytes, 0, bytes.length);
          for (const piece of cut(bytes, places)) {
            pooled.send(piece);
            pooled.receive(size);
          }
          pooled.drain(size);
          expect(pooled.seen.take()).toEqual(alone.take());
        }
        expect(pooled.stray).toBe(0);
        for (const database of pooled.databases) {
          // A statement that waits to be closed may be there as well, but never many.
          expect(database.statements.size).toBeLessThanOrEqual(limit + 1);
        }
        pooled.end();
        expect(pooled.table.size).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  // Without `deallocate all`: PgBouncer forgets all names when that is answered, later ones too.
  test("and so when it does not wait for the answers of one batch to send the next", () => {
    const program = fc.array(
      fc.tuple(fc.array(step, { minLength: 1, maxLength: 8 }), fc.boolean()),
      { maxLength: 12 },
    );
    const world = fc.record({
      servers: fc.integer({ min: 1, max: 3 }),
      limit: fc.integer({ min: 1, max: 4 }),
      size: fc.integer({ min: 1, max: 60 }),
    });
    fc.assert(
      fc.property(program, world, (batches, { servers, limit, size }) => {
        const pooled = new World(servers, limit);
        const alone = new FakePostgres();
        for (const [index, [steps, patient]] of batches.entries()) {
          if (steps[0]?.kind === "clear") continue;
          const bytes = batch(steps, alone, `-${index}`);
          alone.write(bytes, 0, bytes.length);
          pooled.send(bytes);
          if (patient) pooled.receive(size);
        }
        pooled.drain(size);
        expect(letters(pooled.seen.bytes)).toEqual(letters(alone.take()));
        expect(pooled.stray).toBe(0);
        pooled.end();
        expect(pooled.table.size).toBe(0);
      }),
      { numRuns: 500 },
    );
  });
});
