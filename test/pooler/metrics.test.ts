/** The endpoint for Prometheus: names, values equal to those of SHOW, the histogram of waits. */
import type { Server } from "node:http";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { SHOW } from "../../engine/pooler/console/show.ts";
import { type Pooler, startPooler } from "../../engine/pooler/main.ts";
import { CONFIG_METRICS, LIST_METRICS, METRIC_TABLES } from "../../engine/show/metrics-table.ts";
import { failure, Stage, until } from "./stage.ts";

let stage: Stage;
let pooler: Pooler;
beforeAll(async () => {
  stage = await Stage.open();
  const config = stage.ini({ default_pool_size: 1 });
  pooler = await startPooler({ config, quiet: true, metrics: "0" });
});
afterAll(async () => {
  await pooler.close();
  await stage.close();
});

/** The samples: `name{labels}` and value. */
async function scrape(): Promise<Map<string, number>> {
  const response = await fetch(`http://${pooler.metrics}/metrics`);
  expect(response.headers.get("content-type")).toContain("version=0.0.4");
  const lines = (await response.text()).split("\n").filter((line) => /^[^#]/.test(line));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(" ");
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

test("it listens on loopback when only a port is given", () => {
  expect(pooler.metrics).toMatch(/^127\.0\.0\.1:\d+$/);
});

test("every metric is there, with the labels of pgbouncer_exporter", async () => {
  await (await stage.client(pooler)).query("select 1");
  const found = await scrape();
  const bare = new Set([...found.keys()].map((sample) => sample.replace(/\{.*/, "")));
  for (const { prefix, metrics } of METRIC_TABLES)
    for (const [, name] of metrics) expect(bare).toContain(`${prefix}${name}`);
  for (const [, name] of [...LIST_METRICS, ...CONFIG_METRICS]) expect(bare).toContain(name);
  expect(found.get("pgbouncer_up")).toBe(1);
  expect(found.get('pgbouncer_version_info{version="PgBouncer 1.25.2"}')).toBe(1);
  const { user } = stage.database;
  const pool = `{database="app",user="${user}"}`;
  expect(found.get(`pgbouncer_pools_server_idle_connections${pool}`)).toBe(1);
});

test("what is counted equals SHOW, and the histogram's sum the time waited", async () => {
  const console = await stage.console(pooler);
  const [busy, waits] = [await stage.client(pooler), await stage.client(pooler)];
  await busy.query("begin");
  const served = waits.query("select 1");
  await until(async () => Number((await console.pool("app")).cl_waiting) === 1);
  await busy.query("commit");
  await served;
  const totals = await console.ask("show stats_totals");
  const app = totals.find(({ database }) => database === "app");
  const found = await scrape();
  const of = (name: string): number => found.get(`pgbouncer_stats_${name}{database="app"}`) ?? -1;
  expect(of("queries_pooled_total")).toBe(Number(app?.query_count));
  expect(of("received_bytes_total")).toBe(Number(app?.bytes_received));
  expect(of("client_wait_seconds_total")).toBeCloseTo(Number(app?.wait_time) / 1e6, 9);
  const wait = "poolwise_client_wait_seconds";
  const pool = `{database="app",user="${stage.database.user}"}`;
  expect(found.get(`${wait}_sum${pool}`)).toBeCloseTo(of("client_wait_seconds_total"), 5);
  // The first client waited twice: for its welcome, and not at all for its server.
  const assigned = Number(app?.server_assignment_count);
  expect(found.get(`${wait}_count${pool}`)).toBe(assigned + 1);
  const zero = found.get(`${wait}_bucket{le="0",database="app",user="${stage.database.user}"}`);
  expect(zero).toBe(assigned - 1);
});

test("only /metrics is served; off unless asked for; a bad address is refused", async () => {
  expect((await fetch(`http://${pooler.metrics}/`)).status).toBe(404);
  expect((await stage.pooler()).metrics).toBe("");
  const config = stage.ini();
  for (const metrics of ["here", "1.2.3.4:99999"]) {
    const error = await failure(startPooler({ config, quiet: true, metrics }));
    expect(error.message).toBe(`--metrics: address is "${metrics}"; expected PORT or HOST:PORT`);
  }
  const taken = failure(startPooler({ config, quiet: true, metrics: pooler.metrics }));
  expect((await taken).message).toContain(`cannot serve metrics on ${pooler.metrics}: `);
});

test("connections that cannot be taken do not end the pooler", async () => {
  const { server } = (pooler as unknown as { endpoint: { server: Server } }).endpoint;
  for (let count = 0; count < 2; count++) server.emit("error", new Error("accept EMFILE"));
  expect((await scrape()).get("pgbouncer_up")).toBe(1);
});

test("what cannot be counted is answered with 500, and the next question as ever", async () => {
  const lists = vi.spyOn(SHOW, "lists").mockImplementation(() => {
    throw new Error("no lists");
  });
  const response = await fetch(`http://${pooler.metrics}/metrics`).finally(() =>
    lists.mockRestore(),
  );
  expect(response.status).toBe(500);
  expect(await response.text()).toBe("Error: no lists\n");
  expect((await scrape()).get("pgbouncer_up")).toBe(1);
});
