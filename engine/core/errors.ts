/** Our own bugs crash at once, with a sentence. Nothing that a client or a network does may end here. */

export class InvariantError extends Error {
  override name = "InvariantError";
}

/** Throws InvariantError with `text` unless `condition` holds. For what only our own bug can break. */
export function invariant(condition: boolean, text: string): asserts condition {
  if (!condition) throw new InvariantError(text);
}
