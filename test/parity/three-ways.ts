/**
 * The same workload simulated, played through our pooler, and through PgBouncer, as rows of one shape.
 * Several pools do the same at the same time: the repeats that tell how far a figure scatters.
 */
import {
  EFFECT,
  MILLISECOND,
  type Nanos,
  type PoolMode,
  REASON,
  replayJournal,
  SECOND,
} from "../../engine/core/index.ts";
import type { Machine } from "../../sim/model/index.ts";
import { type LiveResult, runLive } from "../../workloads/live/index.ts";
import type { ClientKind, Workload } from "../../workloads/schema/workload.ts";
import { constant, kind, ms, workload } from "../live/helpers.ts";
import { PGBOUNCER } from "../pgbouncer.ts";
import { simulated } from "./simulated.ts";
import type { Stage } from "./stage.ts";

/** A transaction, or a wait for one that ended in a timeout. Times in ms since the start. */
export interface Row {
  kind: string;
  /** The pool: a database entry, `app0` and so on. */
  pool: string;
  sent: number;
  wait: number;
  response: number;
  dropped: boolean;
}

/** A rule of PgBouncer made visible. Durations in ms. */
export interface Scene {
  pool_mode: PoolMode;
  pools: number;
  /** The clients of each pool; their databases are filled in. */
  clients: readonly Partial<ClientKind>[];
  /** Clients of a pool `busy`, which keep the pooler turning. */
  busy?: readonly Partial<ClientKind>[];
  /** Settings in the core's words; durations in ns. */
  settings: Partial<Record<TimeSetting | CountSetting, number>>;
  /** How long a server connection takes to log in, beside what it takes anyway. */
  connect?: number;
  /** How long a reset takes, beside what it takes anyway. */
  reset?: number;
  duration: number;
}

type TimeSetting = "query_wait_timeout" | "reserve_pool_timeout" | "server_lifetime";
type CountSetting = "default_pool_size" | "reserve_pool_size";

const IDEAL_STEP: Omit<Machine, "reset"> = {
  statement: constant(0),
  client: constant(0),
  lateness: constant(0),
  login: constant(0),
  granularity: 0,
};

const poolNames = ({ pools }: Scene): string[] =>
  Array.from({ length: pools }, (_, i) => `app${i}`);

function loadOf(scene: Scene): Workload {
  const own = poolNames(scene).flatMap((database) =>
    scene.clients.map((client) => kind({ ...client, name: `${client.name}`, database })),
  );
  const busy = (scene.busy ?? []).map((client) => kind({ ...client, database: "busy" }));
  // Each kind has a name of its own, because a kind is what the draws are keyed by.
  const clients = [...own, ...busy].map((each, i) => ({ ...each, name: `${each.name}/${i}` }));
  const load = workload(...clients);
  const names = [...new Set(clients.map(({ database }) => database))];
  const databases = names.map((name) => ({ name }));
  const { pool_mode, settings } = scene;
  load.settings = { ...load.settings, ...settings, pool_mode, databases, max_client_conn: 500 };
  load.server.connect_time = constant(ms(scene.connect ?? 0));
  return load;
}

/** In the simulator, on a machine that adds nothing. */
export function simulate(scene: Scene): Row[] {
  const load = loadOf(scene);
  const machine = { ...IDEAL_STEP, reset: constant(ms(scene.reset ?? 0)) };
  const { journal, trace } = simulated(load, ms(scene.duration), machine);
  const rows = trace.sent.map((sent, i) => {
    const client = load.clients[trace.kind[i] ?? 0];
    return {
      kind: nameOf(client),
      pool: client?.database ?? "",
      sent: sent / MILLISECOND,
      wait: (trace.wait[i] ?? 0) / MILLISECOND,
      response: (trace.response[i] ?? 0) / MILLISECOND,
      dropped: false,
    };
  });
  return [...rows, ...timeouts(journal)];
}

const nameOf = (client: ClientKind | undefined): string => client?.name.split("/")[0] ?? "";

/** Waits that ended in query_wait_timeout, read off the journal. */
function timeouts(journal: Uint8Array): Row[] {
  const since = new Map<number, Nanos>();
  const rows: Row[] = [];
  replayJournal(journal, (now, effects) => {
    while (effects.next()) {
      const { kind: effect, client, detail } = effects;
      if (effect === EFFECT.wait) since.set(client, now);
      if (effect !== EFFECT.drop || detail !== REASON.query_wait_timeout) continue;
      const sent = since.get(client) ?? Number.NaN;
      const response = (now - sent) / MILLISECOND;
      rows.push({
        kind: "",
        pool: "",
        sent: sent / MILLISECOND,
        wait: Number.NaN,
        response,
        dropped: true,
      });
    }
  });
  return rows;
}

/** For real: through PgBouncer, or through ours. */
export async function play(
  stage: Stage,
  scene: Scene,
  through: "ours" | "PgBouncer",
): Promise<Row[]> {
  const load = loadOf(scene);
  const settings: Record<string, string | number> = { pool_mode: scene.pool_mode };
  for (const [name, value] of Object.entries(scene.settings))
    settings[name] = name.endsWith("_size") ? value : value / SECOND;
  if (scene.reset) settings.server_reset_query = `SELECT pg_sleep(${scene.reset / 1000})`;
  const entry = scene.connect ? `connect_query='SELECT pg_sleep(${scene.connect / 1000})'` : "";
  const databases = load.settings.databases.map(({ name }) => name);
  const pgbouncer = through === "ours" ? undefined : PGBOUNCER;
  const running = await stage.pooler({ settings, entry, databases, pgbouncer });
  try {
    const live = await runLive({
      workload: load,
      target: running.target,
      direct: stage.database,
      poolMode: scene.pool_mode,
      seed: 1,
      warmup: 0,
      duration: ms(scene.duration),
    });
    return rowsOf(live, load);
  } finally {
    await running.stop();
  }
}

function rowsOf({ transactions }: LiveResult, load: Workload): Row[] {
  return Array.from({ length: transactions.length }, (_, i): Row => {
    const client = load.clients[transactions.kind[i] ?? 0];
    const milliseconds = (column: Float64Array): number => (column[i] ?? Number.NaN) / MILLISECOND;
    return {
      kind: nameOf(client),
      pool: client?.database ?? "",
      sent: milliseconds(transactions.sent),
      wait: milliseconds(transactions.wait),
      response: milliseconds(transactions.response),
      dropped: transactions.outcome[i] !== 0,
    };
  });
}
