/** psql as a client: what no driver in Node does the same way, above all libpq's side of TLS. */
import { execFile } from "node:child_process";

/** What psql said: rows unaligned, columns between bars. */
export interface Said {
  status: number;
  out: string;
  error: string;
}

/** Runs one command; `place` are the words of a connection string. */
export function psql(place: Record<string, string | number>, sql: string): Promise<Said> {
  const conninfo = Object.entries({ gssencmode: "disable", ...place })
    .map(([key, value]) => `${key}='${value}'`)
    .join(" ");
  const env = { PATH: process.env.PATH ?? "", HOME: "/nonexistent", PGCONNECT_TIMEOUT: "20" };
  return new Promise((resolve) => {
    execFile("psql", ["-XAtc", sql, conninfo], { env }, (failure, out, error) =>
      resolve({ status: failure === null ? 0 : 1, out: out.trim(), error: error.trim() }),
    );
  });
}
