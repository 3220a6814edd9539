/** The host of the core: ends its turns and makes events of what it decides, as the pooler makes I/O. */

import * as core from "../../engine/core/index.ts";
import type { Run } from "./run.ts";
import { closed, opening, testing } from "./servers.ts";
import { dropped, welcome } from "./sessions.ts";
import { granted, queued } from "./transactions.ts";

// V8 folds the constants of a module into its code, but loads imported ones at every use.
const { EFFECT } = core;

/** Ends the core's turn and carries out what it decided. */
export function turn(run: Run): void {
  run.core.settle(run.now);
  const effects = run.core.effects;
  while (effects.next()) {
    switch (effects.kind) {
      case EFFECT.grant:
        granted(run, run.clientOf[effects.client] as number, effects.server);
        break;
      case EFFECT.unlink:
        run.active.down(run.now);
        break;
      case EFFECT.wait:
        queued(run, run.clientOf[effects.client] as number);
        break;
      default:
        rare(run, effects.kind, effects.client, effects.server, effects.detail);
    }
  }
}

function rare(run: Run, kind: number, client: number, server: number, detail: number): void {
  switch (kind) {
    case EFFECT.welcome:
      welcome(run, run.clientOf[client] as number);
      break;
    case EFFECT.drop:
      dropped(run, run.clientOf[client] as number, detail);
      break;
    case EFFECT.open:
      opening(run, server);
      break;
    case EFFECT.close:
      closed(run, server);
      break;
    case EFFECT.reset:
    case EFFECT.check:
      testing(run, server);
  }
}
