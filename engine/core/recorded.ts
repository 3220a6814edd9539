/** How inputs reach the core: at their time, and written down where somebody wants a journal. */
import type { Input, Tape } from "./inputs.ts";
import type { Nanos } from "./units.ts";
import { Views } from "./views.ts";

export class Recorded extends Views {
  /** Set: every input is written to it (see `journal.ts`). */
  tape: Tape | null = null;

  protected input(kind: Input, now: Nanos, a: number, b: number, c: number): void {
    this.world.calm_until = 0;
    this.step(kind, now, a, b, c);
  }

  /** An input after which there may be nothing to settle: the moves that it makes know. */
  protected step(kind: Input, now: Nanos, a: number, b: number, c: number): void {
    this.world.now = now;
    if (this.tape !== null) this.tape.input(kind, now, a, b, c);
  }
}
