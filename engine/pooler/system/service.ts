/**
 * What systemd is told: that the pooler is up, how busy it is, that it reads its configuration again, and that
 * it ends. Debian's unit waits for the first of these. Without the package koffi nothing can be told.
 * Source: sd_notify(3), and PgBouncer 1.25.2 src/main.c, src/stats.c.
 */
import { libc } from "./libc.ts";

/** False: systemd wants to be told, and cannot be. */
export function tellService(...lines: string[]): boolean {
  const place = process.env.NOTIFY_SOCKET;
  if (place === undefined || place === "") return true;
  return libc()?.notify(place, lines.join("\n")) ?? false;
}

/** What `systemctl status` shows of us: the averages, whose times have their proper unit there. */
export const statusOf = (statsLine: string): string =>
  `STATUS=${statsLine.replaceAll(" us", " μs")}`;

/** The lines that announce a reload; `READY=1` follows it. */
export const reloading = (): string[] => [
  "RELOADING=1",
  `MONOTONIC_USEC=${process.hrtime.bigint() / 1_000n}`,
];
