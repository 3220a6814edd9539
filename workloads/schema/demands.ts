/** A kind's pool inside the application, its patience and its retries, checked beyond what a schema can. */
import { ConfigError } from "../../engine/config/index.ts";
import { MILLISECOND, type Nanos, SECOND } from "../../engine/core/index.ts";
import type { KindFile } from "./file.ts";
import type { At } from "./server.ts";
import { duration, share } from "./units.ts";
import type { ClientKind } from "./workload.ts";

const TIMEOUT: Nanos = 30 * SECOND;
const BACKOFF: Nanos = 100 * MILLISECOND;

/** Errors: ConfigError. */
export function demandsOf(
  { app_pool, timeout, retry, prepared, parameters }: KindFile,
  i: number,
  at: At,
): Pick<ClientKind, "app_pool" | "timeout" | "cancels" | "retry" | "prepared" | "parameters"> {
  const time = (value: unknown): Nanos | undefined =>
    value === undefined ? undefined : duration(value);
  if (app_pool?.min_size !== undefined && app_pool.min_size > app_pool.size)
    throw new ConfigError({
      at: at("clients", i, "app_pool", "min_size"),
      name: `clients[${i}].app_pool.min_size`,
      got: String(app_pool.min_size),
      expected: `at most its size, ${app_pool.size}`,
    });
  const { after, action } = typeof timeout === "object" ? timeout : { after: timeout };
  const cancels = action === "cancel";
  if (time(after) === 0)
    throw new ConfigError({
      at: at("clients", i, "timeout"),
      name: `clients[${i}].timeout`,
      got: "0",
      expected: "a duration above 0",
      fix: "leave it out for clients that wait as long as it takes",
    });
  return {
    app_pool: app_pool && {
      instances: app_pool.instances,
      size: app_pool.size,
      min_size: app_pool.min_size,
      timeout: time(app_pool.timeout) ?? TIMEOUT,
      idle_timeout: time(app_pool.idle_timeout),
      lifetime: time(app_pool.lifetime),
    },
    timeout: time(after),
    ...(cancels && { cancels }),
    retry: retry && {
      attempts: retry.attempts,
      backoff: time(retry.backoff) ?? BACKOFF,
      factor: retry.factor ?? 2,
      jitter: share(retry.jitter ?? 0) ?? 0,
    },
    prepared: prepared && { statements: prepared.statements, parse: time(prepared.parse) ?? 0 },
    parameters,
  };
}
