/** Two kinds of clients, who think differently, at one pool: a closed network with product form. */
import { gammaln } from "simple-statistics";
import { waitSeeing } from "../analytic/exponential.ts";
import type { WaitLaw } from "../analytic/law.ts";

/** Clients of one kind: how many, and their mean think time. */
export interface Class {
  clients: number;
  think: number;
}

/**
 * The law of the wait of each class; services are exponential with one mean for both, which first come,
 * first served demands. Source: F. Baskett, K. Chandy, R. Muntz, F. Palacios, "Open, closed, and mixed
 * networks of queues with different classes of customers", JACM 22 (1975); what an arrival sees is the
 * steady state without itself (Sevcik and Mitrani 1981).
 */
export function twoClasses(
  classes: readonly [Class, Class],
  service: number,
  servers: number,
): [WaitLaw, WaitLaw] {
  const [a, b] = classes;
  const of = (own: Class, without: readonly [Class, Class]) => {
    const law = waitSeeing(present(without, service, servers), servers, service);
    return { ...law, throughput: own.clients / (own.think + law.mean + service) };
  };
  const laws = [
    of(a, [{ ...a, clients: a.clients - 1 }, b]),
    of(b, [a, { ...b, clients: b.clients - 1 }]),
  ] as const;
  const utilization = ((laws[0].throughput + laws[1].throughput) * service) / servers;
  return [
    { ...laws[0], utilization },
    { ...laws[1], utilization },
  ];
}

const logFactorial = (n: number): number => gammaln(n + 1);

/** Probabilities of 0, 1, 2, .. clients at the pool, of both classes together. */
function present([a, b]: readonly [Class, Class], service: number, servers: number): Float64Array {
  const logs = new Float64Array(a.clients + b.clients + 1).fill(Number.NEGATIVE_INFINITY);
  for (let i = 0; i <= a.clients; i++) {
    for (let j = 0; j <= b.clients; j++) {
      const n = i + j;
      // Of the services: n! / (i! j!), over the product of min(1, c) .. min(n, c).
      const capacity =
        logFactorial(Math.min(n, servers)) + Math.max(0, n - servers) * Math.log(servers);
      const weight =
        logFactorial(n) -
        logFactorial(i) -
        logFactorial(j) -
        capacity +
        i * Math.log(service / a.think) -
        logFactorial(a.clients - i) +
        j * Math.log(service / b.think) -
        logFactorial(b.clients - j);
      logs[n] = addLogs(logs[n] as number, weight);
    }
  }
  const top = logs.reduce((most, x) => Math.max(most, x), Number.NEGATIVE_INFINITY);
  const weights = logs.map((x) => Math.exp(x - top));
  const total = weights.reduce((sum, x) => sum + x, 0);
  return weights.map((x) => x / total);
}

/** log(exp(x) + exp(y)) without overflow. */
function addLogs(x: number, y: number): number {
  const [low, high] = x < y ? [x, y] : [y, x];
  return high === Number.NEGATIVE_INFINITY ? high : high + Math.log1p(Math.exp(low - high));
}
