/** Settings of `[pgbouncer]` about the process: sockets, packets, names of hosts, logs, files. */
import { MILLISECOND, SECOND } from "../core/units.ts";
import { count, flag, MOST, optionalText, quota, text, time, wholeTime } from "./kinds.ts";
import { noEffect, restart, setting, systemCall, systemCallOrRefused } from "./setting.ts";
import { MOST_PEERS } from "./settings-entries.ts";

const wholeSeconds = wholeTime(SECOND, "seconds");
/** Kept in C's `unsigned int`. Source: PgBouncer 1.25.2 src/main.c. */
const MOST_UNSIGNED = 4_294_967_295;

const system = systemCall();
const buffers = noEffect("Node.js manages its own buffers");

export const PROCESS_SETTINGS = {
  listen_addr: setting(
    text,
    "",
    "Addresses to listen on, separated by commas, or `*`; nothing means Unix socket only.",
    restart,
  ),
  listen_port: setting(
    count(0, 65_535),
    "6432",
    "Port to listen on, also in the name of the Unix socket.",
    restart,
  ),
  listen_backlog: setting(
    quota(),
    "128",
    "Connections that may wait to be accepted; below 0 = the system's most.",
    restart,
  ),
  unix_socket_dir: setting(
    text,
    "/tmp",
    "Directory of the Unix socket, or an abstract name (@); nothing means none.",
    restart,
  ),
  unix_socket_mode: setting(count(0, 0o7777), "0777", "Access mode of the Unix socket.", restart),
  unix_socket_group: setting(text, "", "Group of the Unix socket.", restart),
  so_reuseport: setting(
    flag,
    "0",
    "Let several poolers listen on one port (our pooler: from Node.js 22.12 on, or with koffi).",
    restart,
  ),
  peer_id: setting(
    count(0, MOST_PEERS),
    "0",
    "Number of this process among its peers; 0 = it has none.",
  ),

  tcp_defer_accept: setting(
    flag,
    "1",
    "Accept a connection only when it has sent something; our pooler: where this is written.",
    system,
  ),
  tcp_keepalive: setting(flag, "1", "Let the operating system notice dead connections."),
  tcp_keepcnt: setting(
    quota(),
    "0",
    "Unanswered probes after which a connection is dead; 0 or less = the system's value.",
    system,
  ),
  tcp_keepidle: setting(
    wholeSeconds,
    "0",
    "Silence before the first probe; 0 = the system's value.",
    system,
  ),
  tcp_keepintvl: setting(wholeSeconds, "0", "Time between probes; 0 = the system's value.", system),
  tcp_socket_buffer: setting(
    count(0, MOST, "bytes"),
    "0",
    "Size of the sockets' buffers; 0 = the system's value.",
    system,
  ),
  tcp_user_timeout: setting(
    wholeTime(MILLISECOND, "milliseconds"),
    "0",
    "Longest time that sent data may stay unacknowledged; 0 = the system's value.",
    systemCallOrRefused(),
  ),
  pkt_buf: setting(count(1, MOST, "bytes"), "4096", "Size of the buffer for a packet.", {
    ...restart,
    ...buffers,
  }),
  sbuf_loopcnt: setting(
    quota(),
    "5",
    "Buffers to handle for one connection before the next has its turn; 0 = no limit.",
    buffers,
  ),
  max_packet_size: setting(
    count(0, MOST_UNSIGNED, "bytes"),
    "2147483647",
    "Largest packet let through.",
  ),

  dns_max_ttl: setting(time, "15", "Time for which an address is remembered."),
  dns_nxdomain_ttl: setting(time, "15", "Time for which a failed look-up is remembered."),
  dns_zone_check_period: setting(
    time,
    "0",
    "Time between checks whether a zone has changed; 0 = never.",
    noEffect("an address is asked for again when dns_max_ttl is over"),
  ),
  resolv_conf: setting(text, "", "Resolver's file to use in place of the system's.", restart),

  application_name_add_host: setting(
    flag,
    "0",
    "Add the client's address and port to its application_name.",
  ),
  ignore_startup_parameters: setting(
    text,
    "",
    "Startup parameters to accept and drop, separated by commas.",
  ),
  track_extra_parameters: setting(
    text,
    "IntervalStyle",
    "Further server parameters to keep for each client.",
    restart,
  ),
  disable_pqexec: setting(
    flag,
    "0",
    "Refuse simple queries, which can hold several statements.",
    restart,
  ),

  log_connections: setting(flag, "1", "Log each login."),
  log_disconnections: setting(flag, "1", "Log each end of a connection and its reason."),
  log_pooler_errors: setting(flag, "1", "Log the errors that the pooler sends to clients."),
  log_stats: setting(flag, "1", "Log the averages of each stats_period."),
  stats_period: setting(
    wholeSeconds,
    "60",
    "Period of the averages; 0 = they are those since the start.",
  ),
  logfile: setting(text, "", "File to log to."),
  syslog: setting(flag, "0", "Log to syslog, but for debugging.", systemCallOrRefused()),
  syslog_facility: setting(
    text,
    "daemon",
    "Facility for syslog: auth, authpriv, daemon, user, local0 to local7; others are daemon.",
  ),
  syslog_ident: setting(text, "pgbouncer", "Name for syslog."),
  verbose: setting(quota(), null, "How much to log: 0, 1 or 2; more is as 2, less as 0."),

  conffile: setting(optionalText, null, "The file that RELOAD reads."),
  pidfile: setting(text, "", "File for the number of the process.", restart),
  job_name: setting(text, "pgbouncer", "Name of the service.", {
    ...restart,
    ...noEffect("it names a Windows service"),
  }),
  user: setting(optionalText, null, "User to become when started as root.", restart),
};
