/** What a statement costs beside its service because its server does not know its client. */
import { type Nanos, STAT } from "../../engine/core/index.ts";
import type { Backends, Preparation } from "./backends.ts";
import { M } from "./population.ts";
import { kindOf, type Run } from "./run.ts";

/** Work of the database for a parse, and a round trip to set parameters; nanoseconds, mostly 0. */
interface Extra {
  work: Nanos;
  trip: Nanos;
}

/** The parse, where the server has not seen the client's statement; the round trip, where its parameters differ. */
export function prepare(run: Run, backends: Backends, client: number, server: number): Extra {
  const ints = run.clients.ints;
  const at = client << 4;
  const { preparation } = kindOf(run, client);
  const { first, parse, which, parameters } = preparation as Preparation;
  const transaction = ints[at + M.transaction] as number;
  const later = ints[at + M.later] as number;
  const trip = backends.adopt(server, parameters)
    ? run.serverTrip + run.extras.set.draw(client, transaction, later)
    : 0;
  if (which === undefined) return { work: 0, trip };
  const statement = first + which.draw(ints[at + M.number] as number, transaction, later);
  const { stats } = run.core.serverPool(server);
  count(stats, STAT.bind_count);
  if (!backends.prepare(server, statement)) return { work: 0, trip };
  count(stats, STAT.server_parse_count);
  return { work: parse, trip };
}

/** As the pooler does, for the core decides nothing by it. */
function count(stats: Float64Array, name: number): void {
  stats[name] = (stats[name] as number) + 1;
}
