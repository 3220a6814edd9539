/** The columns of each SHOW: those of the newest PgBouncer, and of Debian's where that has them. */
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SECOND } from "../../engine/core/index.ts";
import { hasLibc } from "../../engine/pooler/system/libc.ts";
import { Averages } from "../../engine/show/averages.ts";
import { type Bouncer, startBouncer } from "../live/helpers.ts";
import { NO_PGBOUNCER, PGBOUNCER, PGBOUNCER_NAME, PGBOUNCER_VERSION } from "../pgbouncer.ts";
import { type Console, Stage } from "./stage.ts";

let stage: Stage;
let console: Console;
beforeAll(async () => {
  stage = await Stage.open();
  const pooler = await stage.pooler({ max_prepared_statements: 100 });
  await (await stage.client(pooler)).query("select 1");
  console = await stage.console(pooler);
});
afterAll(() => stage.close());

const TOTALS =
  "server_assignment_count xact_count query_count received sent xact_time query_time wait_time " +
  "client_parse_count server_parse_count bind_count client_login_count";
const BYTES = TOTALS.replace("received sent", "bytes_received bytes_sent");
const prefixed = (prefix: string, names: string): string => names.replaceAll(/\w+/g, `${prefix}$&`);
const SOCKET =
  "type user database replication state addr port local_addr local_port connect_time request_time wait " +
  "wait_us close_needed ptr link remote_pid tls application_name prepared_statements id";
const SOCKET_TYPES = "ttttttititt iiitti tt i i".replaceAll(" ", "");
const numeric = (count: number): string => `t${"n".repeat(count)}`;

/** Column names and types of each SHOW. Source: PgBouncer 1.25.2 src/admin.c, src/stats.c. */
const SHOWS = [
  [
    "pools",
    "database user cl_active cl_waiting cl_active_cancel_req cl_waiting_cancel_req sv_active " +
      "sv_active_cancel sv_being_canceled sv_idle sv_used sv_tested sv_login maxwait maxwait_us pool_mode " +
      "load_balance_hosts",
    "ttiiiiiiiiiiiiitt",
  ],
  [
    "stats",
    `database ${prefixed("total_", TOTALS)} ${prefixed("avg_", TOTALS.replace("received", "recv"))}`,
    numeric(24),
  ],
  ["stats_totals", `database ${BYTES}`, numeric(12)],
  [
    "stats_averages",
    `database ${BYTES.replace(/client_parse.*/, "")}avg_client_parse_count avg_server_parse_count avg_bind_count avg_client_login_count`,
    numeric(12),
  ],
  ["totals", "name value", "tn"],
  ["clients", SOCKET, SOCKET_TYPES],
  ["servers", SOCKET, SOCKET_TYPES],
  [
    "sockets",
    `${SOCKET} recv_pos pkt_pos pkt_remain send_pos send_remain pkt_avail send_avail`,
    `${SOCKET_TYPES}iiiiiii`,
  ],
  [
    "active_sockets",
    `${SOCKET} recv_pos pkt_pos pkt_remain send_pos send_remain pkt_avail send_avail`,
    `${SOCKET_TYPES}iiiiiii`,
  ],
  [
    "fds",
    "fd task user database addr port cancel link client_encoding std_strings datestyle timezone password " +
      "scram_client_key scram_server_key",
    "issssiqisssssbb".replaceAll("s", "t"),
  ],
  [
    "databases",
    "name host port database force_user pool_size min_pool_size reserve_pool_size server_lifetime pool_mode " +
      "load_balance_hosts max_connections current_connections max_client_connections " +
      "current_client_connections paused disabled",
    "ttittiiiittiiiiii",
  ],
  [
    "users",
    "name pool_size reserve_pool_size pool_mode max_user_connections current_connections " +
      "max_user_client_connections current_client_connections",
    "ttttiiii",
  ],
  ["lists", "list items", "ti"],
  ["config", "key value default changeable", "tttt"],
  ["state", "key value", "tt"],
  ["version", "version", "t"],
  ["mem", "name size used free memtotal", "tiiii"],
  ["peers", "peer_id host port pool_size", "itii"],
  [
    "peer_pools",
    "peer_id cl_active_cancel_req cl_waiting_cancel_req sv_active_cancel sv_login",
    "iiiii",
  ],
  ["dns_hosts", "hostname ttl addrs", "tqt"],
  ["dns_zones", "zonename serial count", "tqi"],
] as const;
const LETTERS: Record<number, string> = { 17: "b", 20: "q", 23: "i", 25: "t", 1700: "n" };
const lettersOf = (fields: readonly pg.FieldDef[]): string =>
  fields.map((field) => LETTERS[field.dataTypeID]).join("");

for (const [name, columns, types] of SHOWS) {
  test(`SHOW ${name}: PgBouncer's columns, in order, with its types`, async () => {
    const { fields, command } = await console.client.query(`SHOW ${name}`);
    expect(fields.map((field) => field.name).join(" ")).toBe(columns);
    expect(lettersOf(fields)).toBe(types);
    expect(command).toBe("SHOW");
  });
}

/** First columns of tables whose rows are known. Source: PgBouncer 1.25.2 src/admin.c, src/objects.c. */
const ROWS = [
  [
    "lists",
    "databases users peers pools peer_pools free_clients used_clients login_clients free_servers " +
      "used_servers dns_names dns_zones dns_queries dns_pending",
  ],
  [
    "mem",
    "user_cache credentials_cache db_cache peer_cache peer_pool_cache pool_cache " +
      "outstanding_request_cache server_cache client_cache iobuf_cache var_list_cache " +
      "server_prepared_statement_cache",
  ],
  ["state", "active paused suspended"],
] as const;
for (const [name, rows] of ROWS) {
  test(`SHOW ${name}: PgBouncer's rows, in order`, async () => {
    const found = await console.ask(`show ${name}`);
    expect(found.map((row) => Object.values(row)[0]).join(" ")).toBe(rows);
  });
}

test("SHOW TOTALS: every counter twice, the sums before the averages", async () => {
  const names = TOTALS.replace("received sent", "client_bytes server_bytes").replaceAll(
    /(client_parse|server_parse|bind)_count/g,
    "ps_$&",
  );
  const rows = await console.ask("show totals");
  const want = `${prefixed("total_", names)} ${prefixed("avg_", names)}`;
  expect(rows.map(({ name }) => name).join(" ")).toBe(want);
});

test("SHOW FDS shows real descriptors, and no secrets", async () => {
  const rows = await console.ask("show fds");
  expect(rows.map(({ task }) => task)).toEqual(["pooler", "pooler", "client", "server"]);
  for (const row of rows) {
    expect(Number(row.fd)).toBeGreaterThan(2);
    expect([row.password, row.scram_client_key, row.scram_server_key]).toEqual([null, null, null]);
  }
  for (const row of rows.slice(2))
    expect([row.client_encoding, row.std_strings]).toEqual(["UTF8", "on"]);
});

/** Columns that PgBouncer has gained since 1.18. Source: its NEWS.md. */
const SINCE_1_18: Record<string, string> = {
  pools: "load_balance_hosts",
  stats:
    "total_server_assignment_count total_client_parse_count total_server_parse_count total_bind_count avg_server_assignment_count avg_client_parse_count avg_server_parse_count avg_bind_count",
  stats_totals: "server_assignment_count client_parse_count server_parse_count bind_count",
  stats_averages:
    "server_assignment_count avg_client_parse_count avg_server_parse_count avg_bind_count",
  clients: "replication prepared_statements id",
  servers: "replication prepared_statements id",
  sockets: "replication prepared_statements id",
  active_sockets: "replication prepared_statements id",
  databases: "server_lifetime load_balance_hosts max_client_connections current_client_connections",
  users:
    "pool_size reserve_pool_size max_user_connections current_connections max_user_client_connections current_client_connections",
};
/** And since 1.25, on its main branch. */
const SINCE_1_25: Record<string, string> = {
  stats: "total_client_login_count avg_client_login_count",
  stats_totals: "client_login_count",
  stats_averages: "avg_client_login_count",
};
const NEWER_SETTINGS: readonly string[] = ["login_notify_message", "pool_idle_timeout"];
const NEWER_ROWS: readonly string[] = ["total_client_login_count", "avg_client_login_count"];
const RENAMED: Record<string, string> = { reserve_pool: "reserve_pool_size" };
/** Of 1.18: defaults that have changed since, and commands that it has not. */
const NEW_DEFAULTS = [
  "client_tls_ciphers",
  "server_check_query",
  "server_tls_ciphers",
  "server_tls_sslmode",
];
const NEW_SHOWS: readonly string[] = ["state", "peers", "peer_pools"];
const old = PGBOUNCER_VERSION < 1_025;

describe.skipIf(NO_PGBOUNCER !== "")(`beside ${PGBOUNCER_NAME}`, () => {
  let bouncer: Bouncer;
  let theirs: pg.Client;
  beforeAll(async () => {
    bouncer = await startBouncer(PGBOUNCER, stage.database, "transaction");
    theirs = new pg.Client(bouncer.admin);
    await theirs.connect();
  });
  afterAll(async () => {
    await theirs.end();
    await bouncer.stop();
  });

  for (const [name] of SHOWS.filter(([show]) => !(old && NEW_SHOWS.includes(show)))) {
    test(`SHOW ${name}: its columns and types, but for what is newer`, async () => {
      const [its, ours] = [
        await theirs.query(`show ${name}`),
        await console.client.query(`show ${name}`),
      ];
      const gained = `${SINCE_1_25[name] ?? ""} ${old ? (SINCE_1_18[name] ?? "") : ""}`.split(" ");
      const kept = ours.fields.filter((field) => !gained.includes(field.name));
      expect(kept.map((field) => field.name)).toEqual(
        its.fields.map((field) => RENAMED[field.name] ?? field.name),
      );
      expect(lettersOf(kept)).toBe(lettersOf(its.fields));
      expect(ours.command).toBe(its.command);
    });
  }

  for (const name of ["lists", "mem", "state", "totals"].filter((show) => !old || show !== "state"))
    test.skipIf(old)(`SHOW ${name}: its rows, in its order, but for what is newer`, async () => {
      const first = (rows: Record<string, string>[]) => rows.map((row) => Object.values(row)[0]);
      const ours = first(await console.ask(`show ${name}`));
      const its = first((await theirs.query(`show ${name}`)).rows);
      expect(ours.filter((row) => !NEWER_ROWS.includes(row ?? ""))).toEqual(its);
    });

  test("SHOW CONFIG: its settings, defaults and which can be changed, but for what is newer", async () => {
    const ours = (await console.ask("show config")).filter(
      (row) => !NEWER_SETTINGS.includes(row.key ?? ""),
    );
    const facts = (rows: Record<string, string>[]) =>
      rows.map(({ key, default: preset, changeable }) => [key, preset, changeable]);
    const its = facts((await theirs.query("show config")).rows);
    expect(its.length).toBeGreaterThan(80);
    if (!old) expect(facts(ours)).toEqual(its);
    const known = new Map(facts(ours).map((row) => [row[0], row]));
    for (const [key, preset, changeable] of its) {
      const [, own, can] = known.get(key) ?? [];
      expect([key, can]).toEqual([key, changeable]);
      if (!old || !NEW_DEFAULTS.includes(key ?? "")) expect([key, own]).toEqual([key, preset]);
    }
  });

  test.skipIf(old)("SHOW HELP: its text", async () => {
    const said = async (client: pg.Client): Promise<unknown[]> => {
      const notices: unknown[] = [];
      const hear = (notice: { message?: string | undefined; detail?: string | undefined }) =>
        notices.push([notice.message, notice.detail]);
      client.on("notice", hear);
      await client.query("show help");
      client.off("notice", hear);
      return notices;
    };
    expect(await said(console.client)).toEqual(await said(theirs));
  });
});

test("stats_period = 0: the averages are those since the start", () => {
  const averages = new Averages(0);
  expect(averages.due(1_000_000 * SECOND, 0)).toBe(false);
  expect(averages.due(60 * SECOND, 60 * SECOND)).toBe(true);
});

test("with listen_addr = * an address of IPv4 is shown as one, and logged as one", async () => {
  const everywhere = await stage.pooler({ listen_addr: "*" });
  const all = await stage.console(everywhere);
  const [row] = await all.ask("show clients");
  expect([row?.addr, row?.local_addr]).toEqual(["127.0.0.1", "127.0.0.1"]);
  expect(await stage.log()).toMatch(/ pgbouncer\/admin@127\.0\.0\.1:\d+ login attempt/);
});

test("a session on the console has its application_name too", async () => {
  const pooler = await stage.pooler();
  const options = { user: "admin", database: "pgbouncer", application_name: "watcher" };
  const watcher = await stage.client(pooler, options);
  expect((await watcher.query("show clients")).rows[0].application_name).toBe("watcher");
});

test("SHOW USERS has those that entries name, too: for servers, and to look secrets up", async () => {
  const more = "a = host=x user=forced\nb = host=x auth_user=asking";
  const pooler = await stage.pooler({ auth_user: "everywhere" }, more);
  const all = await stage.console(pooler);
  const names = (await all.ask("show users")).map(({ name }) => name);
  expect(names).toEqual(
    ["admin", "alice", "asking", "bob", "forced", "pgbouncer", stage.database.user].sort(),
  );
  const [row] = (await all.ask("show lists")).filter(({ list }) => list === "users");
  expect(row?.items).toBe(names.length);
});

test.runIf(hasLibc())("a client on the Unix socket is shown with its process", async () => {
  const pooler = await stage.pooler();
  const { port } = pooler.address;
  const local = { host: stage.directory, port, user: "admin", database: "pgbouncer" };
  const [row] = (await (await stage.client(pooler, local)).query("show clients")).rows;
  expect([row.addr, row.remote_pid]).toEqual(["unix", process.pid]);
  expect(await stage.log()).toContain(`pgbouncer/admin@unix(${process.pid}):${port} login attempt`);
});
