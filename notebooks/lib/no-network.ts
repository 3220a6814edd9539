/** Stands in for `node:net` in a page: there are no addresses, and whoever asks for one is told. */

/** Errors: always; only host-based authentication asks, of which a simulation knows nothing. */
export function isIP(address: string): never {
  throw new Error(`a page has no network: ${address}`);
}

/** Is imported beside `isIP`, and never made. */
export class BlockList {}
