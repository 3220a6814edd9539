/** How often a client has tried its transaction, and until when it waits. */
import type { Nanos } from "../../engine/core/index.ts";
import { type KindDraws, retryPause } from "../../workloads/schema/draws.ts";
import type { RetryModel } from "../../workloads/schema/workload.ts";

/** The attempts of one kind of clients. */
export class Attempts {
  /** Attempts of the transaction under way that have failed, by client. */
  private readonly failed = new Map<number, number>();
  /** When the client gives up waiting. */
  private readonly deadlines = new Map<number, Nanos>();
  private readonly draws: Pick<KindDraws, "jitter">;

  constructor(draws: Pick<KindDraws, "jitter">) {
    this.draws = draws;
  }

  /** How many attempts have failed; 0 on the first one. */
  count(client: number): number {
    return this.failed.get(client) ?? 0;
  }

  /** The client waits until then and no longer. */
  expect(client: number, deadline: Nanos): void {
    this.deadlines.set(client, deadline);
  }

  /** Whether the client's patience ends now. */
  isOver(client: number, now: Nanos): boolean {
    return this.deadlines.get(client) === now;
  }

  /** The attempt is over. */
  calm(client: number): void {
    this.deadlines.delete(client);
  }

  /** The transaction is over. */
  forget(client: number): void {
    this.failed.delete(client);
    this.deadlines.delete(client);
  }

  /**
   * An attempt of transaction `draw` of client `number` has failed. Returns the pause before the next
   * one; -1: that was the last.
   */
  fail(client: number, retry: RetryModel | undefined, number: number, draw: number): Nanos {
    this.calm(client);
    const before = this.count(client);
    const pause = retryPause(retry, this.draws, number, draw, before);
    if (pause >= 0) this.failed.set(client, before + 1);
    return pause;
  }
}
