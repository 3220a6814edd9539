/**
 * One client and some servers with the relay between them, in transaction mode, and no clock: the
 * test says when bytes arrive, and in which pieces.
 */
import { Buffer } from "node:buffer";
import { STATUS } from "../../engine/core/states.ts";
import { ClientStatements, ServerStatements, StatementTable } from "../../engine/wire/prepared.ts";
import { ClientRelay, link, RELAY, ServerRelay, unlink } from "../../engine/wire/relay.ts";
import { VariableNames, Variables } from "../../engine/wire/variables.ts";
import { Memory } from "./bytes.ts";
import { FakePostgres } from "./postgres.ts";

export const OPTIONS = { maxPacketSize: 1_000_000, disablePqexec: false };
export const NAMES = new VariableNames(["IntervalStyle"]);

const PADDING = Buffer.from([255, 255]);

export class World {
  readonly table = new StatementTable();
  readonly client: ClientRelay;
  readonly seen = new Memory();
  readonly databases: FakePostgres[] = [];
  readonly relays: ServerRelay[] = [];
  /** What happened: request, ready with its status, terminate. */
  readonly history: string[] = [];
  private readonly pending: Buffer[] = [];
  private turn = 0;

  /** `limit`: max_prepared_statements; 0: not tracked. */
  constructor(servers: number, limit: number) {
    const known = limit > 0 ? new ClientStatements(this.table) : undefined;
    this.client = new ClientRelay(this.seen, OPTIONS, new Variables(NAMES), known);
    for (let index = 0; index < servers; index++) {
      const database = new FakePostgres();
      const statements = limit > 0 ? new ServerStatements(this.table, limit) : undefined;
      this.databases.push(database);
      this.relays.push(new ServerRelay(database, OPTIONS, new Variables(NAMES), statements));
      this.pending.push(Buffer.alloc(0));
    }
  }

  /** The client sends a chunk. */
  send(chunk: Buffer): void {
    // Padded, so that reading outside the range shows.
    const padded = Buffer.concat([PADDING, chunk, PADDING]);
    let at = 2;
    const end = 2 + chunk.length;
    for (;;) {
      const verdict = this.client.feed(padded, at, end);
      at = this.client.consumed;
      if (verdict === RELAY.request) this.grant();
      else if (verdict === RELAY.ready) this.release();
      else if (verdict === RELAY.error) throw new Error(`client: ${this.client.error}`);
      else if (verdict === RELAY.terminate) this.history.push("terminate");
      if (verdict !== RELAY.request && at === end) return;
    }
  }

  /** The linked server's answers arrive, `size` bytes at most; false when there are none. */
  receive(size: number): boolean {
    const index = this.relays.findIndex((relay) => relay.client !== undefined);
    if (index < 0) return false;
    const waiting = Buffer.concat([
      this.pending[index] as Buffer,
      this.databases[index]?.take() as Buffer,
    ]);
    const chunk = Buffer.from(waiting.subarray(0, size));
    this.pending[index] = waiting.subarray(chunk.length);
    if (chunk.length === 0) return false;
    const verdict = this.relays[index]?.feed(chunk, 0, chunk.length);
    if (verdict === RELAY.ready) this.release();
    else if (verdict !== RELAY.more) throw new Error(`server: ${this.relays[index]?.error}`);
    return true;
  }

  /** Lets all answers arrive. */
  drain(size = 1_000_000): void {
    while (this.receive(size));
  }

  /** Both ends go: nothing of the statements may be left. */
  end(): void {
    this.client.statements?.clear();
    for (const relay of this.relays) relay.statements?.clear();
  }

  /** Bytes that a server has sent to nobody. */
  get stray(): number {
    return this.databases.reduce((sum, database, index) => {
      return sum + database.take().length + (this.pending[index]?.length ?? 0);
    }, 0);
  }

  private grant(): void {
    this.history.push("request");
    if (this.client.server !== undefined) return;
    const server = this.relays[this.turn++ % this.relays.length] as ServerRelay;
    link(this.client, server);
  }

  private release(): void {
    const server = this.client.server as ServerRelay;
    this.history.push(`ready ${server.status}`);
    if (server.status === STATUS.idle) unlink(this.client, server);
  }
}
