/** A client of a history: what it is answered, and with which words it is sent away. */
import pg from "pg";
import type { Address } from "../../../workloads/database/index.ts";

/** The parts of node-postgres' client that its types leave out. */
interface Inside {
  processID: number;
  secretKey: number;
  connection: { end(): void; stream: { destroy(): void; destroyed: boolean } };
}

export class Actor {
  /** The outcome of what was sent. */
  pending: Promise<string> | undefined;
  private readonly place: Address;
  private client: pg.Client | undefined;
  private farewell = "";
  private notice = "";
  private wake: () => void = () => {};

  constructor(place: Address) {
    this.place = place;
  }

  /** Logs in, perhaps for replication; returns "in", or why not. */
  async logIn(database: string, user: string, replication = false): Promise<string> {
    const { sslmode: _, ...place } = this.place;
    const how = { ...place, database, user: user === "" ? place.user : user };
    const client = new pg.Client(
      replication ? ({ ...how, replication: "database" } as object) : how,
    );
    client.on("error", (error) => this.dismissed(error));
    client.on("notice", ({ message = "" }) => {
      this.notice = message;
      this.wake();
    });
    client.on("end", () => this.wake());
    this.client = client;
    return await client.connect().then(
      () => "in",
      (error: Error) => error.message,
    );
  }

  /** Runs SQL; returns the values of the last result, or the text of the error. */
  async ask(sql: string): Promise<string> {
    const client = this.client;
    if (client === undefined) return "not logged in";
    try {
      const answer = await client.query({ text: sql, rowMode: "array" });
      const last = [answer].flat().at(-1) as pg.QueryArrayResult;
      return last.rows.flat().join(" ");
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** Waits for a notice. */
  async heard(): Promise<string> {
    while (this.notice === "") await this.woken();
    return this.notice;
  }

  /** `told`: waits to be sent away. `out`, `bye`: leaves in order. `cut`: goes without a word. */
  async end(verb: string): Promise<string> {
    if (verb === "told") {
      while (this.farewell === "") await this.woken();
      return this.farewell;
    }
    if (verb === "out") await this.client?.end();
    else if (verb === "bye") this.inside?.connection.end();
    else if (verb === "cut") this.cut();
    else return `no such action: ${verb}`;
    return "ok";
  }

  cut(): void {
    this.inside?.connection.stream.destroy();
  }

  /** What a cancel request must show: process id and secret. */
  get key(): Buffer {
    const key = Buffer.alloc(8);
    key.writeInt32BE(this.inside?.processID ?? 0, 0);
    key.writeInt32BE(this.inside?.secretKey ?? 0, 4);
    return key;
  }

  private woken(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  private get inside(): Inside | undefined {
    return this.client as unknown as Inside | undefined;
  }

  /** The first words count: the end of the connection is an error to node-postgres as well. */
  private dismissed(error: Error): void {
    if (this.farewell === "") this.farewell = error.message;
    this.wake();
  }
}
