/** What is proved: shipped workloads at pool sizes that are 60 to 100 % busy, before our pooler and PgBouncer. */

export interface Case {
  /** The file in `workloads`. */
  workload: string;
  /** Left out: as the file says. */
  mode?: "session" | "transaction" | "statement";
  sizes?: readonly number[];
  /** A key of the file that is changed, as after `--set`. */
  set?: string;
  /** Is played against PgBouncer as well. */
  pgbouncer?: true;
}

/** In the order in which they are played. */
export const CASES: readonly Case[] = [
  { workload: "tour", mode: "session", sizes: [16], pgbouncer: true },
  { workload: "json-api", mode: "transaction", sizes: [9, 11], pgbouncer: true },
  { workload: "ten-times", mode: "transaction", sizes: [28, 32], pgbouncer: true },
  { workload: "idle-in-transaction", mode: "transaction", sizes: [8], pgbouncer: true },
  { workload: "double-pooling", mode: "transaction", sizes: [40], pgbouncer: true },
  { workload: "query-fan-out", mode: "statement", sizes: [17], pgbouncer: true },
  { workload: "web-framework", mode: "transaction", sizes: [6, 8], pgbouncer: true },
  // As it ships, the API's pool of 15 is half idle.
  { workload: "mixed-traffic", set: "databases.api.pool_size=9", pgbouncer: true },
  { workload: "thousands-on-twenty", mode: "transaction", sizes: [16, 20], pgbouncer: true },
  { workload: "storefront", mode: "transaction", sizes: [110], pgbouncer: true },
  { workload: "five-thousand-on-fifty", mode: "transaction", sizes: [50], pgbouncer: true },
];
