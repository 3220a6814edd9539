/** Plays one history on one pooler, and writes down what was seen. */
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { cancelRequest } from "../../../engine/wire/writer.ts";
import type { Running } from "../stage.ts";
import { Actor } from "./actor.ts";
import { type History, parse, type Step } from "./history.ts";

/** How long what must come true may take, on a machine as slow as can be, and how often it is looked at. */
const PATIENCE_MS = 60_000;
const LOOK_MS = 15;

export interface Play {
  running: Running;
  /** A client that goes past the pooler. */
  direct: pg.Client;
  history: History;
  /** In front of the names of everything that is the history's own. */
  prefix: string;
  /** The pooler is PgBouncer 1.18. */
  older: boolean;
}

/** What was seen, and what should have been, line by line. */
export interface Outcome {
  seen: string[];
  expected: string[];
}

/** Plays a history to its end, or to the first step at which something else was seen. */
export async function play(play: Play): Promise<Outcome> {
  const player = new Player(play);
  const outcome: Outcome = { seen: [], expected: [] };
  await play.direct.query(`create sequence if not exists ${play.prefix}turns`);
  await play.direct.query(`grant all on sequence ${play.prefix}turns to public`);
  try {
    for (const line of play.history.steps) {
      const step = parse(line, play.older);
      const seen = (await player.take(step)).replaceAll(play.prefix, "");
      const action = line.split(" => ")[0];
      outcome.seen.push(`${action} => ${seen}`);
      outcome.expected.push(`${action} => ${step.seen}`);
      if (seen !== step.seen) break;
    }
  } finally {
    await player.end();
  }
  return outcome;
}

class Player {
  private readonly play: Play;
  private readonly actors = new Map<string, Actor>();
  /** Names of servers by the process ids of their backends. */
  private readonly servers = new Map<number, string>();
  private readonly consoles = new Map<string, pg.Client>();
  private told: Promise<string> | undefined;

  constructor(play: Play) {
    this.play = play;
  }

  async take(step: Step): Promise<string> {
    const [kind = ""] = step.who.split(" ");
    switch (kind) {
      case "":
        await sleep(Number(step.words[1]));
        return "ok";
      case "console":
        return await this.tell(step.words);
      case "pool":
        return await this.show("SHOW POOLS", step);
      case "stats":
        return await this.show("SHOW STATS_TOTALS", step);
      case "entry":
        return await this.show("SHOW DATABASES", step);
      case "servers":
        return await this.look(step, (console) => this.serversIn(console, step));
      case "clients":
        return await this.look(step, (console) => this.clientsIn(console, step));
      case "database":
        return await this.direct(step.words);
      case "pooler":
        await this.play.running.ended;
        return "ok";
      default:
        return await this.act(step.who, step.words);
    }
  }

  async end(): Promise<void> {
    for (const actor of this.actors.values()) actor.cut();
    await this.leaveConsoles();
  }

  // --- clients -----------------------------------------------------------------------------------

  private async act(who: string, [verb = "", ...rest]: readonly string[]): Promise<string> {
    const actor = this.actors.get(who) ?? new Actor(this.play.running.admin);
    this.actors.set(who, actor);
    switch (verb) {
      case "send":
        actor.pending = this.act(who, rest);
        return "ok";
      case "get":
        return (await actor.pending) ?? "nothing was sent";
      case "in":
      case "replicate": {
        const [entry, user] = rest[0] === "as" ? ["app", rest[1]] : [rest[0] ?? "app", rest[2]];
        return await actor.logIn(
          this.own(entry ?? ""),
          this.fill(user ?? ""),
          verb === "replicate",
        );
      }
      case "heard":
        return await actor.heard();
      case "run":
        return this.serverOf(await actor.ask(PID));
      case "begin":
        return this.serverOf(await actor.ask(`begin; ${PID}`));
      case "take":
        return await actor.ask(`select nextval('${this.play.prefix}turns')`);
      case "commit":
        return (await actor.ask("commit")) || "ok";
      case "sql":
        return (await actor.ask(this.fill(rest.join(" ")))) || "ok";
      case "cancel":
        await this.cancel(actor);
        return "ok";
      default:
        return await actor.end(verb);
    }
  }

  /** The name of the server with this process id; anything else is an error's text and stays. */
  private serverOf(answer: string): string {
    const pid = Number(answer);
    if (!Number.isInteger(pid)) return answer;
    const name = this.servers.get(pid) ?? `s${this.servers.size + 1}`;
    this.servers.set(pid, name);
    return name;
  }

  private async cancel(actor: Actor): Promise<void> {
    const { host, port } = this.play.running.admin;
    const socket = connect({ path: `${host}/.s.PGSQL.${port}` });
    socket.on("error", () => undefined);
    socket.write(cancelRequest(actor.key));
    await new Promise((resolve) => socket.once("close", resolve));
  }

  // --- the console and the database --------------------------------------------------------------

  private async tell([verb = "", ...rest]: string[]): Promise<string> {
    if (verb === "get") return (await this.told) ?? "nothing was sent";
    if (verb === "send") {
      this.told = this.tell(rest);
      return "ok";
    }
    if (verb === "out") {
      await this.leaveConsoles();
      return "ok";
    }
    const words = [verb, ...rest].map((word) => this.ownIfNamed(word)).join(" ");
    const console = await this.console("commands");
    const command = await this.withId(console, words);
    return await console.query(command).then(
      (result) => result.command,
      (error: Error) => error.message,
    );
  }

  private async leaveConsoles(): Promise<void> {
    for (const console of this.consoles.values()) await console.end().catch(() => undefined);
    this.consoles.clear();
  }

  /** Puts the id of the user's client in, of which there is one. */
  private async withId(console: pg.Client, command: string): Promise<string> {
    const [place = "", user] = /\{id (\w+)\}/.exec(command) ?? [];
    if (place === "") return command;
    const { rows } = await console.query("SHOW CLIENTS");
    const places = [CONSOLE, this.play.prefix];
    const row = rows.find(
      (one) => one.user === user && places.some((place) => `${one.database}`.startsWith(place)),
    );
    return command.replace(place, row?.id ?? "none");
  }

  /** Looks until the columns are what is expected, and says what they were last. */
  private show(command: string, step: Step): Promise<string> {
    const [, entry = "", user = ""] = step.who.split(" ");
    return this.look(step, async (console) => {
      const { rows } = await console.query(command);
      const row = rows.find(
        (one) =>
          (one.database === this.own(entry) || one.name === this.own(entry)) &&
          (user === "" || one.user === this.fill(user)),
      );
      return step.words.map((name) => row?.[name] ?? "-").join(" ");
    });
  }

  /** The servers of an entry that are in a state, in the order in which they were first seen. */
  private async serversIn(console: pg.Client, { who, words }: Step): Promise<string> {
    const [, entry = ""] = who.split(" ");
    const { rows } = await console.query("SHOW SERVERS");
    return rows
      .filter((row) => row.database === this.own(entry) && row.state === words[0])
      .map((row) => this.serverOf(row.remote_pid))
      .sort()
      .join(" ");
  }

  /** The users of an entry's clients that are in a state. */
  private async clientsIn(console: pg.Client, { who, words }: Step): Promise<string> {
    const [, entry = ""] = who.split(" ");
    const { rows } = await console.query("SHOW CLIENTS");
    return rows
      .filter((row) => row.database === this.own(entry) && row.state === words[0])
      .map((row) => row.user)
      .sort()
      .join(" ");
  }

  private async look(
    { seen }: Step,
    find: (console: pg.Client) => Promise<string>,
  ): Promise<string> {
    const console = await this.console("looks");
    for (const end = Date.now() + PATIENCE_MS; ; await sleep(LOOK_MS)) {
      const found = await find(console);
      if (found === seen || Date.now() > end) return found;
    }
  }

  private async direct(words: string[]): Promise<string> {
    const [pid] = [...this.servers].find(([, name]) => name === words[1]) ?? [];
    if (words[0] === "runs") {
      const asleep = `select from pg_stat_activity where pid = ${pid} and wait_event in ('PgSleep', 'advisory')`;
      while ((await this.play.direct.query(asleep)).rowCount === 0) await sleep(LOOK_MS);
      return "ok";
    }
    const sql =
      words[0] === "end" ? `select pg_terminate_backend(${pid})` : this.fill(words.join(" "));
    await this.play.direct.query(sql);
    return "ok";
  }

  private async console(name: string): Promise<pg.Client> {
    let client = this.consoles.get(name);
    if (client === undefined) {
      client = new pg.Client(this.play.running.admin);
      client.on("error", () => undefined);
      this.consoles.set(name, client);
      await client.connect();
    }
    return client;
  }

  // --- names -------------------------------------------------------------------------------------

  private own(entry: string): string {
    return entry === "" || entry.startsWith("!") ? entry.slice(1) : this.play.prefix + entry;
  }

  private ownIfNamed(word: string): string {
    return Object.hasOwn(this.play.history.entries ?? { app: "" }, word) ? this.own(word) : word;
  }

  private fill(text: string): string {
    return fill(text, this.play.prefix);
  }
}

/** Puts the history's own in: `{turns}` is its sequence, `{own}` a role, `{key}` the key of a lock. */
export function fill(text: string, prefix: string): string {
  return text
    .replaceAll("{turns}", `${prefix}turns`)
    .replaceAll("{own}", `${prefix}own`)
    .replaceAll("{key}", `hashtext('${prefix}')`);
}

const CONSOLE = "pgbouncer";
const PID = "select pg_backend_pid()";
