/**
 * `npm run pictures`: one picture of each kind of chart, of simulations of the shipped workloads, for
 * readers of the sources. Everything has a fixed seed: the same pictures on every machine.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as draw from "../sim/report/charts/index.ts";
import { runBars } from "../sim/report/charts/modes.ts";
import { heatMap, runCurve } from "../sim/report/charts/sweep.ts";
import { renderSvg } from "../sim/report/render.ts";
import { SERIES } from "../sim/report/theme.ts";
import { compareModes } from "../sim/study/compare.ts";
import type { Result, Run, Validated } from "../sim/study/results/index.ts";
import { study } from "../sim/study/run.ts";
import { curvePoint } from "../sim/study/size/curve.ts";
import { gridOf, parseVary, sweep } from "../sim/study/sweep.ts";
import { loadWorkload } from "../workloads/schema/load.ts";
import { slim } from "./lib/slim.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Where the pictures are. */
export const PICTURES_FOLDER = here("pictures");

const STUDY = { replications: 10 };
const workload = (name: string, ...set: string[]) =>
  loadWorkload(here(`../workloads/${name}.yaml`), { set });

/** A workload over one or two keys. */
async function swept(name: string, vary: readonly string[], ...set: string[]): Promise<Run[]> {
  const points = gridOf(vary.map(parseVary));
  const load = (more: string[]) => workload(name, ...set, ...more);
  return (await sweep(points, load, STUDY)).runs;
}

const sizes = (runs: readonly Run[]) => runs.map((run) => curvePoint(run.pool_size, run));

/** From too few connections to too many for the cores behind them. */
const tooBig = (): Promise<Run[]> =>
  swept(
    "bigger-is-worse",
    ["default_pool_size=2,3,4,5,6,8,12,20,40,60,80,100,120,140,160"],
    "run.duration=10 s",
  );

/** What a recording of `npm start` found, configuration by configuration. */
function recorded(): readonly Validated[] {
  const text = readFileSync(here("./data/tour.json"), "utf8");
  return (JSON.parse(text) as Result).validations ?? [];
}

/** The file of each kind of chart, by the name of the function that draws it. */
export const PICTURES: Readonly<Record<string, () => Promise<draw.Chart>>> = {
  waitCurve: async () => {
    const runs = await swept("json-api", ["default_pool_size=8..18"], "run.duration=40 s");
    const options = { workload: "json-api", slo_wait_p99_ms: 20, recommended: 12 };
    return draw.waitCurve(sizes(runs), options);
  },
  throughputCurve: async () =>
    draw.throughputCurve(sizes(await tooBig()), { workload: "bigger-is-worse" }),
  responseCurve: async () =>
    draw.responseCurve(sizes(await tooBig()), { workload: "bigger-is-worse" }),
  distribution: async () => {
    const { run } = await study(workload("json-api", "run.duration=40 s"), STUDY);
    const points = (run.distribution ?? []).map(({ p, response_ms }) => ({ p, ms: response_ms }));
    return draw.distribution("Responses: json-api", "Response", [{ label: "response", points }]);
  },
  runDistributions: async () => {
    const { runs } = await compareModes(workload("tour"), STUDY);
    return draw.runDistributions("Waits in each mode: tour", runs);
  },
  predictedAndLive: async () => {
    const one = recorded().find((each) => each.pool_mode === "transaction");
    return draw.predictedAndLive("Predicted and live: tour", one?.quantiles ?? []);
  },
  predictedOverSizes: async () => {
    const figure = "throughput_tps";
    const points = recorded()
      .filter((each) => each.pool_mode === "transaction")
      .map(({ pool_size, predicted, live, noise }) => {
        const measured = live[figure] ?? 0;
        const band = measured * (noise[figure] ?? 0);
        return { pool_size, predicted: predicted[figure] ?? 0, live: measured, band };
      })
      .sort((a, b) => a.pool_size - b.pool_size);
    const title = "Predicted and live over the pool size: tour";
    return draw.predictedOverSizes(title, "Throughput (transactions/s)", points);
  },
  waitsOver: async () => {
    const vary = ["clients.workers.count=0..5"];
    const runs = await swept("long-transactions", vary, "query_wait_timeout=0");
    const points = runs.map(({ settings, clients }) => {
      const [kind] = Object.entries(clients).filter(([name]) => name !== "workers");
      const wait = kind?.[1].wait_ms;
      const x = Number(settings["clients.workers.count"]);
      return { x, mean_ms: wait?.mean ?? 0, p99_ms: wait?.p99 ?? 0 };
    });
    return draw.waitsOver("What the others wait", "Clients with long transactions", points);
  },
  modeBars: async () => {
    const { runs } = await compareModes(workload("tour"), STUDY);
    return draw.modeBars("Pool modes: tour", runs);
  },
  runBars: async () => {
    const key = "clients.visitors.transaction.service";
    const runs = await swept("tour", [`${key}=10 ms..25 ms:5 ms`]);
    const colour = (i: number): string => SERIES[i % SERIES.length] as string;
    const named = runs.map((run, i) => ({
      label: `service ${run.settings[key]}`,
      colour: colour(i),
      run,
    }));
    return runBars("tour: over the service time", "constant service times", named);
  },
  timeParts: async () => {
    const pool = ["clients.requests.app_pool={ instances: 8, size: 1 }", "run.duration=20 s"];
    const key = "clients.requests.app_pool.size";
    const runs = await swept("json-api", [`${key}=2..8`], "default_pool_size=9", ...pool);
    const parts = ({ app_wait_ms: app, wait_ms: wait, response_ms: response }: Run) => ({
      "waiting in the pooler": wait.mean,
      "waiting in the application": app?.mean ?? 0,
      "the transaction itself": response.mean - wait.mean - (app?.mean ?? 0),
    });
    const points = runs.map((run) => ({ x: Number(run.settings[key]), parts: parts(run) }));
    return draw.timeParts("Two queues: json-api", "Connections of each application pool", points);
  },
  runCurve: async () => {
    const key = "clients.visitors.count";
    return runCurve("tour", await swept("tour", [`${key}=16..40:4`]), key);
  },
  heatMap: async () => {
    const [x, y] = ["default_pool_size", "clients.visitors.count"] as const;
    const vary = [`${x}=4..9`, `${y}=16..40:8`];
    return heatMap("p99 wait: tour", await swept("tour", vary, "run.duration=30 s"), x, y);
  },
  queueDepth: async () => {
    const { run } = await study(workload("retry-storm"), { replications: 2 });
    return draw.queueDepth("Queue over time: retry-storm", run.timeline ?? []);
  },
  spanChart: async () => {
    const longer = "clients.staying.transaction.service.exponential=60 ms";
    const { run } = await study(workload("eleventh-client", "pool_mode=session", longer), {
      ...{ replications: 1, occupancy: 12e9 },
    });
    const { occupancy = { to_ms: 0, servers: 0, spans: [] } } = run;
    const title = "Eleven clients, ten connections, session mode";
    return draw.spanChart(title, draw.occupancySpans(occupancy), occupancy.to_ms);
  },
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(PICTURES_FOLDER, { recursive: true });
  for (const [name, chart] of Object.entries(PICTURES)) {
    const svg = slim(await renderSvg(await chart()));
    writeFileSync(join(PICTURES_FOLDER, `${name}.svg`), `${svg}\n`);
    console.log(`notebooks/pictures/${name}.svg  ${Math.round(svg.length / 1000)} kB`);
  }
}
