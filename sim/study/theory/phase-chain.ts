/**
 * Pools whose services have two exponential phases, as a small Markov chain that is solved exactly:
 * M/PH/c with Erlang-2, Coxian or hyperexponential service; the same with a fixed number of clients who
 * think; and machine repair with switching, where a server is reset after its client has gone.
 */
import { demand, poissonWindow, quantileOf, type WaitLaw } from "../analytic/law.ts";
import { stationary } from "./stationary.ts";

/** Two exponential phases of a server's work. */
export interface Phases {
  /** Probability of beginning in the first phase; else in the second. */
  first: number;
  /** Mean times. */
  means: readonly [number, number];
  /** Probability that the second phase follows the first. */
  second: number;
  /** The client leaves after the first phase, and the server's second one is nobody's. */
  resets?: boolean;
}

export const erlang2 = (mean: number): Phases => ({
  first: 1,
  means: [mean / 2, mean / 2],
  second: 1,
});

export const hyperexponential2 = (means: readonly [number, number], first: number): Phases => ({
  first,
  means,
  second: 0,
});

/** Who comes: Poisson arrivals with at most `room` waiting, or a fixed number of clients who think. */
export type Source = { rate: number; room: number } | { clients: number; think: number };

/** A state: how many wait, and how many servers are in each phase. */
interface State {
  waiting: number;
  one: number;
  two: number;
}

/**
 * The exact law of the wait, first come, first served. An arrival sees the chain as often as it arrives
 * there; then its wait is the time to as many releases as put it in front, again a Markov chain.
 * Source: M. Neuts, Matrix-Geometric Solutions in Stochastic Models, 1981, chapter 2; for Poisson
 * arrivals, `room` must be large enough for the states beyond it to be of no account.
 */
export function phasePool(source: Source, phases: Phases, servers: number): WaitLaw {
  demand("phasePool", { "servers must be a natural number": servers >= 1 && servers % 1 === 0 });
  const chain = new Chain(source, phases, servers);
  const share = stationary(chain.states.length, 2 * servers + 3, (from) => chain.moves(from));
  const seen = share.map((p, i) => p * chain.arrivals(chain.states[i] as State));
  const rate = seen.reduce((sum, x) => sum + x, 0);
  const { alive, speed } = passage(
    chain,
    seen.map((x) => x / rate),
  );
  const tail = (time: number): number => {
    const { from, weights } = poissonWindow(Math.max(1e-300, speed * time));
    return weights.reduce((sum, w, i) => sum + w * (alive[from + i] ?? 0), 0);
  };
  const linked = ({ one, two }: State): number => one + (phases.resets ? 0 : two);
  const active = share.reduce((sum, p, i) => sum + p * linked(chain.states[i] as State), 0);
  return {
    probability: alive[0] as number,
    mean: alive.reduce((sum, x) => sum + x, 0) / speed,
    utilization: active / servers,
    throughput: rate,
    tail,
    quantile: (p) => quantileOf(tail, phases.means[0] + phases.means[1], p),
  };
}

/** The states in an order in which moves are short, and the moves. */
class Chain {
  readonly states: State[] = [];
  readonly phases: Phases;
  readonly servers: number;
  private readonly source: Source;
  private readonly index = new Map<string, number>();

  constructor(source: Source, phases: Phases, servers: number) {
    this.source = source;
    this.phases = phases;
    this.servers = servers;
    const most = "rate" in source ? source.room : source.clients;
    for (let busy = 0; busy <= servers; busy++) this.level(0, busy);
    for (let waiting = 1; waiting <= most; waiting++) this.level(waiting, servers);
  }

  /** States with `busy` servers; those with more clients than there are stay out. */
  private level(waiting: number, busy: number): void {
    for (let one = 0; one <= busy; one++) {
      const state = { waiting, one, two: busy - one };
      if ("clients" in this.source && this.present(state) > this.source.clients) continue;
      this.index.set(key(state), this.states.length);
      this.states.push(state);
    }
  }

  private present({ waiting, one, two }: State): number {
    return waiting + one + (this.phases.resets ? 0 : two);
  }

  /** Rate of arrivals in a state. */
  arrivals(state: State): number {
    const { source } = this;
    if ("rate" in source) return state.waiting < source.room ? source.rate : 0;
    return (source.clients - this.present(state)) / source.think;
  }

  /** Rates out of a state, by the index of the next. */
  moves(from: number): [to: number, rate: number][] {
    const state = this.states[from] as State;
    const arrival = this.arrivals(state);
    const full = state.one + state.two === this.servers;
    const came = full
      ? [{ ...state, waiting: state.waiting + 1, rate: arrival }]
      : this.begin(state, arrival);
    return [...came, ...this.steps(state)]
      .filter((move) => move.rate > 0)
      .map((move) => [this.index.get(key(move)) as number, move.rate]);
  }

  /** One more server begins its work, at this rate in all. */
  private begin(state: State, rate: number): (State & { rate: number })[] {
    const { first } = this.phases;
    return [
      { ...state, one: state.one + 1, rate: rate * first },
      { ...state, two: state.two + 1, rate: rate * (1 - first) },
    ];
  }

  /** Phases that end; a released server begins with the first who waits. */
  steps(state: State): (State & { rate: number })[] {
    const { means, second } = this.phases;
    const first = state.one / means[0];
    const moved = { ...state, one: state.one - 1, two: state.two + 1, rate: first * second };
    return [
      moved,
      ...this.release({ ...state, one: state.one - 1 }, first * (1 - second)),
      ...this.release({ ...state, two: state.two - 1 }, state.two / means[1]),
    ];
  }

  private release(state: State, rate: number): (State & { rate: number })[] {
    if (rate === 0) return [];
    if (state.waiting === 0) return [{ ...state, rate }];
    return this.begin({ ...state, waiting: state.waiting - 1 }, rate);
  }
}

const key = ({ waiting, one, two }: State): string => `${waiting},${one},${two}`;

/** From here on the rest of a wait's law is of no account. */
const FAINT = 1e-13;

/**
 * How long the arrivals wait: `alive[k]` is the probability that a wait goes on after k jumps of a
 * Poisson process of rate `speed`. Source: A. Jensen 1953, uniformization.
 */
function passage(chain: Chain, seen: readonly number[]): { alive: number[]; speed: number } {
  const { servers, phases } = chain;
  const speed = servers / Math.min(...phases.means.filter((mean) => mean > 0));
  const deepest = Math.max(...chain.states.map((state) => state.waiting)) + 1;
  const at = (ahead: number, one: number): number => ahead * (servers + 1) + one;
  // `ahead`: releases still needed, by the state of the servers; 0 is the end of the wait.
  let now = new Float64Array(at(deepest + 1, 0));
  chain.states.forEach(({ waiting, one, two }, i) => {
    if (one + two === servers) (now[at(waiting + 1, one)] as number) += seen[i] as number;
  });
  const steps = Array.from({ length: servers + 1 }, (_, one) =>
    chain.steps({ waiting: 1, one, two: servers - one }),
  );
  const alive: number[] = [];
  for (;;) {
    const left = now.subarray(at(1, 0)).reduce((sum, x) => sum + x, 0);
    alive.push(left);
    if (left < FAINT) return { alive, speed };
    const next = new Float64Array(now.length);
    for (let ahead = 1; ahead <= deepest; ahead++) {
      for (let one = 0; one <= servers; one++) {
        const mass = now[at(ahead, one)] as number;
        if (mass === 0) continue;
        let stays = mass;
        for (const step of steps[one] as (State & { rate: number })[]) {
          const part = (mass * step.rate) / speed;
          (next[at(ahead - 1 + step.waiting, step.one)] as number) += part;
          stays -= part;
        }
        (next[at(ahead, one)] as number) += stays;
      }
    }
    now = next;
  }
}
