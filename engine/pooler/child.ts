/**
 * A pooler in a process of its own, for a parent that measures it: `fork`ed with the path of an ini and,
 * if wanted, of a journal. Says "ready" when it listens, obeys the signals by which PgBouncer is ended, and
 * ends with its parent, however that ends.
 */
import { RunningPooler } from "./main.ts";

/** What the parent is told. */
export type ChildReport =
  | { kind: "ready" }
  | { kind: "failed"; message: string }
  /** Something that the person who measures should know. */
  | { kind: "note"; message: string };

async function main(): Promise<void> {
  const [, , config, journal] = process.argv;
  const report = (message: ChildReport): void => void process.send?.(message);
  try {
    const pooler = await RunningPooler.start({
      config: config ?? "",
      journal,
      quiet: true,
      onJournalEnd: (message) => report({ kind: "note", message }),
    });
    const close = (): void => void pooler.close();
    process.on("disconnect", close);
    // Ctrl-C reaches it as well as its parent, who then ends it, whatever it has begun to wait for.
    process.on("SIGINT", () => pooler.windDown("SIGINT", "wait_for_servers"));
    process.on("SIGTERM", () => pooler.windDown("SIGTERM", "wait_for_clients"));
    for (const signal of ["SIGQUIT", "SIGHUP"] as const) process.on(signal, close);
    report({ kind: "ready" });
    await pooler.ended;
    process.exit(0);
  } catch (error) {
    report({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
    process.exitCode = 3;
    process.disconnect?.();
  }
}

void main();
