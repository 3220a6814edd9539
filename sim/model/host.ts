/** The host of the core: ends its turns and makes events of what it decides, as the pooler makes I/O. */

import type { Nanos } from "../../engine/core/index.ts";
import * as core from "../../engine/core/index.ts";
import type { Run } from "./run.ts";
import { closed, opening, testing } from "./servers.ts";
import { dropped, welcome } from "./sessions.ts";
import { granted, queued } from "./transactions.ts";

// V8 folds the constants of a module into its code, but loads imported ones at every use.
const { EFFECT } = core;

/** Ends the core's turn and carries out what it decided. */
export function turn(run: Run, now: Nanos): void {
  run.core.settle(now);
  const effects = run.core.effects;
  while (effects.next()) {
    switch (effects.kind) {
      case EFFECT.grant:
        granted(run, now, run.clientOf[effects.client] as number, effects.server);
        break;
      case EFFECT.unlink:
        run.active.down(now);
        break;
      case EFFECT.wait:
        queued(run, now, run.clientOf[effects.client] as number);
        break;
      default:
        rare(run, now, effects.kind, effects.client, effects.server, effects.detail);
    }
  }
}

function rare(
  run: Run,
  now: Nanos,
  kind: number,
  client: number,
  server: number,
  detail: number,
): void {
  switch (kind) {
    case EFFECT.welcome:
      welcome(run, now, run.clientOf[client] as number);
      break;
    case EFFECT.drop:
      dropped(run, now, run.clientOf[client] as number, detail);
      break;
    case EFFECT.open:
      opening(run, now, server);
      break;
    case EFFECT.close:
      closed(run, now, server);
      break;
    case EFFECT.reset:
    case EFFECT.check:
      testing(run, now, server);
  }
}
