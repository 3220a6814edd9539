/** Counts everything anew from the records, and compares it with what the core believes. */
import { CLIENT, type Core, type Pool, SERVER } from "../../engine/core/index.ts";
import { memory, walk } from "./inside.ts";

const STATE = 0;
const POOL = 1;
const OTHER = 2; // the linked server of a client, the linked client of a server

/** Throws with a sentence if a list, a count or a link does not agree with the records. */
export function recount(core: Core): void {
  const { clients, servers } = memory(core);
  for (const pool of core.pools) {
    expectList(pool, "waiting", clients.ints, [CLIENT.waiting, CLIENT.waiting_login], clients.high);
    expectList(pool, "waiting_cancel", clients.ints, [CLIENT.waiting_cancel], clients.high);
    expectList(pool, "idle", servers.ints, [SERVER.idle], servers.high);
    expectList(pool, "used", servers.ints, [SERVER.used], servers.high);
    expectList(pool, "tested", servers.ints, [SERVER.tested], servers.high);
    for (const name of ["active", "login", "being_canceled", "active_cancel"] as const)
      same(pool[name], count(servers, SERVER[name], pool), `${name} servers`);
    same(pool.clients, count(clients, CLIENT.active, pool), "active clients");
    const carried = count(clients, CLIENT.active_cancel, pool);
    same(pool.clients_active_cancel, carried, "cancel requests on their way");
  }
  recountTotals(core);
  checkLinks(core);
}

function recountTotals(core: Core): void {
  const { clients, servers } = memory(core);
  const sum = (of: (pool: Pool) => number) => core.pools.reduce((all, pool) => all + of(pool), 0);
  same(
    servers.used,
    sum((pool) => pool.servers),
    "servers in use",
  );
  for (const database of core.databases) {
    const own = sum((pool) => (pool.database === database ? pool.servers : 0));
    same(database.connections, own, `connections of ${database.settings.name}`);
  }
  for (const user of core.users) {
    const own = sum((pool) => (pool.user === user ? pool.servers : 0));
    same(user.connections, own, `connections of ${user.settings.name}`);
  }
  let logins = 0;
  for (let at = 0; at < clients.high * 16; at += 16)
    if (clients.ints[at] === CLIENT.login) logins++;
  same(memory(core).logins, logins, "logins");
  const queued = sum((pool) => pool.waiting.length + pool.waiting_cancel.length);
  same(memory(core).waiters, queued, "waiters");
}

/** Nobody shares a server: links point at each other, and only active servers have one. */
function checkLinks(core: Core): void {
  const { clients, servers } = memory(core);
  for (let server = 0; server < servers.high; server++) {
    const at = server * 16;
    if (servers.ints[at + STATE] !== SERVER.active) continue;
    const client = servers.ints[at + OTHER] as number;
    same(clients.ints[client * 16 + OTHER] as number, server, "the server of a server's client");
    same(clients.ints[client * 16 + STATE] as number, CLIENT.active, "state of a linked client");
  }
  for (let client = 0; client < clients.high; client++) {
    const server = clients.ints[client * 16 + OTHER] as number;
    if (clients.ints[client * 16 + STATE] !== CLIENT.active || server < 0) continue;
    same(servers.ints[server * 16 + OTHER] as number, client, "the client of a client's server");
  }
}

function expectList(
  pool: Pool,
  name: "waiting" | "waiting_cancel" | "idle" | "used" | "tested",
  ints: Int32Array,
  states: readonly number[],
  high: number,
): void {
  const list = pool[name];
  const handles = walk(ints, list.head);
  same(handles.length, list.length, `length of ${name}`);
  same(handles.at(-1) ?? -1, list.tail, `tail of ${name}`);
  for (const handle of handles) {
    const at = handle * 16;
    if (!states.includes(ints[at + STATE] as number)) throw new Error(`${name} holds a stranger`);
    same(ints[at + POOL] as number, pool.id, `pool of one in ${name}`);
  }
  let found = 0;
  for (let at = 0; at < high * 16; at += 16)
    if (states.includes(ints[at + STATE] as number) && ints[at + POOL] === pool.id) found++;
  same(list.length, found, `records of ${name}`);
}

function count(table: { ints: Int32Array; high: number }, state: number, pool: Pool): number {
  let found = 0;
  for (let at = 0; at < table.high * 16; at += 16)
    if (table.ints[at + STATE] === state && table.ints[at + POOL] === pool.id) found++;
  return found;
}

function same(believed: number, counted: number, what: string): void {
  if (believed !== counted) throw new Error(`${what}: ${believed} believed, ${counted} counted`);
}
