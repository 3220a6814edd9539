/**
 * Names of the Prometheus metrics: those of pgbouncer_exporter, so that dashboards made for it work here.
 * Source: https://github.com/prometheus-community/pgbouncer_exporter, collector.go.
 */

/** One metric: the column of SHOW that it comes from, its name, its unit's factor, its help. */
export type MetricRow = readonly [column: string, name: string, help: string, factor?: number];

/** The metrics made of one table: a sample for each row, with these columns as labels. */
export interface MetricTable {
  readonly show: "databases" | "stats_totals" | "pools";
  readonly prefix: string;
  readonly labels: readonly string[];
  readonly type: "gauge" | "counter";
  readonly metrics: readonly MetricRow[];
}

const MICROSECONDS = 1e-6;

export const METRIC_TABLES: readonly MetricTable[] = [
  {
    show: "databases",
    prefix: "pgbouncer_databases_",
    labels: ["name", "host", "port", "database", "force_user", "pool_mode"],
    type: "gauge",
    metrics: [
      ["pool_size", "pool_size", "Most server connections of a pool"],
      ["reserve_pool_size", "reserve_pool", "Most further connections of a pool"],
      ["max_connections", "max_connections", "Most server connections of the database"],
      ["current_connections", "current_connections", "Server connections of the database"],
      ["paused", "paused", "1 if the database is paused, else 0"],
      ["disabled", "disabled", "1 if the database is disabled, else 0"],
    ],
  },
  {
    show: "stats_totals",
    prefix: "pgbouncer_stats_",
    labels: ["database"],
    type: "counter",
    metrics: [
      ["query_count", "queries_pooled_total", "Queries"],
      [
        "query_time",
        "queries_duration_seconds_total",
        "Time of queries, waiting included",
        MICROSECONDS,
      ],
      ["bytes_received", "received_bytes_total", "Bytes from clients"],
      ["bytes_sent", "sent_bytes_total", "Bytes from servers"],
      ["wait_time", "client_wait_seconds_total", "Time clients waited for servers", MICROSECONDS],
      ["xact_count", "sql_transactions_pooled_total", "Transactions"],
      [
        "xact_time",
        "server_in_transaction_seconds_total",
        "Time of transactions, waiting included",
        MICROSECONDS,
      ],
      ["client_parse_count", "client_parses_total", "Named Parse messages from clients"],
      ["server_parse_count", "server_parses_total", "Named Parse messages to servers"],
      ["bind_count", "binds_total", "Bind messages for named statements"],
    ],
  },
  {
    show: "pools",
    prefix: "pgbouncer_pools_",
    labels: ["database", "user"],
    type: "gauge",
    metrics: [
      ["cl_active", "client_active_connections", "Clients that run a query or are idle"],
      [
        "cl_active_cancel_req",
        "client_active_cancel_connections",
        "Cancel requests on their way to a server",
      ],
      ["cl_waiting", "client_waiting_connections", "Clients that wait for a server"],
      ["cl_waiting_cancel_req", "client_waiting_cancel_connections", "Cancel requests that wait"],
      ["sv_active", "server_active_connections", "Servers linked to a client"],
      [
        "sv_active_cancel",
        "server_active_cancel_connections",
        "Servers that carry a cancel request",
      ],
      [
        "sv_being_canceled",
        "server_being_canceled_connections",
        "Servers kept back until a cancel request for them has ended",
      ],
      ["sv_idle", "server_idle_connections", "Servers ready for a client"],
      ["sv_used", "server_used_connections", "Servers to be checked before their next use"],
      ["sv_tested", "server_testing_connections", "Servers that run a reset or check query"],
      ["sv_login", "server_login_connections", "Servers that connect or log in"],
      ["maxwait", "client_maxwait_seconds", "Wait so far of the oldest waiter"],
    ],
  },
];

/** Rows of SHOW LISTS that are metrics, by the name of the list. */
export const LIST_METRICS: readonly MetricRow[] = [
  ["databases", "pgbouncer_databases", "Databases"],
  ["users", "pgbouncer_users", "Users"],
  ["pools", "pgbouncer_pools", "Pools"],
  ["free_clients", "pgbouncer_free_clients", "Free places for clients"],
  ["used_clients", "pgbouncer_used_clients", "Clients"],
  ["login_clients", "pgbouncer_login_clients", "Clients that log in"],
  ["free_servers", "pgbouncer_free_servers", "Free places for servers"],
  ["used_servers", "pgbouncer_used_servers", "Servers"],
  ["dns_names", "pgbouncer_cached_dns_names", "Host names in the cache"],
  ["dns_zones", "pgbouncer_cached_dns_zones", "DNS zones in the cache"],
  ["dns_queries", "pgbouncer_in_flight_dns_queries", "DNS queries under way"],
];

/** Rows of SHOW CONFIG that are metrics, by the name of the setting. */
export const CONFIG_METRICS: readonly MetricRow[] = [
  ["max_client_conn", "pgbouncer_config_max_client_connections", "Setting max_client_conn"],
  ["max_user_connections", "pgbouncer_config_max_user_connections", "Setting max_user_connections"],
];
