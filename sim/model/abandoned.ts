/** What `simulate` throws when nobody wants its result any more. */
export class Abandoned extends Error {
  override readonly name = "Abandoned";
}
