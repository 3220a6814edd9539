/**
 * Sockets that systemd has opened for us and passes from descriptor 3 on (socket activation). The settings that
 * say where to listen, and how, are then those of its unit. Source: sd_listen_fds(3), and PgBouncer 1.25.2
 * src/pooler.c, pooler_setup().
 */

/** The first of them. Source: sd-daemon.h, SD_LISTEN_FDS_START. */
const FIRST = 3;

/** Connections that may wait to be accepted: as many as the system allows, which is what systemd asks for. */
export const PASSED_BACKLOG = 0x7fff_ffff;

/** The descriptors that were passed to this process; none where it was started in another way. */
export function passedSockets(env: NodeJS.ProcessEnv = process.env, pid = process.pid): number[] {
  const { LISTEN_PID = "", LISTEN_FDS = "" } = env;
  if (!DIGITS.test(LISTEN_PID) || Number(LISTEN_PID) !== pid || !DIGITS.test(LISTEN_FDS)) return [];
  return Array.from({ length: Number(LISTEN_FDS) }, (_, index) => FIRST + index);
}

const DIGITS = /^\d{1,7}$/;

/** What is said of settings that have no effect then. `usual`: the default of unix_socket_dir. */
export function ignored(listenAddr: string, socketDirectory: string, usual: string): string[] {
  const names = [
    ...(listenAddr === "" ? [] : ["cf_listen_addr"]),
    ...(socketDirectory === "" || socketDirectory === usual ? [] : ["cf_unix_socket_dir"]),
  ];
  return names.map((name) => `sockets passed from service manager, ${name} ignored`);
}
