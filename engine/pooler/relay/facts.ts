/** What the pooler knows of a pool beyond what the scheduler does: parameters and errors of its servers. */
import type { ScramKeys } from "../../wire/client-login.ts";
import type { VariableNames } from "../../wire/variables.ts";
import { Variables } from "../../wire/variables.ts";
import { authenticationOk, parameterStatus } from "../../wire/writer.ts";

/** An error that a server answered a login with. */
export interface LoginError {
  sqlstate: string;
  text: string;
}

export class PoolFacts {
  /** Parameters that its servers report and that are not tracked, in order; for the welcome. */
  parameters: [name: string, value: string][] = [];
  /** How every welcome begins: the login is good, and those parameters. */
  opening: Buffer = authenticationOk();
  /** Tracked parameters as its servers have them at login: the defaults of its clients. */
  variables: Variables;
  /** False: nothing has been learnt yet, or not all. */
  complete = false;
  /** The last error with which a server refused the login. */
  loginError: LoginError | undefined;
  /** Why the last connection failed, for `server login has been failing, cached error`. */
  failure = "connect failed";
  /** Keys of the last client that logged in with SCRAM; servers with the same secret accept them. */
  scramKeys: ScramKeys | undefined;
  /** What auth_query has found for its user, whom auth_file does not name. */
  secret: string | undefined;
  /** What its user has shown to an LDAP server last: whatever auth_file says, servers are shown it too. */
  password: string | undefined;
  /** Counts along a list of hosts; the next connection goes to the one that it stands at. */
  turn = 0;
  private readonly names: VariableNames;

  constructor(names: VariableNames) {
    this.names = names;
    this.variables = new Variables(names);
  }

  /**
   * Takes the parameters that a server has reported at login. `given`: those that a replication client has
   * chosen for its own server, which are left out; and what ordinary servers have said before stands.
   */
  learn(parameters: readonly [string, string][], given: readonly string[] = []): void {
    const own = new Set(given.map((name) => name.toLowerCase()));
    const known = this.parameters.length > 0;
    this.complete = own.size === 0;
    if (!this.complete && known) return;
    this.parameters = [];
    this.variables = new Variables(this.names);
    for (const [name, value] of parameters)
      if (!own.has(name.toLowerCase()) && !this.variables.set(name, value))
        this.parameters.push([name, value]);
    const statuses = this.parameters.map(([name, value]) => parameterStatus(name, value));
    this.opening = Buffer.concat([authenticationOk(), ...statuses]);
  }
}
