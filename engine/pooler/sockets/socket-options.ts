/**
 * What TCP connections are told when they stand: the operating system's search for dead ones, its time limit
 * and its buffers. Source: PgBouncer 1.25.2 src/util.c, tune_socket().
 */
import { closeSync } from "node:fs";
import type { Socket } from "node:net";
import type { Values } from "../../config/index.ts";
import { MILLISECOND, SECOND } from "../../core/index.ts";
import { libc, type SocketOption } from "../system/libc.ts";
import type { Channel } from "./channel.ts";

/** Options to set on each connection beyond what Node.js can do by itself. */
export type SocketOptions = readonly (readonly [SocketOption, number])[];

/** Those that the settings ask for; nothing where the system cannot be asked, which `Environment` tells. */
export function socketOptions(values: Values): SocketOptions {
  const alive: [SocketOption, number][] = [
    ["keepidle", values.tcp_keepidle / SECOND],
    ["keepintvl", values.tcp_keepintvl / SECOND],
    ["keepcnt", values.tcp_keepcnt],
  ];
  const wanted: [SocketOption, number][] = [
    ...(values.tcp_keepalive ? alive : []),
    ["user_timeout", values.tcp_user_timeout / MILLISECOND],
    ["send_buffer", values.tcp_socket_buffer],
    ["receive_buffer", values.tcp_socket_buffer],
  ];
  const set = wanted.filter(([, value]) => value > 0);
  return set.length > 0 && libc() !== undefined ? set : [];
}

/**
 * A connection is told before it stands how much it may receive at once: a peer that has been promised more
 * sends little by little afterwards, with pauses of 200 ms. `socket` is about to connect with that version
 * of the protocol. Source: PgBouncer 1.25.2 src/sbuf.c, sbuf_connect(); Linux, tcp_snd_wnd_test().
 */
export function tuneBefore(socket: Socket, version: number, options: SocketOptions): void {
  const handle = (socket as unknown as { _handle?: { open?(descriptor: number): number } })._handle;
  const system = libc();
  if (typeof handle?.open !== "function" || system === undefined) return;
  const descriptor = system.socket(version === 6 ? 6 : 4);
  if (typeof descriptor === "string") return;
  for (const [option, value] of options) system.setOption(descriptor, option, value);
  if (handle.open(descriptor) !== 0) closeSync(descriptor);
}

/** Is there something that must be told before? */
export const needsBefore = (options: SocketOptions): boolean =>
  options.some(([option]) => option === "receive_buffer");

/** Tells a connection. A limit that the system refuses, such as a TCP_KEEPIDLE of a year, goes without. */
export function tune(channel: Channel, keepAlive: boolean, options: SocketOptions): void {
  if (channel.unix) return;
  if (keepAlive) channel.keepAlive();
  if (options.length === 0) return;
  const { descriptor } = channel;
  for (const [option, value] of options) libc()?.setOption(descriptor, option, value);
}
