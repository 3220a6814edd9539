/**
 * With resolv_conf: addresses by /etc/hosts, and then by the name servers of that file, without the
 * operating system's own. Source: PgBouncer 1.25.2 src/dnslookup.c, impl_init(); libevent 2.1 evdns.c,
 * evdns_getaddrinfo(), search_request_new().
 */
import { type LookupAddress, Resolver } from "node:dns";
import { existsSync, readFileSync } from "node:fs";
import { isIP } from "node:net";
import { hostname } from "node:os";
import { type Config, loadResolvConf, placeOf, type ResolvConf } from "../../config/index.ts";
import { type Ask, askSystem } from "./resolver.ts";

/** Who answers under this configuration. Errors: ConfigError for a file that names nobody to ask. */
export function askerOf(config: Config): Ask {
  const { resolv_conf: path } = config.values;
  if (path === "") return askSystem;
  return askServers(loadResolvConf(path, placeOf(config, "resolv_conf")), ownNames());
}

/** Asks name servers for what `known`, names in small letters with their addresses, does not have. */
function askServers(conf: ResolvConf, known: ReadonlyMap<string, LookupAddress[]>): Ask {
  const resolver = new Resolver({ timeout: conf.timeout, tries: conf.attempts });
  resolver.setServers(conf.servers);
  return (name, done) => {
    const own = known.get(name.toLowerCase());
    if (own !== undefined) process.nextTick(done, null, own);
    else askInTurn(resolver, candidates(name, conf), done);
  };
}

/** The first of the names that has addresses. */
function askInTurn(resolver: Resolver, names: readonly string[], done: Parameters<Ask>[1]): void {
  const [name = "", ...others] = names;
  askBoth(resolver, name, (error, found) => {
    const unknown = error?.code === "ENOTFOUND" || error?.code === "ENODATA";
    if (unknown && others.length > 0) askInTurn(resolver, others, done);
    else done(error, found);
  });
}

type Asked = (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void;

/** Of both versions; an error only if neither has any. */
function askBoth(resolver: Resolver, name: string, done: Asked): void {
  const answers: LookupAddress[][] = [];
  let failed: NodeJS.ErrnoException | null = null;
  let left = 2;
  const heard = (family: 4 | 6, error: NodeJS.ErrnoException | null, found?: string[]): void => {
    failed ??= error;
    answers[family] = (found ?? []).map((address) => ({ address, family }));
    if (--left > 0) return;
    const all = answers.flat();
    done(all.length > 0 ? null : failed, all);
  };
  resolver.resolve4(name, (error, found) => heard(4, error, found));
  resolver.resolve6(name, (error, found) => heard(6, error, found));
}

/** In their order; a name that ends in a dot is whole. */
function candidates(name: string, { domains, dots }: ResolvConf): string[] {
  if (name.endsWith(".")) return [name];
  const own = hostname().split(".").slice(1).join(".");
  const search = domains.length === 0 && own !== "" ? [own] : domains;
  const longer = search.map((domain) => `${name}.${domain}`);
  return name.split(".").length > dots ? [name, ...longer] : [...longer, name];
}

const HOSTS = "/etc/hosts";

/** What the machine knows by itself. */
function ownNames(): ReadonlyMap<string, LookupAddress[]> {
  const known = new Map<string, LookupAddress[]>();
  const text = existsSync(HOSTS)
    ? readFileSync(HOSTS, "utf8")
    : "127.0.0.1 localhost\n::1 localhost";
  for (const line of text.split("\n")) {
    const [address = "", ...names] = (line.split("#")[0] ?? "").split(/\s+/).filter(Boolean);
    const family = isIP(address);
    if (family === 0) continue;
    for (const name of names.map((one) => one.toLowerCase()))
      known.set(name, [...(known.get(name) ?? []), { address, family }]);
  }
  return known;
}
