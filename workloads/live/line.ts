/** A player's way to the pooler: it logs in, is refused, is lost; each login is written down. */
import type { Nanos } from "../../engine/core/units.ts";
import type { Address } from "../database/dsn.ts";
import { now } from "./clock.ts";
import { Connection, type ConnectionEnd, type Listener } from "./connection.ts";
import { absence } from "./errors.ts";
import { isShutdown, type Stage } from "./stage.ts";

/** Told what becomes of the connection. */
export interface LineOwner {
  /** Logged in. */
  onUp(at: Nanos): void;
  /** The login has failed; `outcome` is the error's number. */
  onRefused(at: Nanos, outcome: number): void;
  onAnswer(connection: Connection, at: Nanos): void;
  /** A connection that was up has ended. */
  onLost(at: Nanos, end: ConnectionEnd): void;
}

/** Which client of which kind, for the records, and its timer. */
export interface LineName {
  kind: number;
  client: number;
  timer: number;
}

/** A full listen queue refuses a Unix socket at once; TCP would have tried again by itself. */
const CONNECT_AGAIN: Nanos = 5_000_000;

export class Line implements Listener {
  /** The connection, once it is logged in. */
  up: Connection | undefined;
  private dialling: Connection | undefined;
  private again = false;
  private since: Nanos = 0;
  /** The row of the present login among the records. */
  private row = -1;
  private readonly stage: Stage;
  private readonly address: Address;
  private readonly name: LineName;
  private readonly owner: LineOwner;

  constructor(stage: Stage, address: Address, name: LineName, owner: LineOwner) {
    this.stage = stage;
    this.address = address;
    this.name = name;
    this.owner = owner;
  }

  /** Begins to connect. */
  dial(): void {
    this.since = now();
    this.dialling = this.connection();
  }

  /** Tries once more, if that is what the timer was set for. */
  retries(): boolean {
    if (!this.again) return false;
    this.again = false;
    this.dialling = this.connection();
    return true;
  }

  private connection(): Connection {
    return new Connection(this.address, this, this.stage.parameters[this.name.kind]);
  }

  /** Says goodbye; the owner is told nothing of it. */
  hangUp(): void {
    (this.up ?? this.dialling)?.close();
    this.up = undefined;
    this.dialling = undefined;
    this.again = false;
  }

  onLogin(connection: Connection): void {
    const at = now();
    this.up = connection;
    this.dialling = undefined;
    const process = this.stage.processes > 1 ? connection.peer - 1 : -1;
    this.row = this.record(at - this.since, 0, process);
    this.owner.onUp(at);
    this.stage.onConnected();
  }

  onAnswer(connection: Connection): void {
    const at = now();
    this.owner.onAnswer(connection, at);
    this.stage.measures.processing.record(now() - at);
    this.stage.timers.run(at); // We are awake: others may be due.
  }

  onEnd(_connection: Connection, end: ConnectionEnd): void {
    const at = now();
    const wasUp = this.up !== undefined;
    this.up = undefined;
    this.dialling = undefined;
    if (!wasUp && end.kind === "unreachable" && end.error.sqlstate === "EAGAIN") {
      this.again = true;
      this.stage.timers.set(this.name.timer, at + CONNECT_AGAIN);
      return;
    }
    if (end.kind === "silent" || isShutdown(end.error)) this.stage.onSilence();
    if (wasUp) {
      this.stage.recordLoss(this.row, at);
      this.owner.onLost(at, end);
    } else this.refused(at, end);
  }

  private refused(at: Nanos, end: ConnectionEnd): void {
    const nobody = this.stage.breaks && end.kind === "unreachable" && absence(end.error);
    const outcome = this.stage.errors.count(nobody || end.error);
    this.record(Number.NaN, outcome, -1);
    if (!nobody && end.kind === "unreachable") this.stage.onUnreachable(end.error);
    this.owner.onRefused(at, outcome);
    this.stage.onConnected();
  }

  private record(login: number, outcome: number, process: number): number {
    const { kind, client } = this.name;
    const { since: connected } = this;
    return this.stage.recordSession({ kind, client, connected, login, outcome, process });
  }
}
