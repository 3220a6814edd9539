/**
 * The error of everything outside: a database that will not start, a pooler that went away. It is
 * neither our bug nor a fault of the input, so it has its own exit status.
 */

/**
 * An outside part failed. The message is one sentence; `detail` holds the part's own last words.
 */
export class OutsideError extends Error {
  override readonly name = "OutsideError";
  /** Exit status of the program when this error ends it. */
  readonly exitStatus = 3;
  /** The last lines of the failed part's own log, or "". */
  readonly detail: string;

  constructor(message: string, detail = "", cause?: unknown) {
    super(detail === "" ? message : `${message}\n${detail}`, { cause });
    this.detail = detail;
  }
}

/** The code of a system error ("ENOENT"), or "" when `error` is something else. */
export function systemCode(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string")
    return error.code;
  return "";
}

/** Runs `work`; what the system refuses it, such as room on a disk, is an outside part's failure. */
export async function outside<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof OutsideError || systemCode(error) === "") throw error;
    throw new OutsideError(`${what}: ${(error as Error).message}`, "", error);
  }
}
