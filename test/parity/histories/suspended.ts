/** SUSPEND with things under way. */
import type { Group } from "./history.ts";

const ONE = { app: "pool_size=1" };

/** A query that runs until the lock is free. */
const held = (who: string): string =>
  `${who}: send sql select pg_advisory_xact_lock({key}), 'done'`;

export const suspended: Group = {
  name: "SUSPEND with things under way",
  alone: true,
  settings: {
    pool_mode: "transaction",
    suspend_timeout: 1,
    server_check_delay: 0,
    server_reset_query: "select pg_sleep(3)",
  },
  histories: [
    {
      claim: "SUSPEND closes servers that are to be checked before they are used again",
      entries: ONE,
      steps: [
        ...["a: in => in", "a: run => s1", "pool app: sv_used => 1", "console: SUSPEND => SUSPEND"],
        ...["pool app: sv_used sv_idle => 0 0", "console: RESUME => RESUME", "a: run => s2"],
      ],
    },
    {
      claim: "SUSPEND closes servers that are being reset",
      entries: { app: "pool_size=1 pool_mode=session" },
      steps: [
        ...["a: in => in", "a: run => s1", "a: out", "pool app: sv_tested => 1"],
        ...["console: SUSPEND => SUSPEND", "pool app: sv_tested sv_idle => 0 0"],
        "console: RESUME => RESUME",
      ],
    },
    {
      claim: "SUSPEND waits for no query that runs: its answer comes after RESUME",
      entries: ONE,
      steps: [
        ...["a: in => in", "a: run => s1", "database: select pg_advisory_lock({key})"],
        ...[held("a"), "pool app: sv_active => 1", "console: SUSPEND => SUSPEND"],
        ...["database: select pg_advisory_unlock({key})", "wait 700", "pool app: sv_active => 1"],
        ...["console: RESUME => RESUME", "a: get =>  done"],
      ],
    },
    {
      claim:
        "SUSPEND: who waits for longer than suspend_timeout is dropped, other pools rest at once",
      entries: { ...ONE, other: "pool_size=1" },
      steps: [
        ...["a: in => in", "b: in => in", "c: in other => in", "a: begin => s1", "b: send run"],
        ...["pool app: cl_waiting => 1", "c: run => s2"],
        ...["database: select pg_advisory_lock({key})", held("c"), "pool other: sv_active => 1"],
        ...["console: SUSPEND => SUSPEND", "database: select pg_advisory_unlock({key})"],
        ...["b: get => suspend_timeout", "wait 300", "pool other: sv_active => 1"],
        ...["console: RESUME => RESUME", "c: get =>  done", "a: run => s1"],
      ],
    },
  ],
};
