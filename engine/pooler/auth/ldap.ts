/**
 * Asks an LDAP server whether a password is a user's, by binding as that user. The package that speaks the
 * protocol is loaded at the first question. Unlike PgBouncer, which has one thread that asks for one client
 * after the other, all clients are asked for at once.
 * Source: PgBouncer 1.25.2 src/ldapauth.c, check_ldap_auth().
 */
import type { Client, DN, Filter } from "ldapts";
import type { LdapMistake, LdapOptions, LdapSearch } from "../../config/index.ts";
import { keepBytes, unescapedBytes } from "./ldap-bytes.ts";
import { codeOf, reasonOf } from "./ldap-results.ts";
import { ldapServers, ldapTrust } from "./ldap-servers.ts";

/** Milliseconds until a server that does not answer is passed over. Source: src/ldapauth.c. */
const CONNECT_MS = 3000;

/** A question. */
export interface LdapQuestion {
  readonly options: LdapOptions | LdapMistake;
  readonly user: string;
  /** Never empty: a server takes an empty one for no question at all, and says yes. */
  readonly password: string;
}

/**
 * Asks, and calls `done` once: without a word to let the user in, or with why not, for the log. The function
 * that is returned drops the question: `done` is not called then.
 */
export function askLdap(question: LdapQuestion, done: (why: string | undefined) => void) {
  const nobodyAsks = new AbortController();
  let open = true;
  void answer(question, nobodyAsks.signal).then((why) => {
    const wanted = open;
    open = false;
    if (wanted) done(why);
  });
  return (): void => {
    if (open) nobodyAsks.abort();
    open = false;
  };
}

async function answer(question: LdapQuestion, signal: AbortSignal): Promise<string | undefined> {
  const { options, user, password } = question;
  if ("mistake" in options) return options.mistake;
  try {
    const session = new Session(options, signal);
    const name =
      options.mode === "bind"
        ? `${options.prefix}${user}${options.suffix}`
        : await find(session, options, user);
    const place = `for user ${name} on server ${options.hosts}`;
    await session.bind(name, password, `LDAP login failed ${place}`);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The name of the user's entry. Errors: Error that says why there is none, or not one. */
async function find(session: Session, options: LdapSearch, user: string): Promise<string> {
  const { base, scope, binddn, bindpasswd, hosts } = options;
  // What stands in a filter for something else would make the question another one.
  if (/[*()\\/]/.test(user))
    throw new Error("invalid character in user name for LDAP authentication");
  const place = `on server "${hosts}"`;
  const filter = options.filter.replaceAll("$username", () => user);
  const what = `could not search LDAP for filter "${filter}" ${place}`;
  const search = { scope, filter: await parsed(filter, what), attributes: [NO_ATTRIBUTES] };
  const first = `could not perform initial LDAP bind for ldapbinddn "${binddn}" ${place}`;
  const names: string[] = [];
  await session.bind(binddn, bindpasswd, first, async (client) => {
    const { searchEntries } = await client.search(base, search).catch(explained(what));
    names.push(...searchEntries.map(({ dn }) => dn));
  });
  const [name] = names;
  const count = names.length === 0 ? "no entries" : `${names.length} entries`;
  const returned = `LDAP search for filter "${filter}" ${place} returned ${count}.`;
  if (name === undefined) throw new Error(`LDAP user "${user}" does not exist: ${returned}`);
  if (names.length > 1) throw new Error(`LDAP user "${user}" is not unique: ${returned}`);
  // A bind without a name is one as nobody, for which any password is good.
  if (name === "")
    throw new Error(`could not get dn for the first entry matching "${filter}" ${place}`);
  return name;
}

/** The attribute that no entry has. Source: RFC 4511, 4.5.1.8. */
const NO_ATTRIBUTES = "1.1";

async function parsed(filter: string, what: string): Promise<Filter> {
  const { FilterParser } = await import("ldapts");
  try {
    return FilterParser.parseString(unescapedBytes(filter));
  } catch {
    throw new Error(`${what}: Bad search filter`);
  }
}

/** Connections for one question, each for one bind. */
class Session {
  private readonly options: LdapOptions;
  private readonly signal: AbortSignal;

  constructor(options: LdapOptions, signal: AbortSignal) {
    this.options = options;
    this.signal = signal;
  }

  /**
   * Binds at the first server that can be asked, goes on with `then`, and hangs up. Errors: Error that
   * begins with `failed`, or says what else has stood in the way.
   */
  async bind(
    name: string,
    password: string,
    failed: string,
    then: (client: Client) => Promise<void> = async () => {},
  ): Promise<void> {
    const dn = { toString: () => name } as DN; // As a plain text, PLAIN would be taken for a method.
    const servers = await ldapServers(this.options);
    for (const { url, host } of servers) {
      const client = await this.client(url, host);
      try {
        if (this.options.tls) await this.startTls(client, host);
        await client.bind(dn, password).catch(explained(failed));
        await then(client);
        return;
      } catch (error) {
        const last = url === servers.at(-1)?.url;
        if (last || this.signal.aborted || !(error instanceof Unreachable)) throw error;
      } finally {
        hangUp(client);
      }
    }
  }

  private async client(url: string, host: string): Promise<Client> {
    const { Client } = await import("ldapts");
    const secure = this.options.scheme === "ldaps" ? { tlsOptions: ldapTrust(host) } : {};
    const client = new Client({ url, connectTimeout: CONNECT_MS, ...secure });
    keepBytes(client);
    this.signal.addEventListener("abort", () => hangUp(client), { once: true });
    return client;
  }

  private async startTls(client: Client, host: string): Promise<void> {
    await client.startTLS(ldapTrust(host)).catch((error: unknown) => {
      const { hosts, port } = this.options;
      const why = `${reasonOf(error)}, server: ${hosts}, port: ${port}`;
      throw problem(`could not start LDAP TLS session: ${why}`, error);
    });
  }
}

/** The server has not answered: another one may. */
class Unreachable extends Error {}

function problem(text: string, error: unknown): Error {
  return codeOf(error) === undefined ? new Unreachable(text) : new Error(text);
}

const explained =
  (what: string) =>
  (error: unknown): never => {
    throw problem(`${what}: ${reasonOf(error)}`, error);
  };

function hangUp(client: Client): void {
  client.unbind().catch(() => undefined); // It may be gone already.
}
