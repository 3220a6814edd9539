/** A client's sessions: how many transactions are left in the present one, and when it ends. */
import type { Nanos } from "../../engine/core/units.ts";
import type { ClientDraws } from "./draws.ts";

export class Session {
  /** Counts sessions, and logins that were refused. */
  private number = 0;
  private left = 0;
  private endsAt: Nanos = 0;
  private readonly draws: ClientDraws;

  constructor(draws: ClientDraws) {
    this.draws = draws;
  }

  begin(at: Nanos): void {
    this.left = this.draws.transactions(this.number);
    this.endsAt = at + this.draws.duration(this.number);
  }

  /** A transaction of it begins. */
  use(): void {
    this.left--;
  }

  /** Whether no transaction is left, or no time. */
  isOver(at: Nanos): boolean {
    return this.left <= 0 || at >= this.endsAt;
  }

  /** Returns the pause before the next one. */
  end(): Nanos {
    return this.draws.away(this.number++);
  }
}
