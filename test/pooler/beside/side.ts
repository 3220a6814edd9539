/**
 * Our pooler and PgBouncer on one ini, each with a log of its own: for what somebody who exchanges one for the
 * other looks at. PgBouncer does not run as root, so root gives it to somebody else.
 */
import { spawn } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Pooler, startPooler } from "../../../engine/pooler/main.ts";
import { freePort } from "../../../sim/study/live/pooler-process.ts";
import { PGBOUNCER } from "../../pgbouncer.ts";
import { type Console, type Stage, until } from "../stage.ts";

const AS = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

export type Settings = Readonly<Record<string, string | number>>;

/** One of the two. */
export class Side {
  readonly name: "ours" | "theirs";
  readonly stage: Stage;
  /** Its `address` is all that tests may use of it. */
  readonly pooler: Pooler;
  readonly ini: string;
  readonly stop: () => Promise<void>;
  private readonly file: string;

  constructor(parts: Pick<Side, "name" | "stage" | "pooler" | "ini" | "stop"> & { file: string }) {
    this.name = parts.name;
    this.stage = parts.stage;
    this.pooler = parts.pooler;
    this.ini = parts.ini;
    this.stop = parts.stop;
    this.file = parts.file;
  }

  /** Its log without stamps; numbers of connections, addresses and ages stand as letters. */
  get lines(): string[] {
    return readFileSync(this.file, "utf8").split("\n").map(plain).filter(isOfConnections);
  }

  console(): Promise<Console> {
    return this.stage.console(this.pooler);
  }
}

const plain = (line: string): string =>
  line
    .replace(/^.*?\] /, "")
    .replace(/\b([CS])-0x[0-9a-f]+/g, "$1")
    .replace(/(@unix)(\(\d+\))?:(\d+)(?= )/, "$1:$3")
    .replace(/@[^u]\S*:\d+(?= )/, "")
    .replace(/\(from [^)]*\)/, "(from here)")
    .replace(/age=\d+s/, "age");

/** Lines of the process as a whole are those of the start and of the averages. */
const isOfConnections = (line: string): boolean =>
  line !== "" && !/^LOG (kernel file|listening|process up|stats:)/.test(line);

/** Starts one of them. Settings and further sections are as those of `Stage.pooler`. */
export async function startSide(
  name: Side["name"],
  stage: Stage,
  settings: Settings = {},
  more = "",
): Promise<Side> {
  const home = mkdtempSync(join(stage.directory, "side-"));
  if (AS.uid !== undefined) chownSync(home, AS.uid, AS.gid);
  const [host, port, file] = ["127.0.0.1", await freePort(), join(home, "log")];
  const own = { listen_port: port, unix_socket_dir: home, logfile: file };
  const ini = stage.ini({ ...own, ...settings }, more);
  if (name === "ours") {
    const pooler = await startPooler({ config: ini, quiet: true });
    return new Side({ name, stage, pooler, ini, file, stop: () => pooler.close() });
  }
  const child = spawn(PGBOUNCER, ["-q", ini], { ...AS, stdio: "ignore", cwd: "/" });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  await until(() => existsSync(file) && readFileSync(file, "utf8").includes("process up"));
  const pooler = { address: { host, port, socket: home } } as Pooler;
  const stop = async (): Promise<void> => {
    child.kill("SIGQUIT");
    await ended;
  };
  return new Side({ name, stage, pooler, ini, file, stop });
}
