/** The steady state of a finite Markov chain whose states are numbered so that moves are short. */

/**
 * Stationary probabilities of `count` states. `moves(i)` lists where state i goes and at which rate;
 * no move may change the number by more than `band`. Errors: RangeError if one does.
 * Source: W. Grassmann, M. Taksar, D. Heyman, "Regenerative analysis and steady state distributions for
 * Markov chains", Operations Research 33 (1985): elimination without subtraction, so that nothing
 * cancels; it fills in within the band only.
 */
export function stationary(
  count: number,
  band: number,
  moves: (state: number) => readonly (readonly [to: number, rate: number])[],
): number[] {
  const width = 2 * band + 1;
  const rates = new Float64Array(count * width);
  const at = (from: number, to: number): number => from * width + (to - from) + band;
  for (let state = 0; state < count; state++) {
    for (const [to, rate] of moves(state)) {
      if (Math.abs(to - state) > band) throw new RangeError(`move ${state} -> ${to}: band ${band}`);
      (rates[at(state, to)] as number) += rate;
    }
  }
  const out = eliminate(count, band, rates, at);
  const shares = [1];
  for (let state = 1; state < count; state++) {
    let sum = 0;
    for (let from = Math.max(0, state - band); from < state; from++)
      sum += (shares[from] as number) * (rates[at(from, state)] as number);
    shares.push(sum / (out[state] as number));
  }
  const total = shares.reduce((sum, share) => sum + share, 0);
  return shares.map((share) => share / total);
}

/** Takes the states out one by one, from the last; returns the rate at which each leaves downwards. */
function eliminate(
  count: number,
  band: number,
  rates: Float64Array,
  at: (from: number, to: number) => number,
): Float64Array {
  const out = new Float64Array(count);
  for (let gone = count - 1; gone > 0; gone--) {
    const low = Math.max(0, gone - band);
    let sum = 0;
    for (let to = low; to < gone; to++) sum += rates[at(gone, to)] as number;
    out[gone] = sum;
    for (let from = low; from < gone; from++) {
      const share = (rates[at(from, gone)] as number) / sum;
      if (share === 0) continue;
      for (let to = low; to < gone; to++) {
        if (to !== from) (rates[at(from, to)] as number) += share * (rates[at(gone, to)] as number);
      }
    }
  }
  return out;
}
