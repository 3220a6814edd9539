/**
 * Reads a workload file. Whatever is unknown, missing or out of range is refused with one ConfigError:
 * file and line, what was found, what is allowed, the nearest valid name.
 */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import {
  type Config,
  ConfigError,
  configFrom,
  coreSettings,
  didYouMean,
  loadConfig,
  whyUnreadable,
} from "../../engine/config/index.ts";
import { type CoreSettings, configuredPool, SECOND } from "../../engine/core/index.ts";
import type { DistributionSpec } from "../../sim/kernel/distributions.ts";
import { demandsOf } from "./demands.ts";
import { distributionOf } from "./distribution.ts";
import { DISTRIBUTIONS, type KindFile, type WorkloadFile, workloadFile } from "./file.ts";
import { applyOverrides, type Overrides } from "./overrides.ts";
import { configError, nameOf, optionAt, Source, valueAt } from "./places.ts";
import { poolerOf } from "./pooler.ts";
import { scheduleOf } from "./schedule.ts";
import { serverOf } from "./server.ts";
import { checkStandstill } from "./standstill.ts";
import { duration, rateGap, share } from "./units.ts";
import type { ClientKind, Slo, Workload } from "./workload.ts";

export type { Overrides } from "./overrides.ts";
export type { Workload } from "./workload.ts";

/** Reads and checks a workload file. Errors: ConfigError. */
export function loadWorkload(path: string, overrides: Overrides = {}): Workload {
  if (path.endsWith(".ini"))
    throw new ConfigError({
      at: path,
      name: "the workload",
      problem: "is a pgbouncer.ini",
      expected: "a YAML file with clients, which may name it (ini: PATH)",
      fix: "poolwise check judges an ini alone",
    });
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigError({
      at: path,
      name: "the workload",
      problem: `cannot be read (${whyUnreadable(error)})`,
      expected: "the path of a YAML file, such as workloads/storefront.yaml",
    });
  }
  return parseWorkload(text, path, overrides);
}

/** Checks the text of a workload file; `file` is its path, for messages and relative paths. */
export function parseWorkload(text: string, file: string, overrides: Overrides = {}): Workload {
  const wrong = (problem: string): ConfigError => {
    const expected = "a workload with keys such as name, pgbouncer, clients";
    return new ConfigError({ at: `${file}:1`, name: "the file", problem, expected });
  };
  if (text.includes("\0")) throw wrong("is no text in UTF-8");
  const source = new Source(text, file);
  const value = source.value;
  if (Array.isArray(value)) throw wrong("is a list");
  if (typeof value !== "object" || value === null) throw wrong("is a single value");
  const places = applyOverrides(value as Record<string, unknown>, overrides);
  return new Loader(source, places, overrides.ini).load(value);
}

/** Defaults where a file is silent. */
const DEFAULT = {
  database: "app",
  user: "app",
  away: { kind: "constant", value: SECOND },
  nothing: { kind: "constant", value: 0 },
  one: { kind: "constant", value: 1 },
} as const satisfies Record<string, DistributionSpec | string>;

class Loader {
  private readonly source: Source;
  /** What options set, by dotted path. */
  private readonly places: ReadonlyMap<string, string>;
  /** A pgbouncer.ini that an option names, relative to the working directory. */
  private readonly ini: string | undefined;

  constructor(source: Source, places: ReadonlyMap<string, string>, ini: string | undefined) {
    this.source = source;
    this.places = places;
    this.ini = ini;
  }

  load(value: unknown): Workload {
    const checked = workloadFile.safeParse(value);
    if (!checked.success) throw this.refusal(value, worst(checked.error.issues));
    const file = checked.data;
    const config = this.config(file);
    const settings = coreSettings(config);
    const clients = file.clients.map((kind, i) => this.kind(kind, i, file, settings));
    const present = clients.filter((kind) => kind.count !== 0);
    if (present.length === 0) throw this.nobody();
    if (config.values.max_prepared_statements === 0) this.noPrepared(clients, settings);
    this.noDuplicates(file);
    const network = {
      client: duration(file.network.client) ?? 0,
      server: duration(file.network.server) ?? 0,
    };
    const at = (...path: PropertyKey[]): string => this.at(...path);
    const pooler = poolerOf(file, settings.peers !== undefined, at);
    const statement = network.client + network.server + (pooler?.cpu_per_message ?? 0) > 0;
    checkStandstill(clients, { login: network.client > 0, statement }, at);
    return {
      name: file.name,
      description: file.description ?? "",
      file: this.source.file,
      settings,
      stats_period: config.values.stats_period,
      max_prepared_statements: config.values.max_prepared_statements,
      clients: present,
      server: serverOf(file.server, this.source.file, at),
      pooler,
      network,
      ...scheduleOf(file, present, this.source.file, at),
      slo: sloOf(file),
      run: {
        duration: duration(file.run.duration) ?? 0,
        warmup: file.run.warmup === "auto" ? "auto" : (duration(file.run.warmup) ?? 0),
        seed: file.run.seed,
        precision: share(file.run.precision) ?? 0,
      },
    };
  }

  /** The first issue, and inside a distribution the one that its own shape reports. */
  private refusal(value: unknown, issue: z.core.$ZodIssue): ConfigError {
    const found = valueAt(value, issue.path);
    if (issue.code === "invalid_union" && typeof found === "object" && found !== null) {
      const [key = ""] = Object.keys(found);
      const shape = DISTRIBUTIONS[key as keyof typeof DISTRIBUTIONS] as z.ZodType | undefined;
      const inner = shape?.safeParse(found).error?.issues[0];
      if (inner !== undefined)
        return this.refusal(value, { ...inner, path: [...issue.path, ...inner.path] });
    }
    return configError((path) => this.at(...path), value, issue, namesAt(issue.path));
  }

  private at(...path: PropertyKey[]): string {
    return optionAt(this.places, path) ?? this.source.at(path);
  }

  private config(file: WorkloadFile): Config {
    const ini =
      this.ini ??
      (file.ini === undefined ? undefined : resolve(dirname(this.source.file), file.ini));
    const base = ini === undefined ? undefined : loadConfig(ini);
    const databases = file.databases ?? (base === undefined ? { [DEFAULT.database]: {} } : {});
    const entries = Object.fromEntries(
      Object.entries(databases).map(([name, keys]) => [name, withoutNull(keys ?? {})]),
    );
    const users = Object.fromEntries(
      Object.entries(file.users ?? {}).map(([name, keys]) => [name, withoutNull(keys)]),
    );
    const place = (...path: string[]): string => this.at(...path);
    const options = base === undefined ? { place } : { place, base };
    return configFrom(withoutNull(file.pgbouncer ?? {}), entries, users, options);
  }

  private kind(kind: KindFile, i: number, file: WorkloadFile, settings: CoreSettings): ClientKind {
    const at = (name: string): DistributionSpec | undefined => {
      const path = ["clients", i, ...name.split(".")];
      const written = valueAt(file, path);
      if (written === undefined) return undefined;
      const counts = name === "session.transactions" || name === "transaction.statements";
      const place = { at: this.at(...path), name: nameOf(path), file: this.source.file, counts };
      return distributionOf(written, place);
    };
    this.population(kind, i);
    const transactions = kind.session?.transactions;
    const session = {
      transactions:
        transactions === undefined || transactions === "forever"
          ? ("forever" as const)
          : (at("session.transactions") ?? DEFAULT.one),
      duration: at("session.duration"),
      away: at("session.away") ?? DEFAULT.away,
    };
    if (kind.arrivals !== undefined && transactions === undefined && session.duration === undefined)
      session.transactions = DEFAULT.one as never;
    return {
      name: kind.name,
      database: this.database(kind, i, settings),
      user: kind.user ?? DEFAULT.user,
      count: kind.count,
      arrivals: kind.arrivals && { gap: this.arrivals(kind, at) },
      session,
      think: at("think") ?? this.noThink(kind, i),
      transaction: {
        statements: at("transaction.statements") ?? DEFAULT.one,
        service: at("transaction.service") ?? DEFAULT.nothing,
        gap: at("transaction.gap") ?? DEFAULT.nothing,
        work: kind.transaction.work,
      },
      ...demandsOf(kind, i, (...path) => this.at(...path)),
    };
  }

  /** A kind of 0 clients is as good as none, and one at least there must be. */
  private nobody(): ConfigError {
    return new ConfigError({
      at: this.at("clients", 0, "count"),
      name: "clients",
      problem: "has nobody: every count is 0",
      expected: "a count above 0, or arrivals, of one kind at least",
      fix: "write count: 100",
    });
  }

  private population(kind: KindFile, i: number): void {
    const path = `clients[${i}]`;
    const both = kind.count !== undefined && kind.arrivals !== undefined;
    const neither = kind.count === undefined && kind.arrivals === undefined;
    if (!both && !neither) return;
    const added = ["count", "arrivals"].find((key) => this.places.has(`clients.${i}.${key}`));
    throw new ConfigError({
      at: added === undefined ? this.at("clients", i) : this.at("clients", i, added),
      name: `${path} (${kind.name})`,
      problem: both ? "has both count and arrivals" : "has neither count nor arrivals",
      expected: "count (a closed population) or arrivals (sessions from outside)",
      fix: both ? "remove one of them" : "add count: 100",
    });
  }

  private arrivals(
    kind: KindFile,
    at: (name: string) => DistributionSpec | undefined,
  ): DistributionSpec {
    const arrivals = kind.arrivals as { rate?: unknown };
    if (arrivals.rate === undefined) return at("arrivals.gap") ?? DEFAULT.nothing;
    return { kind: "exponential", mean: rateGap(arrivals.rate) ?? 0 };
  }

  /** A closed client that never thinks asks again at once: that is a choice to be written down. */
  private noThink(kind: KindFile, i: number): DistributionSpec {
    if (kind.arrivals !== undefined) return DEFAULT.nothing;
    throw new ConfigError({
      at: this.at("clients", i),
      name: `clients[${i}].think`,
      expected: "a duration or a distribution, such as { exponential: 10 s }",
      fix: "for clients that never pause write think: 0 ms",
    });
  }

  private database(kind: KindFile, i: number, settings: CoreSettings): string {
    const names = settings.databases.map((entry) => entry.name);
    const [only] = names;
    if (kind.database === undefined && names.length === 1 && only !== undefined) return only;
    if (kind.database === undefined && only === undefined && settings.autodb !== undefined)
      return DEFAULT.database;
    if (
      kind.database !== undefined &&
      (names.includes(kind.database) || settings.autodb !== undefined)
    )
      return kind.database;
    const name = `clients[${i}].database`;
    const expected = `one of ${names.join(" | ")}`;
    if (kind.database === undefined)
      throw new ConfigError({ at: this.at("clients", i), name, expected });
    const at = this.at("clients", i, "database");
    throw new ConfigError({
      at,
      name,
      got: kind.database,
      expected,
      fix: didYouMean(kind.database, names),
    });
  }

  /** Without max_prepared_statements they break in every mode but session mode. */
  private noPrepared(clients: readonly ClientKind[], settings: CoreSettings): void {
    clients.forEach(({ prepared, database, user }, i) => {
      const { mode } = configuredPool(settings, database, user);
      if (prepared === undefined || mode === "session") return;
      throw new ConfigError({
        at: this.at("clients", i, "prepared"),
        name: `clients[${i}].prepared`,
        problem: `breaks in ${mode} mode with max_prepared_statements = 0`,
        expected: "max_prepared_statements above 0, or session mode",
        fix: "set max_prepared_statements: 200",
      });
    });
  }

  private noDuplicates(file: WorkloadFile): void {
    const seen = new Set<string>();
    file.clients.forEach((kind, i) => {
      if (seen.has(kind.name))
        throw new ConfigError({
          at: this.at("clients", i, "name"),
          name: `clients[${i}].name`,
          got: kind.name,
          expected: "a name that no other kind of clients has",
        });
      seen.add(kind.name);
    });
  }
}

function withoutNull<T>(keys: Readonly<Record<string, T | null>>): Record<string, T> {
  const entries = Object.entries(keys).filter(
    (entry): entry is [string, T & {}] => entry[1] !== null,
  );
  return Object.fromEntries(entries);
}

function sloOf(file: WorkloadFile): Slo {
  const slo = file.slo ?? {};
  const time = (value: unknown): number | undefined =>
    value === undefined ? undefined : duration(value);
  return {
    wait_p50: time(slo.wait_p50),
    wait_p95: time(slo.wait_p95),
    wait_p99: time(slo.wait_p99),
    response_p95: time(slo.response_p95),
    response_p99: time(slo.response_p99),
    timeouts: slo.timeouts === undefined ? undefined : share(slo.timeouts),
  };
}

/** An unknown name explains a missing one: it comes first. */
function worst(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue {
  const unknown = issues.find((issue) => issue.code === "unrecognized_keys");
  return unknown ?? (issues[0] as z.core.$ZodIssue);
}

/** Names that are known where an unknown one was found: the keys of the schema there. */
function namesAt(path: readonly PropertyKey[]): string[] {
  let schema: z.ZodType = workloadFile;
  for (const part of path) schema = inside(schema, part);
  const shape = unwrap(schema);
  return shape instanceof z.ZodObject ? Object.keys(shape.shape) : Object.keys(DISTRIBUTIONS);
}

function inside(schema: z.ZodType, part: PropertyKey): z.ZodType {
  const outer = unwrap(schema);
  if (outer instanceof z.ZodObject) return outer.shape[String(part)] ?? z.unknown();
  if (outer instanceof z.ZodArray) return outer.element as z.ZodType;
  return DISTRIBUTIONS[part as keyof typeof DISTRIBUTIONS]?.shape[part as never] ?? z.unknown();
}

function unwrap(schema: z.ZodType): z.ZodType {
  const wrapped =
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault;
  return wrapped ? unwrap(schema.unwrap() as z.ZodType) : schema;
}
