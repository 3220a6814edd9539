/** Socket activation: the pooler listens on sockets that who starts it has opened. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { passedSockets } from "../../engine/pooler/sockets/activation.ts";
import { statusOf } from "../../engine/pooler/system/service.ts";
import { freePort } from "../../sim/study/live/pooler-process.ts";
import { Stage, until } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(() => stage.close());

/** LISTEN_PID, LISTEN_FDS, which descriptors, and why. Source: sd_listen_fds(3). */
const CASES = [
  ["7", "2", [3, 4], "from three on"],
  ["8", "2", [], "they were for somebody else"],
  ["7", "0", [], "none"],
  ["7", "two", [], "no number"],
  ["", "", [], "not started by systemd"],
] as const;
for (const [LISTEN_PID, LISTEN_FDS, want, why] of CASES) {
  test(`LISTEN_PID=${LISTEN_PID} LISTEN_FDS=${LISTEN_FDS}: ${why}`, () => {
    expect(passedSockets({ LISTEN_PID, LISTEN_FDS }, 7)).toEqual(want);
  });
}

test("the status for systemd has the figures of the log, with micros of their own", () => {
  expect(statusOf("stats: 1 xacts/s, xact 5 us, wait 7 us")).toBe(
    "STATUS=stats: 1 xacts/s, xact 5 μs, wait 7 μs",
  );
});

/** Opens a TCP socket and a Unix socket as descriptors 3 and 4, and becomes the program that is named. */
const OPENER = `use Socket; use POSIX; $^F = 99; my ($port, $path, @program) = @ARGV;
  socket(my $tcp, AF_INET, SOCK_STREAM, 0) or die; setsockopt($tcp, SOL_SOCKET, SO_REUSEADDR, 1);
  bind($tcp, pack_sockaddr_in($port, INADDR_LOOPBACK)) or die; listen($tcp, 9) or die;
  socket(my $unix, AF_UNIX, SOCK_STREAM, 0) or die;
  bind($unix, pack_sockaddr_un($path)) or die; listen($unix, 9) or die;
  my @files = map { fcntl($_, 0, 20) } ($tcp, $unix); POSIX::dup2($files[$_], 3 + $_) for (0, 1);
  $ENV{LISTEN_PID} = $$; $ENV{LISTEN_FDS} = 2; exec @program;`;
const perl = spawnSync("perl", ["-MSocket", "-MPOSIX", "-e", "1"]).status === 0;

/** Starts the pooler with both sockets. */
function activate(port: number, path: string, ini: string): ChildProcess & { said: () => string } {
  const program = [process.execPath, "--import", "tsx", resolve("engine/pooler/pgbouncer.ts"), ini];
  const child = spawn("perl", ["-e", OPENER, String(port), path, ...program], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr?.on("data", (chunk) => {
    said += chunk;
  });
  return Object.assign(child, { said: () => said });
}

async function answer(host: string, port: number): Promise<string | undefined> {
  const { user } = stage.database;
  const client = new pg.Client({ host, port, user, database: "app" });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return (await client.query("select 'yes' as here")).rows[0].here;
  } catch {
    return undefined;
  } finally {
    await client.end().catch(() => undefined);
  }
}

test.runIf(perl)(
  "sockets that were passed are listened on, and are not removed at the end",
  async () => {
    const [port, own] = [await freePort(), await freePort()];
    const path = join(stage.directory, ".s.PGSQL.1234");
    const pooler = activate(port, path, stage.ini({ listen_port: own }));
    await until(
      () => pooler.said().includes("process up") || pooler.exitCode !== null,
      () => pooler.said(),
    );
    expect(await answer("127.0.0.1", port)).toBe("yes");
    expect(await answer(stage.directory, 1234)).toBe("yes");
    expect(await answer("127.0.0.1", own)).toBeUndefined();
    expect(existsSync(join(stage.directory, `.s.PGSQL.${own}`))).toBe(false);
    const lines = pooler.said().match(/(?<=\] )(WARNING|LOG) .*(passed|listening).*/g);
    expect(lines).toEqual([
      "WARNING sockets passed from service manager, cf_listen_addr ignored",
      "WARNING sockets passed from service manager, cf_unix_socket_dir ignored",
      "LOG socket passed from service manager (fd 3)",
      "LOG socket passed from service manager (fd 4)",
    ]);
    pooler.kill("SIGQUIT");
    await until(() => pooler.exitCode !== null);
    expect(pooler.exitCode).toBe(0);
    expect(existsSync(path)).toBe(true);
  },
);

test.runIf(perl)("a descriptor that is no socket ends the start with its number", async () => {
  const path = join(stage.directory, ".s.PGSQL.1235");
  const program = [process.execPath, "--import", "tsx", resolve("engine/pooler/pgbouncer.ts")];
  const opener = `$ENV{LISTEN_PID} = $$; $ENV{LISTEN_FDS} = 1; $^F = 99;
    open(my $file, ">", shift @ARGV); exec @ARGV;`;
  const child = spawnSync("perl", ["-e", opener, path, ...program, stage.ini()]);
  expect(child.stderr.toString()).toContain(
    "failed to set up socket passed from service manager (fd 3)",
  );
  expect(child.status).toBe(1);
});
