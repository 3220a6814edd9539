/** Copies of the sources in a temporary folder, where they can be broken without harm. */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Change, changed, type Mutant } from "./mutants.ts";

/** What the tests of the core need. The core imports nothing outside itself, nor do they. */
const NEEDED = ["engine/core", "test/core", "package.json", "tsconfig.json", "vitest.config.ts"];
const SOURCES = fileURLToPath(new URL("../..", import.meta.url));

/** A temporary folder with `count` copies of the sources; `remove` deletes it with all of them. */
export function makeCopies(count: number): { copies: Copy[]; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "poolwise-mutants-"));
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  try {
    const copies = Array.from({ length: count }, (_, i) => new Copy(join(folder, String(i))));
    return { copies, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** One copy. It holds one broken variant at a time. */
export class Copy {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder);
    for (const path of NEEDED) cpSync(join(SOURCES, path), join(folder, path), { recursive: true });
    symlinkSync(join(SOURCES, "node_modules"), join(folder, "node_modules"), "junction");
  }

  /** Breaks the copy, runs `work` on it, and makes it whole again. */
  async broken<Result>(mutant: Mutant, work: () => Promise<Result>): Promise<Result> {
    const whole = new Map(mutant.changes.map(({ file }) => [file, this.read(file)]));
    for (const change of mutant.changes) this.apply(change);
    try {
      return await work();
    } finally {
      for (const [file, text] of whole) writeFileSync(join(this.folder, file), text);
    }
  }

  private apply(change: Change): void {
    writeFileSync(join(this.folder, change.file), changed(this.read(change.file), change));
  }

  private read(file: string): string {
    return readFileSync(join(this.folder, file), "utf8");
  }
}
