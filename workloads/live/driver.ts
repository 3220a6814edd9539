/**
 * The driver's process. It is one of its own so that nothing else, least of all a pooler that is
 * being measured, shares its event loop. It lives as long as the channel to its parent.
 */
import { OutsideError } from "../database/errors.ts";
import type { Plan, Report } from "./plan.ts";
import { playPlan } from "./run.ts";

function tell(report: Report): void {
  if (process.connected) process.send?.(report);
}

async function play(plan: Plan): Promise<void> {
  try {
    tell({ kind: "result", result: await playPlan(plan, tell) });
  } catch (error) {
    tell(failure(error));
  }
}

function failure(error: unknown): Report {
  if (error instanceof OutsideError)
    return { kind: "failed", message: error.message, outside: true };
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { kind: "failed", message, outside: false };
}

// Ctrl-C reaches the whole process group; what it means is the parent's decision.
process.on("SIGINT", () => undefined);
process.on("disconnect", () => process.exit());
process.once("message", (plan: Plan) => void play(plan));
tell({ kind: "hello" });
