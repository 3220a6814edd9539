/** The `server` section of a workload file: the database that the pooler connects to. */
import { ConfigError } from "../../engine/config/index.ts";
import type { DistributionSpec } from "../../sim/kernel/distributions.ts";
import { distributionOf } from "./distribution.ts";
import type { WorkloadFile } from "./file.ts";
import { duration, share, size } from "./units.ts";
import type { ServerModel } from "./workload.ts";

/** Where a part of the file stands, for messages. */
export type At = (...path: PropertyKey[]) => string;

/** Checks what the schema cannot and turns it into the model's units. Errors: ConfigError. */
export function serverOf(server: WorkloadFile["server"], file: string, at: At): ServerModel {
  const drawn = (name: "connect_time" | "connect_cpu"): DistributionSpec =>
    distributionOf(server[name], { at: at("server", name), name: `server.${name}`, file });
  const { cores, speed, usl } = server;
  if (speed !== undefined && usl !== undefined)
    throw new ConfigError({
      at: at("server", "usl"),
      name: "server",
      problem: "has both speed and usl",
      expected: "one law of how fast the database is",
      fix: "remove one of them",
    });
  const connect_cpu = server.connect_cpu === undefined ? undefined : drawn("connect_cpu");
  if (connect_cpu !== undefined && (cores ?? speed ?? usl) === undefined)
    throw new ConfigError({
      at: at("server", "connect_cpu"),
      name: "server.connect_cpu",
      problem: "needs cores to work on",
      expected: "server.cores, server.speed or server.usl beside it",
      fix: "add cores: 8",
    });
  const quantum = server.quantum === undefined ? undefined : duration(server.quantum);
  checkQuantum(quantum, (cores ?? speed ?? usl) !== undefined, at);
  return {
    max_connections: server.max_connections,
    connect_time: drawn("connect_time"),
    memory_per_connection: size(server.memory_per_connection) ?? 0,
    cores,
    cpu_share: share(server.cpu_share) ?? 1,
    speed,
    usl,
    quantum,
    connect_cpu,
  };
}

function checkQuantum(quantum: number | undefined, shared: boolean, at: At): void {
  if (quantum === undefined || (shared && quantum >= SHORTEST)) return;
  throw new ConfigError({
    at: at("server", "quantum"),
    name: "server.quantum",
    problem: shared ? "is too short for a turn" : "needs cores whose time it is",
    expected: shared ? "10 us or more" : "server.cores, server.speed or server.usl beside it",
    fix: shared ? "leave it out: statements then advance all alike" : "add cores: 8",
  });
}

/** Each turn is an event. */
const SHORTEST = 10_000;
