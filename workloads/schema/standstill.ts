/** Clients who never ask for anything, and who would go on for ever within one instant, for no time passes for them. */
import { ConfigError } from "../../engine/config/index.ts";
import { largest, mean } from "../../sim/kernel/distributions.ts";
import type { At } from "./server.ts";
import type { ClientKind } from "./workload.ts";

/** What takes time by itself: the way of a login, and that of a statement. */
interface Ways {
  login: boolean;
  statement: boolean;
}

/** Errors: ConfigError. */
export function checkStandstill(clients: readonly ClientKind[], ways: Ways, at: At): void {
  clients.forEach((kind, i) => {
    if (kind.arrivals !== undefined && mean(kind.arrivals.gap) === 0)
      throw new ConfigError({
        at: at("clients", i, "arrivals"),
        name: `clients[${i}].arrivals.gap`,
        got: "0",
        expected: "a duration above 0, such as 5 ms",
      });
    if (asksNothing(kind)) throw idle(i, at);
    if (!(Number(kind.count) > 0)) return;
    if (isEndless(kind.session) && !passes(kind, ways))
      throw standstill(i, "from one transaction to the next", "write service: 1 ms", at);
    if (!isEndless(kind.session) && !sessionPasses(kind, ways))
      throw standstill(i, "from one session to the next", "write session.away: 1 s", at);
  });
}

/** Draws are whole numbers. */
const asksNothing = ({ session: { transactions } }: ClientKind): boolean =>
  transactions !== "forever" && Math.round(largest(transactions)) === 0;

function idle(i: number, at: At): ConfigError {
  return new ConfigError({
    at: at("clients", i, "session", "transactions"),
    name: `clients[${i}].session.transactions`,
    problem: "gives every session 0 transactions",
    expected: "a number from 1, a distribution that gives one now and then, or forever",
    fix: "write transactions: 1",
  });
}

/** A transaction takes time, or what is between it and the next. */
function passes({ think, transaction }: ClientKind, { statement }: Ways): boolean {
  const { statements, service, gap } = transaction;
  const between = mean(statements) > 1 ? mean(gap) : 0;
  return statement || mean(think) + mean(service) + between > 0;
}

/** It goes on as long as time does not. */
const isEndless = ({ transactions, duration }: ClientKind["session"]): boolean =>
  transactions === "forever" && (duration === undefined || mean(duration) > 0);

/** Users of an application's pool begin a session without a login. */
function sessionPasses(kind: ClientKind, ways: Ways): boolean {
  const { duration, away } = kind.session;
  if (mean(away) > 0 || (ways.login && kind.app_pool === undefined)) return true;
  const empty = duration !== undefined && mean(duration) === 0;
  return !empty && passes(kind, ways);
}

function standstill(i: number, problem: string, fix: string, at: At): ConfigError {
  return new ConfigError({
    at: at("clients", i),
    name: `clients[${i}]`,
    problem: `takes no time ${problem}`,
    expected: "think, service, gap, session.away or network above 0",
    fix,
  });
}
