/**
 * What the console's commands do, with PgBouncer's texts. Source: PgBouncer 1.25.2 src/admin.c.
 */
import {
  applySet,
  type Config,
  ConfigError,
  misread,
  noteOf,
  reloadConfig,
  SETTINGS,
  type SettingName,
} from "../../config/index.ts";
import { columns, type Table } from "../../show/table.ts";
import type { ConsoleCommand } from "../../wire/console.ts";
import { noticeResponse } from "../../wire/writer.ts";
import { Environment } from "../relay/environment.ts";
import { dropping, droppingPeer, registering } from "../relay/explain.ts";
import type { Identity } from "../relay/identity.ts";
import type { HostRole } from "../relay/roles.ts";
import type { Channel } from "../sockets/channel.ts";
import { hasLibc } from "../system/libc.ts";
import { CONSOLE } from "../system/names.ts";
import { readText } from "../system/read-text.ts";
import { canHandOver } from "./handover.ts";
import { SHOW } from "./show.ts";

/** Where a command comes from and its answer goes to. */
export interface CommandDesk {
  readonly host: HostRole;
  /** Its user may do more than look. */
  readonly admin: boolean;
  /** Its user is our own, over the Unix socket. */
  readonly own: boolean;
  readonly channel: Channel;
  readonly identity: Identity;
  done(tag: string, ...before: Buffer[]): void;
  table(table: Table): void;
  /** `logged`: what the log says instead. */
  error(text: string, sqlstate?: string, logged?: string): void;
  /** Answers SHOW FDS with the sockets themselves. */
  handOver(): void;
  /** The answer comes when `kind` is so for all these databases (-1: for everything). */
  wait(kind: WaitKind, tag: string, databases: Iterable<number>): void;
}

/** What a command can wait for. */
export type WaitKind = "paused" | "reconnected" | "suspended";

type Of<Kind extends ConsoleCommand["kind"]> = Extract<ConsoleCommand, { kind: Kind }>;

/** Carries out one command; exactly one answer is given, now or later. */
export function execute(desk: CommandDesk, command: ConsoleCommand): void {
  switch (command.kind) {
    case "show":
      show(desk, command);
      return;
    case "show_fixed":
      desk.table({ columns: columns(`${command.name} t`), rows: [[command.value]] });
      return;
    case "set_ignored":
      desk.done("SET", noticeResponse("SET ignored"));
      return;
    case "error":
      desk.error(command.text);
      return;
    default:
      if (desk.admin) govern(desk, command);
      else desk.error("admin access needed");
  }
}

type Governing = Exclude<ConsoleCommand, { kind: "show" | "show_fixed" | "set_ignored" | "error" }>;

/** The commands for which admin_users is needed. */
function govern(desk: CommandDesk, command: Governing): void {
  const { host } = desk;
  switch (command.kind) {
    case "set":
      set(desk, command);
      return;
    case "pause":
    case "resume":
    case "kill":
    case "reconnect":
    case "wait_close":
    case "disable":
    case "enable":
      onDatabase(desk, command.kind, command.database);
      return;
    case "kill_client":
      killClient(desk, command.client);
      return;
    case "reload":
      host.log.write("LOG", "RELOAD command issued");
      if (reload(host)) desk.done("RELOAD");
      else desk.error(...RELOAD_FAILED);
      return;
    case "suspend":
      suspend(desk);
      return;
    case "shutdown":
      shutdown(desk, command);
      return;
    case "misuse":
      desk.error(command.text);
  }
}

const RELOAD_FAILED = [
  "RELOAD failed, see logs for additional details",
  "F0000",
  "RELOAD Failed, see logs for more details",
] as const;

const HELP = `
	SHOW HELP|CONFIG|DATABASES|POOLS|CLIENTS|SERVERS|USERS|VERSION
	SHOW PEERS|PEER_POOLS
	SHOW FDS|SOCKETS|ACTIVE_SOCKETS|LISTS|MEM|STATE
	SHOW DNS_HOSTS|DNS_ZONES
	SHOW STATS|STATS_TOTALS|STATS_AVERAGES|TOTALS
	SET key = arg
	RELOAD
	PAUSE [<db>]
	RESUME [<db>]
	DISABLE <db>
	ENABLE <db>
	RECONNECT [<db>]
	KILL [<db>]
	KILL_CLIENT <client_id>
	SUSPEND
	SHUTDOWN
	SHUTDOWN WAIT_FOR_SERVERS|WAIT_FOR_CLIENTS
	WAIT_CLOSE [<db>]`;

function show(desk: CommandDesk, { what }: Of<"show">): void {
  if (what === "help") desk.done("SHOW", noticeResponse("Console usage", HELP));
  else if (what === "fds" && !desk.admin) desk.error("admin access needed");
  else if (what === "fds" && desk.own && canHandOver(desk.host, desk.channel)) desk.handOver();
  else desk.table(SHOW[what](desk.host));
}

function set(desk: CommandDesk, { key, value }: Of<"set">): void {
  const { host } = desk;
  const tag = `SET ${key}=${value}`.slice(0, 511);
  if (takesRestart(key)) {
    desk.done(
      tag,
      noticeResponse(`${key} stays as it is: it takes a new value in the file, and a restart`),
    );
    return;
  }
  try {
    const { config: before } = host.environment;
    const config = applySet(before, key, value, hasLibc, (number) =>
      host.log.write("WARNING", misread(number)),
    );
    const environment = new Environment(config, host.environment, "SET");
    const sound = host.adopt(environment);
    environment.accounts.file.tell(host.log);
    const notices = sound || !/_tls(13)?_/.test(key) ? [] : [noticeResponse(TLS_STAYS)];
    desk.done(tag, ...notices, ...withoutEffect(key as SettingName, config));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    host.log.write("ERROR", error.message);
    desk.error("SET failed");
  }
}

const TLS_STAYS = "TLS settings could not be applied, still using old configuration";

/** PgBouncer takes any value for a setting that it reads once, and goes on with the old one. */
function takesRestart(key: string): boolean {
  return Object.hasOwn(SETTINGS, key) && !SETTINGS[key as SettingName].reloadable;
}

/** A notice for a setting that changes nothing here: nothing is passed over in silence. */
function withoutEffect(name: SettingName, config: Config): Buffer[] {
  const note = noteOf("SET", name, config, hasLibc);
  return note === undefined ? [] : [noticeResponse(note)];
}

/**
 * Reads the configuration again. False: it is not in order, which is logged. Nothing changes then, unless it
 * is only about TLS, which alone stays as it was.
 */
export function reload(host: HostRole): boolean {
  const before = host.environment;
  try {
    const config = reloadConfig(before.config, readText);
    const environment = new Environment(config, before);
    for (const { name } of missing(before.config.databases, config.databases))
      host.log.write("WARNING", dropping(name));
    for (const { name } of missing(before.config.peers, config.peers))
      host.log.write("WARNING", droppingPeer(name));
    const sound = host.adopt(environment);
    environment.tell(host.log);
    return sound;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    host.log.write("ERROR", error.message);
    host.log.write("WARNING", "config file loading failed");
    return false;
  }
}

/** Entries that have gone. */
function missing<Entry extends { name: string }>(
  before: readonly Entry[],
  after: readonly Entry[],
) {
  const names = new Set(after.map(({ name }) => name));
  return before.filter(({ name }) => !names.has(name));
}

type Databases = "pause" | "resume" | "kill" | "reconnect" | "wait_close" | "disable" | "enable";

/** Verb in `cannot pause admin db`. */
const VERBS: Readonly<Record<Exclude<Databases, "resume">, string>> = {
  pause: "pause",
  kill: "kill",
  reconnect: "reconnect",
  wait_close: "wait in",
  disable: "disable",
  enable: "disable", // In PgBouncer's words too.
};

/** Commands about one database, or about all of them when `name` is empty. */
function onDatabase(desk: CommandDesk, command: Databases, name: string): void {
  const { host } = desk;
  const { core } = host;
  const tag = command.toUpperCase();
  const stopped = core.paused || host.suspension.on;
  if ((command === "pause" || command === "kill") && stopped) {
    desk.error("already suspended/paused");
    return;
  }
  host.log.write("LOG", name === "" ? `${tag} command issued` : `${tag} '${name}' command issued`);
  if (name === CONSOLE && command !== "resume") {
    desk.error(`cannot ${VERBS[command]} admin db: ${name}`);
    return;
  }
  const database = name === "" || name === CONSOLE ? -1 : find(desk, command, name);
  if (name !== "" && name !== CONSOLE && database < 0) {
    desk.error(`no such database: ${name}`);
    return;
  }
  carryOut(desk, command, database, name);
}

/** A database that comes from `*` is there once it is named; two commands know only those that are. */
function find({ host, identity }: CommandDesk, command: Databases, name: string): number {
  const { core } = host;
  const known = core.databases.find(({ settings }) => settings.name === name);
  if (known !== undefined) return known.id;
  const database = command === "resume" || command === "enable" ? -1 : core.database(name);
  if (database >= 0) host.log.write("LOG", registering(name), identity.label);
  return database;
}

function carryOut(desk: CommandDesk, command: Databases, database: number, name: string): void {
  const { core, now } = desk.host;
  switch (command) {
    case "pause":
      core.pause(now, database);
      desk.wait("paused", "PAUSE", [database]);
      return;
    case "resume":
      resume(desk, database, name);
      return;
    case "wait_close":
      core.waitClose(now, database);
      desk.wait(
        "reconnected",
        "WAIT_CLOSE",
        database < 0 ? core.databases.map(({ id }) => id) : [database],
      );
      return;
    case "kill":
      core.kill(now, database);
      break;
    case "reconnect":
      core.reconnect(now, database);
      break;
    case "disable":
      core.disable(now, database);
      break;
    case "enable":
      core.enable(now, database);
  }
  desk.done(command.toUpperCase());
}

function resume(desk: CommandDesk, database: number, name: string): void {
  const { core, now, stopping } = desk.host;
  if (name === CONSOLE) desk.error(`database ${name} is not paused`);
  else if (name === "" && stopping) desk.error("pooler is shutting down");
  else if (name === "" && desk.host.suspension.end()) desk.done("RESUME");
  else if (core.resume(now, database)) desk.done("RESUME");
  else if (name === "") desk.error("pooler is not paused/suspended");
  else desk.error(`database ${name} is not paused`);
}

/** Source: PgBouncer 1.25.2 src/admin.c, admin_cmd_suspend(). */
function suspend(desk: CommandDesk): void {
  const { core, log, suspension } = desk.host;
  if (core.paused || suspension.on) desk.error("already suspended/paused");
  else if (core.databases.some((database) => database.paused))
    desk.error("cannot suspend with paused databases");
  else {
    log.write("LOG", "SUSPEND command issued");
    suspension.begin();
    desk.wait("suspended", "SUSPEND", [-1]);
    suspension.look();
  }
}

/** Sessions on the console are clients too. PgBouncer crashes over one that ends itself. */
function killClient(desk: CommandDesk, id: number): void {
  const { host } = desk;
  const client = host.clients.find((other) => other?.identity.id === id);
  const session = [...host.consoles].find(({ identity }) => identity.id === id);
  if (client !== undefined) host.core.killClient(host.now, client.handle);
  else if (session !== undefined) session.killed();
  else {
    desk.error("client not found");
    return;
  }
  desk.done("KILL_CLIENT");
}

function shutdown(desk: CommandDesk, { mode }: Of<"shutdown">): void {
  const { host } = desk;
  const words = mode === "immediate" ? "" : ` ${mode.toUpperCase()}`;
  host.log.write("LOG", `SHUTDOWN${words} command issued`);
  // An immediate shutdown gives no answer: the connection ends with the pooler.
  if (mode !== "immediate") desk.done("SHUTDOWN");
  host.shutdown(mode);
}
