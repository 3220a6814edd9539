/**
 * A connection to the database itself. It compares the clocks before and after the run, and its end
 * in between means that the database has gone.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Address, showAddress } from "../database/dsn.ts";
import { OutsideError } from "../database/errors.ts";
import { bestReading, type ClockReading, now } from "./clock.ts";
import { Connection, type ConnectionEnd, type Listener } from "./connection.ts";
import { CLOCK_SQL, simpleQuery } from "./statements.ts";

const ROUNDS = 50;
/** How long, and how often, a database that has failed on purpose is looked for. */
const PATIENCE_MS = 10_000;
const POLL_MS = 20;
const ASK = simpleQuery(CLOCK_SQL);

export class Sentinel implements Listener {
  /** Called when the connection ends by itself. */
  onLoss: (error: OutsideError) => void = () => undefined;
  private readonly address: Address;
  private connection: Connection | undefined;
  private sent = 0;
  private readings: ClockReading[] = [];
  private settle: { done: () => void; failed: (error: OutsideError) => void } | undefined;

  constructor(address: Address) {
    this.address = address;
  }

  /** Logs in. Errors: OutsideError. */
  open(): Promise<void> {
    return new Promise((done, failed) => {
      this.settle = { done, failed };
      this.connection = new Connection(this.address, this);
    });
  }

  /** Logs in to a database that may have to come back first. Errors: OutsideError. */
  async openPatiently(): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;)
      try {
        return await this.open();
      } catch (error) {
        if (performance.now() > deadline) throw error;
        await sleep(POLL_MS);
      }
  }

  close(): void {
    this.connection?.close();
    this.connection = undefined;
  }

  /** The best of some short round trips. Errors: OutsideError when the connection ends. */
  async compare(): Promise<ClockReading> {
    this.readings = [];
    await new Promise<void>((done, failed) => {
      this.settle = { done, failed };
      this.ask();
    });
    const best = bestReading(this.readings);
    if (best === undefined) throw this.loss("it does not tell the time");
    return best;
  }

  onLogin(): void {
    this.settle?.done();
  }

  onAnswer(connection: Connection): void {
    const at = now();
    const { stamp } = connection.answers;
    const roundTrip = at - this.sent;
    if (!Number.isNaN(stamp))
      this.readings.push({ at: this.sent + Math.round(roundTrip / 2), stamp, roundTrip });
    if (Number.isNaN(stamp) || this.readings.length === ROUNDS) this.settle?.done();
    else this.ask();
  }

  onEnd(_connection: Connection, end: ConnectionEnd): void {
    this.connection = undefined;
    const error = this.loss(end.error.text);
    this.settle?.failed(error); // Of no effect when it was settled before.
    this.onLoss(error);
  }

  private ask(): void {
    if (this.connection === undefined) this.settle?.failed(this.loss("it has gone"));
    this.sent = now();
    this.connection?.send(ASK);
  }

  private loss(reason: string): OutsideError {
    return new OutsideError(`the live run lost ${showAddress(this.address)}: ${reason}`);
  }
}
