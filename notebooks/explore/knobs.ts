/**
 * What of a workload can be turned: one knob for each key of its file that is a plain quantity, and the
 * settings of the pooler that decide about waits. A knob's values are texts as they stand behind
 * `--set KEY=`, so that a position is a line of the file and an option of the command alike.
 */
import { POOL_MODES } from "../../engine/core/index.ts";
import { QUEUE_DISCIPLINES, type Workload } from "../../workloads/schema/workload.ts";
import { around, rates, rising, times, wholeNumbers } from "./scales.ts";

/** Something to turn. */
export interface Knob {
  /** What it changes: an option such as `--pool-size`, or a key for `--set`. */
  key: string;
  group: string;
  label: string;
  values: readonly string[];
  /** Place of the file's own value among them. */
  initial: number;
  /** A few values to choose from, rather than a range. */
  choice?: boolean;
  /** What `0`, or nothing, means here: `no limit`. */
  zero?: string;
  /** Stands behind the value: `s` for settings in seconds. */
  unit?: string;
  /** Rarely turned. */
  rare?: boolean;
}

type Tree = Readonly<Record<string, unknown>>;

/** Stands for what the file does not say; as a value it changes nothing. */
export const UNSET = "";

/** All knobs of a workload; `file` is the value of its YAML. */
export function knobsOf(file: Tree, workload: Workload): Knob[] {
  return [
    ...poolKnobs(file, workload),
    ...workload.clients.flatMap((kind, i) => kindKnobs(at(file, "clients", i), kind.name, i)),
    ...serverKnobs(at(file, "server"), workload),
    ...poolerKnobs(at(file, "pooler")),
    ...networkKnobs(at(file, "network")),
    ...runKnobs(at(file, "run"), workload),
  ];
}

/** What a slider of time or of a whole number is made of. */
type Frame = Pick<Knob, "key" | "group" | "label"> & Partial<Knob>;

const pick = (frame: Frame, values: readonly string[], value: string): Knob => ({
  ...frame,
  values,
  initial: values.indexOf(value),
});

function whole(frame: Frame, value: number, least = 1): Knob {
  return pick(frame, wholeNumbers(value, least).map(String), String(value));
}

const time = (frame: Frame, value: string): Knob => pick(frame, times(value), value);

const POOL = "Pool";

function poolKnobs(file: Tree, { settings }: Workload): Knob[] {
  const databases = Object.entries(at(file, "databases") ?? {});
  const own = (key: string) => databases.filter(([, keys]) => at(keys, key) !== undefined);
  const [modes, sizes] = [own("pool_mode"), own("pool_size")];
  const everywhere = modes.length === 0 ? "--pool-mode" : "pool_mode";
  const all = sizes.length === 0 ? "--pool-size" : "default_pool_size";
  const mode = (key: string, label: string, value: string): Knob =>
    pick({ key, group: POOL, label, choice: true }, POOL_MODES, value);
  const size = (key: string, label: string, value: number): Knob =>
    whole({ key, group: POOL, label }, value);
  const spare = databases.length === 0 || sizes.length < databases.length;
  return [
    ...(databases.length > 0 && modes.length === databases.length
      ? []
      : [mode(everywhere, "pool_mode", settings.pool_mode)]),
    ...modes.map(([name, keys]) =>
      mode(`databases.${name}.pool_mode`, `pool_mode of ${name}`, String(at(keys, "pool_mode"))),
    ),
    ...(spare ? [size(all, "default_pool_size", settings.default_pool_size)] : []),
    ...sizes.map(([name, keys]) =>
      size(`databases.${name}.pool_size`, `pool_size of ${name}`, Number(at(keys, "pool_size"))),
    ),
    ...SETTINGS.map((setting) => settingKnob(setting, settings[setting.name])),
  ];
}

const SETTINGS = [
  { name: "reserve_pool_size", zero: "none" },
  { name: "reserve_pool_timeout", seconds: true, zero: "never" },
  { name: "min_pool_size", zero: "none" },
  { name: "query_wait_timeout", seconds: true, zero: "never" },
  { name: "max_client_conn", least: 1, rare: true },
  { name: "max_db_connections", zero: "no limit", rare: true },
  { name: "idle_transaction_timeout", seconds: true, zero: "never", rare: true },
  { name: "server_idle_timeout", seconds: true, zero: "never", rare: true },
  { name: "server_lifetime", seconds: true, zero: "never", rare: true },
] as const satisfies readonly {
  name: keyof Workload["settings"];
  seconds?: boolean;
  zero?: string;
  least?: number;
  rare?: boolean;
}[];

function settingKnob(setting: (typeof SETTINGS)[number], value: number): Knob {
  const { name, ...rest } = setting;
  const frame = {
    key: name,
    group: POOL,
    label: name,
    ...("zero" in rest ? { zero: rest.zero } : {}),
    ...("rare" in rest ? { rare: rest.rare } : {}),
  };
  if (!("seconds" in rest)) return whole(frame, value, "least" in rest ? rest.least : 0);
  const now = value / 1e9;
  // Most of these are long by default, and worth a try when short.
  const numbers = rising([0, ...around(5), ...around(now || 5)]);
  return pick({ ...frame, unit: "s" }, numbers.map(String), String(now));
}

/** A kind of clients is named by its name, unless that would be read otherwise. */
const nameOf = (name: string, i: number): string => (/^\d+$|\./.test(name) ? String(i) : name);

function kindKnobs(kind: Tree | undefined, name: string, i: number): Knob[] {
  const key = `clients.${nameOf(name, i)}`;
  const group = `Clients: ${name}`;
  const number = (path: readonly string[], label: string): Knob[] => {
    const value = at(kind, ...path);
    const frame = { key: `${key}.${path.join(".")}`, group, label };
    return typeof value === "number" ? [whole(frame, value)] : [];
  };
  const drawn = (path: readonly string[], label: string): Knob[] =>
    drawnKnob(at(kind, ...path), { key: `${key}.${path.join(".")}`, group, label });
  const rate = at(kind, "arrivals", "rate");
  const arrivals = { key: `${key}.arrivals.rate`, group, label: "arrivals" };
  return [
    ...number(["count"], "count"),
    ...(typeof rate === "string" ? [pick(arrivals, rates(rate), rate)] : []),
    ...drawn(["arrivals", "gap"], "gap between arrivals"),
    ...drawn(["think"], "think"),
    ...drawn(["transaction", "service"], "service of a statement"),
    ...drawn(["transaction", "statements"], "statements of a transaction"),
    ...drawn(["transaction", "gap"], "gap between statements"),
    ...drawn(["session", "transactions"], "transactions of a session"),
    ...number(["app_pool", "instances"], "instances of the application"),
    ...number(["app_pool", "size"], "app_pool size of each"),
    ...drawn(["timeout"], "timeout of a client"),
  ];
}

/** Where the one number of a distribution stands that sets its mean. */
const SCALES: Readonly<Record<string, readonly string[]>> = {
  constant: [],
  exponential: [],
  erlang: ["mean"],
  gamma: ["mean"],
  lognormal: ["mean"],
  weibull: ["scale"],
};

/** A quantity as it is, or the mean of a distribution; other shapes have no one number to turn. */
function drawnKnob(value: unknown, frame: Frame): Knob[] {
  if (typeof value === "number" && value > 0) return [whole(frame, value)];
  if (typeof value === "string" && /\d/.test(value)) return [time(frame, value)];
  if (typeof value !== "object" || value === null) return [];
  const [shape = "", parameters] = Object.entries(value)[0] ?? [];
  const path = SCALES[shape];
  const inner = path === undefined ? undefined : at({ parameters }, "parameters", ...path);
  if (path === undefined || (typeof inner !== "number" && typeof inner !== "string")) return [];
  const label = `${frame.label}, ${shape === "constant" ? "constant" : `mean (${shape})`}`;
  return drawnKnob(inner, { ...frame, key: [frame.key, shape, ...path].join("."), label });
}

function serverKnobs(server: Tree | undefined, workload: Workload): Knob[] {
  const group = "Database";
  const { cores, max_connections } = workload.server;
  const label = "cores";
  const none = { key: "server.cores", group, label, zero: "no limit" };
  const few = ["1", "2", "3", "4", "6", "8", "12", "16", "24", "32", "48", "64", "96", "128"];
  const kappa = at(server, "usl", "kappa");
  const pairs = { key: "server.usl.kappa", group, label: "usl kappa" };
  return [
    cores === undefined ? pick(none, [UNSET, ...few], UNSET) : whole({ ...none, zero: "" }, cores),
    ...(typeof kappa === "number" && kappa > 0
      ? [pick(pairs, around(kappa).map(String), String(kappa))]
      : []),
    whole({ key: "server.max_connections", group, label: "max_connections" }, max_connections),
    ...drawnKnob(at(server, "connect_time") ?? "15 ms", {
      ...{ key: "server.connect_time", group, label: "connect_time" },
      rare: true,
    }),
  ];
}

/** What a pooler is beyond its settings; PgBouncer's way of each where the file is silent. */
function poolerKnobs(pooler: Tree | undefined): Knob[] {
  const group = "Pooler";
  const discipline = { key: "pooler.discipline", group, label: "discipline", choice: true };
  const processes = { key: "pooler.processes", group, label: "processes" };
  return [
    {
      ...pick(discipline, QUEUE_DISCIPLINES, String(at(pooler, "discipline") ?? "fifo")),
      rare: true,
    },
    { ...whole(processes, Number(at(pooler, "processes") ?? 1)), rare: true },
    ...drawnKnob(at(pooler, "cpu_per_message"), {
      ...{ key: "pooler.cpu_per_message", group, label: "cpu_per_message", rare: true },
    }),
  ];
}

function networkKnobs(network: Tree | undefined): Knob[] {
  const trip = (name: string, usual: string): Knob => {
    const frame = { key: `network.${name}`, group: "Network", label: `round trip, ${name}` };
    return time({ ...frame, rare: true }, String(at(network, name) ?? usual));
  };
  return [trip("client", "0.5 ms"), trip("server", "0.2 ms")];
}

function runKnobs(run: Tree | undefined, workload: Workload): Knob[] {
  const group = "Simulation";
  const seed = { key: "--seed", group, label: "seed" };
  const length = { key: "--duration", group, label: "duration of a replication" };
  return [
    whole(seed, workload.run.seed, 0),
    time(length, String(at(run, "duration") ?? "60 s")),
    pick(
      { key: "--replications", group, label: "replications" },
      ["10", "20", "40", "80", "160"],
      "10",
    ),
  ];
}

/** What stands at a path; undefined where there is nothing. */
function at(value: unknown, ...path: readonly PropertyKey[]): Tree | undefined {
  const found = path.reduce<unknown>(
    (inner, part) => (inner as Record<PropertyKey, unknown> | null | undefined)?.[part],
    value,
  );
  return found as Tree | undefined;
}
