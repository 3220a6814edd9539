/** A database with our pooler and PgBouncer in front of it, for scripts that are played on both. */
import { isDeepStrictEqual } from "node:util";
import type pg from "pg";
import { type Running, Stage } from "../../parity/stage.ts";
import { PGBOUNCER, PGBOUNCER_VERSION } from "../../pgbouncer.ts";
import { tidied } from "./deviations.ts";
import { type Place, play, STUCK, type Transcript } from "./player.ts";
import { MAX_PACKET_SIZE, type Script } from "./script.ts";

/** What Debian has: 1.18 lacks much of what scripts for newer ones do. */
export const OLD = PGBOUNCER_VERSION < 1_025;

type Settings = Readonly<Record<string, string | number>>;

/** A login that RECONNECT cuts short, for its client had gone, would keep the next client waiting. */
const SETTINGS = {
  max_packet_size: MAX_PACKET_SIZE,
  server_login_retry: 0,
  ignore_startup_parameters: "extra_float_digits, ignored",
};
/** Switches off what 1.18 has not: prepared statements that are tracked, and IntervalStyle. */
const OUR_SETTINGS: Settings = OLD
  ? { max_prepared_statements: 0, track_extra_parameters: "" }
  : {};
const MORE = "IntervalStyle, search_path, default_transaction_read_only, session_authorization";
const NEW_SETTINGS: Settings = OLD ? {} : { track_extra_parameters: MORE };
const MODES = ["session", "transaction", "statement"] as const;
const USERS = ["alice", "bob"];

/** A running pooler as scripts need it. */
interface Side {
  pooler: Running;
  console: pg.Client;
  place: Place;
}

export class Stand {
  private readonly stage: Stage;
  private readonly ours: Side;
  private theirs: Side;

  private constructor(stage: Stage, ours: Side, theirs: Side) {
    this.stage = stage;
    this.ours = ours;
    this.theirs = theirs;
  }

  static async open(): Promise<Stand> {
    const stage = await Stage.open();
    const direct = await stage.direct();
    for (const name of USERS) await direct.query(`create role ${name} login replication`);
    // Each has a database of its own, or the one would hear the other's notifications.
    for (const name of ["data1", "data2"]) await direct.query(`create database ${name}`);
    await direct.end();
    return new Stand(stage, ...(await Promise.all([side(stage), side(stage, PGBOUNCER)])));
  }

  async close(): Promise<void> {
    for (const { console, pooler } of [this.ours, this.theirs]) {
      await console.end();
      await pooler.stop();
    }
    await this.stage.close();
  }

  /**
   * What the clients of a script see at ours and at theirs, which is STUCK where theirs has crashed. What
   * differs is played again: where two reasons to end a connection come together, it is a matter of who is
   * faster. Where theirs has kept an answer to itself there is nothing to compare, so it is played once.
   */
  async settled(script: Script): Promise<Transcript[][]> {
    let seen: Transcript[][] = [];
    for (let turn = 0; turn < TURNS; turn++) {
      seen = await this.both(script);
      const [ours, theirs] = seen;
      if (isDeepStrictEqual(ours, theirs) || theirs?.flat().includes(STUCK)) break;
    }
    return seen;
  }

  /** The same, once, on servers that nobody has used before. */
  async both(script: Script): Promise<Transcript[][]> {
    const seen = await Promise.all([
      played(this.ours.place, script),
      played(this.theirs.place, script).catch(() => [[STUCK]]),
    ]);
    if (seen[1]?.[0]?.[0] === STUCK) await this.replace();
    return OLD ? seen.map((transcripts) => transcripts.map(tidied)) : seen;
  }

  private async replace(): Promise<void> {
    await this.theirs.pooler.stop();
    this.theirs = await side(this.stage, PGBOUNCER);
  }
}

async function played(place: Place, script: Script): Promise<Transcript[]> {
  const { mode, prepared = 0 } = script;
  if (!OLD) await place.tell(`SET max_prepared_statements = ${prepared}`);
  await place.tell(`RECONNECT ${mode}`);
  const seen = await play(place, script);
  await place.tell("SHOW VERSION"); // It has survived.
  return seen;
}

/** Starts a pooler: ours, or the one that `pgbouncer` names. */
async function side(stage: Stage, pgbouncer?: string): Promise<Side> {
  const isOurs = pgbouncer === undefined;
  const settings = { ...SETTINGS, ...NEW_SETTINGS, ...(isOurs ? OUR_SETTINGS : {}) };
  const name = isOurs ? "data1" : "data2";
  const entries = Object.fromEntries(
    MODES.map((mode) => [mode, `dbname=${name} pool_mode=${mode}`] as const),
  );
  const common = { entries, names: USERS, here: true };
  const pooler = await stage.pooler({ ...common, settings, pgbouncer });
  const console = await pooler.client("pgbouncer");
  const { host, port } = pooler.admin;
  const place: Place = {
    path: `${host}/.s.PGSQL.${port}`,
    patience: isOurs ? PATIENCE.ours : PATIENCE.theirs,
    tell: (command) => console.query(command),
  };
  return { pooler, console, place };
}

/** How often a difference has to show. */
const TURNS = 4;
/** How long an answer may take, in ms: ours must come, however busy the machine is. */
const PATIENCE = { ours: 30_000, theirs: 2_000 };
