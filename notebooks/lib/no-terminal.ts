/** Stands in for `cli-table3` in a page, which sets tables as HTML. */

/** Errors: always; whoever sets a table for a terminal is told. */
export default class NoTerminal {
  constructor() {
    throw new Error("a page has no terminal");
  }
}
