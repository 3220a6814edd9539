/** How a run ends, or stops, before its end. */

/** What `simulate` throws when nobody wants its result any more. */
export class Abandoned extends Error {
  override readonly name = "Abandoned";
}

/** What `drive` throws before a tick where the run is to rest; called again, it goes on with that tick. */
export class Resting extends Error {
  override readonly name = "Resting";
}
