/** The pooler cannot do its work because of the machine it runs on; exit status 3. */
export class OutsideError extends Error {
  override name = "OutsideError";
}
