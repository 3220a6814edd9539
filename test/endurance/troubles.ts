/** Troubles: what is done to the pooler and to the database meanwhile, and what clients may feel of it. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Allowance, Ledger } from "./ledger.ts";
import { type PoolName, type Settings, type Stand, USER } from "./stand.ts";

/** What a trouble needs. */
export interface Trouble {
  stand: Stand;
  ledger: Ledger;
  /** A random number between 0 and 1. */
  draw(): number;
}

const SLOW = "closed without a word, to a slow reader";
/** A backend of PostgreSQL ends, or all of them do. */
const CRASHED = new RegExp(
  `^(57P01 terminating connection|08P01 server (conn crashed\\?|connection closed)|57P02 |${SLOW})`,
);
/** It does not come back at once. */
const DOWN = new RegExp(`${CRASHED.source}|^57P03 |server login has been failing|login failed`);
const KILLED = new RegExp(`^(08P01 (admin forced disconnect|database removed)|${SLOW})`);
/** In session mode who waits is never served meanwhile: those who have servers are not read. */
const LATE = new RegExp(`^(08P01 suspend_timeout|${SLOW})`);

/** Each ends when what it does is done. Errors: those of the console and the database. */
export const TROUBLES = {
  /** Some backends end; each is linked to one client at most. */
  terminate: async ({ stand, ledger, draw }) => {
    const most = 1 + Math.floor(3 * draw());
    await allowing(ledger, { trouble: "terminate", errors: CRASHED, most }, () =>
      stand.direct(async (client) => {
        // Not those that are logging in: who waits for them would be told so.
        const sql = `select pg_terminate_backend(pid) from pg_stat_activity
          where usename = $1 and backend_start < now() - interval '1 s' order by random() limit $2`;
        await client.query(sql, [USER, most]);
      }),
    );
  },
  /** Settings change, and nobody feels it. */
  reload: async ({ stand, draw }) => {
    await stand.configure(anySettings(draw));
    await stand.ask("reload");
  },
  reconnect: async ({ stand }) => void (await stand.ask("reconnect")),
  /** Who asks meanwhile waits. */
  pause: async ({ stand, draw }) => {
    const pool = draw() < 0.5 ? "busy" : "crowd";
    await stand.ask(`pause ${pool}`);
    await sleep(1_500 * draw());
    await stand.ask(`resume ${pool}`);
  },
  /** Everybody at once; sessions that have a server go on, so PAUSE may not be complete when RESUME comes. */
  pauseAll: ({ stand, draw }) =>
    stand.administer(async (console) => {
      const paused = console.query("pause").catch(() => undefined);
      await sleep(1_500 * draw());
      await stand.ask("resume");
      // Whoever waits for the end of a PAUSE hears nothing when RESUME comes first.
      await Promise.race([paused, sleep(10)]);
    }),
  /** Nobody is read, new ones wait at the door, and who cannot be set aside within `suspend_timeout` is dropped. */
  suspend: ({ stand, ledger, draw }) =>
    allowing(ledger, { trouble: "suspend", errors: LATE }, async () => {
      await stand.ask("suspend");
      await sleep(1_000 * draw());
      await stand.ask("resume");
    }),
  /** Some of the clients of the console's list, whatever they are doing. */
  killClient: async ({ stand, ledger, draw }) => {
    const clients = (await stand.ask("show clients")).filter(({ user }) => user === USER);
    for (let left = 1 + Math.floor(3 * draw()); left > 0; left--) {
      const { id, database } = clients[Math.floor(draw() * clients.length)] ?? {};
      const whose = database === undefined ? {} : { database: String(database) };
      const allowance = { trouble: "kill_client", errors: KILLED, ...whose, most: 1 };
      // It may have gone by itself since.
      await allowing(ledger, allowance, () =>
        stand.ask(`kill_client ${id}`).catch((error: Error) => {
          if (!error.message.includes("client not found")) throw error;
        }),
      );
    }
  },
  /** Everybody of one database is sent away, and comes back after RESUME. */
  kill: async ({ stand, ledger, draw }) => {
    const pools = ["busy", "busy", "sticky", "sticky", "crowd"] as const;
    const database: PoolName = pools[Math.floor(draw() * pools.length)] ?? "busy";
    const allowance = { trouble: "kill", errors: KILLED, database, everybody: true } as const;
    await allowing(ledger, allowance, async () => {
      await stand.ask(`kill ${database}`);
      await sleep(500 * draw());
      await stand.ask(`resume ${database}`);
    });
  },
} satisfies Record<string, (trouble: Trouble) => Promise<void>>;

export type TroubleName = keyof typeof TROUBLES;

/** What happens how often. */
export const COURSE: readonly TroubleName[] = [
  ...(["terminate", "terminate", "terminate", "killClient", "killClient"] as const),
  ...(["reload", "reload", "pause", "pause", "pauseAll", "suspend", "reconnect", "kill"] as const),
];

/**
 * A backend is killed, which PostgreSQL answers by ending all others and starting again: what a crash
 * of the database looks like. False: its processes are not ours to kill.
 */
export async function restartDatabase({ stand, ledger }: Trouble): Promise<boolean> {
  let done = true;
  await allowing(ledger, { trouble: "restart", errors: DOWN }, async () => {
    await stand
      .direct(async (client) => {
        const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
        const answer = client.query("select pg_sleep(60)");
        process.kill(rows[0]?.pid ?? 0, "SIGKILL");
        await answer;
      })
      .catch((error: NodeJS.ErrnoException) => {
        if (error.code === "EPERM") done = false;
      });
    for (let up = false; !up && done; ) {
      await sleep(100);
      const answer = stand.direct((client) => client.query("select 1"));
      up = await answer.then(...BOTH);
    }
  });
  return done;
}

const BOTH = [() => true, () => false] as const;

async function allowing(ledger: Ledger, allowance: Allowance, work: () => Promise<unknown>) {
  const open = ledger.allow(allowance);
  try {
    await work();
  } finally {
    ledger.close(open);
  }
}

function anySettings(draw: () => number): Settings {
  const between = (low: number, high: number): number => low + Math.floor(draw() * (high - low));
  return {
    default_pool_size: between(5, 20),
    reserve_pool_size: between(0, 5),
    server_lifetime: between(2, 60),
    server_idle_timeout: between(2, 60),
    server_check_delay: between(0, 30),
    server_round_robin: between(0, 2),
    max_prepared_statements: between(5, 200),
    query_wait_notify: between(0, 10),
    log_stats: between(0, 2),
  };
}
