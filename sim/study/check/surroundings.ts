/**
 * What settings are held against and what no pgbouncer.ini says: the limits of the database server, the
 * application in front, the operating system. Hosted offers have a row each with where it is from.
 */
import type { Nanos } from "../../../engine/core/index.ts";

/** Timeouts of PostgreSQL that meet those of the pooler. */
export const DATABASE_TIMEOUTS = [
  "statement_timeout",
  "transaction_timeout",
  "idle_in_transaction_session_timeout",
  "idle_session_timeout",
] as const;
export type DatabaseTimeout = (typeof DATABASE_TIMEOUTS)[number];

/** Everything outside the pooler that is known; what is left out is not judged. */
export interface Surroundings {
  /** Of each database server. */
  max_connections?: number | undefined;
  /** Of those, kept for superusers and pg_use_reserved_connections. */
  reserved: number;
  /** Connections of any one user, and of users or databases with a limit of their own. */
  user_limit?: number | undefined;
  user_limits: ReadonlyMap<string, number>;
  database_limits: ReadonlyMap<string, number>;
  timeouts: Readonly<Partial<Record<DatabaseTimeout, Nanos>>>;
  /** After which the application gives a request up. */
  app_timeout?: Nanos | undefined;
  /** Connections that all instances of the application together may open to the pooler. */
  app_connections?: number | undefined;
  /** `ulimit -n` of a pooler's process. */
  open_files?: number | undefined;
  /** Login users; those of auth_file and [users] when left out. */
  users?: number | undefined;
  /** Databases that clients reach through the `*` entry; 1 when left out. */
  databases?: number | undefined;
  /** Bounds that a hosted pooler sets. */
  clients_most?: number | undefined;
  pool_size_most?: number | undefined;
}

/** PostgreSQL's own. Source: its documentation, superuser_reserved_connections. */
export const RESERVED = 3;

/** What is known when nothing is said. */
export const NOTHING_KNOWN: Surroundings = {
  reserved: RESERVED,
  user_limits: new Map(),
  database_limits: new Map(),
  timeouts: {},
};

/** A hosted or default set of limits. */
export interface Preset {
  limits: Partial<Surroundings>;
  doc: string;
  source: string;
  /** The source's own date or version; offers change. */
  date: string;
}

const UNDATED = "undated";
const AZURE = "learn.microsoft.com/azure/postgresql/configure-maintain/concepts-limits";
const NEON = "neon.com/docs/connect/connection-pooling";
const OCEAN = "docs.digitalocean.com, limits of managed PostgreSQL";
const YANDEX = "yandex.cloud, limits of Managed Service for PostgreSQL";

/** `--preset NAME`. */
export const PRESETS: Readonly<Record<string, Preset>> = {
  postgresql: {
    limits: { max_connections: 100, reserved: RESERVED },
    doc: "PostgreSQL as it is installed",
    source: "postgresql.org/docs/17/runtime-config-connection.html",
    date: "PostgreSQL 17",
  },
  // Burstable servers have no pooler of their own.
  ...rows(
    "azure",
    [
      ["b1ms", 50],
      ["b2s", 429],
    ],
    (name, most) => azure(name, { max_connections: most, reserved: 15 }),
  ),
  // With the ranges of pgbouncer.max_client_conn and pgbouncer.default_pool_size there.
  ...rows(
    "azure",
    [
      ["2vcore", 859],
      ["4vcore", 1718],
    ],
    (name, most) =>
      azure(name, {
        ...{ max_connections: most, reserved: 15 },
        ...{ clients_most: 50_000, pool_size_most: 4950 },
      }),
  ),
  ...rows(
    "neon",
    [
      ["0.25cu", 104],
      ["0.5cu", 209],
      ["1cu", 419],
      ["2cu", 839],
      ["4cu", 1678],
    ],
    (name, most) => ({
      limits: { max_connections: most, reserved: 7 },
      doc: `Neon ${name}, 7 connections reserved`,
      source: NEON,
      date: "2026-01-24",
    }),
  ),
  ...rows(
    "digitalocean",
    [
      ["1gb", 25],
      ["2gb", 50],
      ["4gb", 100],
      ["8gb", 200],
    ],
    (name, most) => ({
      limits: { max_connections: most, reserved: 3 },
      doc: `DigitalOcean ${name}: 25 connections a GB, 3 reserved`,
      source: OCEAN,
      date: UNDATED,
    }),
  ),
  ...rows(
    "yandex",
    [
      ["2vcpu", 400],
      ["4vcpu", 800],
      ["8vcpu", 1600],
    ],
    (name, most) => ({
      limits: { max_connections: most, user_limit: 50 },
      doc: `Yandex Cloud ${name}: 200 connections a vCPU, 50 a user unless raised`,
      source: YANDEX,
      date: UNDATED,
    }),
  ),
};

function azure(name: string, limits: Partial<Surroundings>): Preset {
  const doc = `Azure Flexible Server ${name}, 15 connections reserved`;
  return { limits, doc, source: AZURE, date: UNDATED };
}

function rows(
  offer: string,
  sizes: readonly (readonly [name: string, max_connections: number])[],
  preset: (name: string, max_connections: number) => Preset,
): Record<string, Preset> {
  return Object.fromEntries(sizes.map(([name, most]) => [`${offer}-${name}`, preset(name, most)]));
}
