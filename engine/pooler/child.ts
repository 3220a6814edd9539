/**
 * A pooler in a process of its own, for a parent that measures it: `fork`ed with the path of an ini and,
 * if wanted, of a journal. Says "ready" when it listens, and ends with its parent, however that ends.
 */
import { startPooler } from "./main.ts";

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
    const pooler = await startPooler({
      config: config ?? "",
      journal,
      quiet: true,
      onJournalEnd: (message) => report({ kind: "note", message }),
    });
    const close = (): void => void pooler.close();
    process.on("disconnect", close);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, close);
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
