/** Lines for the system's log, as its socket gets them. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { hasLibc } from "../../engine/pooler/system/libc.ts";
import { Log } from "../../engine/pooler/system/log.ts";
import { Syslog } from "../../engine/pooler/system/syslog.ts";
import { textOf } from "../../engine/wire/text.ts";
import { until } from "./stage.ts";

/** Prints the datagrams that come to a Unix socket, a line each. */
const LISTENER = `use Socket; socket(my $s, AF_UNIX, SOCK_DGRAM, 0); bind($s, pack_sockaddr_un($ARGV[0]));
  $| = 1; print "open\\n"; while (defined recv($s, my $text, 4096, 0)) { $text =~ s/\\n/ /g; print "$text\\n" }`;
const perl = spawnSync("perl", ["-MSocket", "-e", "1"]).status === 0;

test.runIf(perl && hasLibc())(
  "facility, gravity, name and process, byte for byte; nothing for debugging",
  async () => {
    const directory = mkdtempSync(join(tmpdir(), "pws-"));
    const socket = join(directory, "log");
    const listener = spawn("perl", ["-e", LISTENER, socket]);
    let heard = "";
    listener.stdout.setEncoding("latin1").on("data", (chunk) => {
      heard += chunk;
    });
    await until(() => heard === "open\n");
    const log = new Log(true);
    log.verbose = 1;
    log.system = new Syslog("local3", "pool", socket);
    log.write("DEBUG", "not this");
    log.write("LOG", "two\nlines", "C-0x1: a/b@unix:1");
    log.system = new Syslog("nonsense", "pool", socket);
    log.write("WARNING", textOf(Buffer.from("josé", "latin1")));
    log.write("WARNING", "three");
    await until(() => heard.includes("three"));
    listener.kill();
    rmSync(directory, { recursive: true });
    const stamps = heard.replaceAll(/[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d/g, "STAMP");
    expect(stamps.replaceAll(`[${process.pid}]`, "[PID]").split("\n")).toEqual([
      "open",
      "<158>STAMP pool[PID]: C-0x1: a/b@unix:1 two \tlines",
      "<28>STAMP pool[PID]: josé",
      "<28>STAMP pool[PID]: three",
      "",
    ]);
  },
);

test("verbose below 0 is as 0: a log that says nothing would help nobody", () => {
  const log = new Log();
  log.verbose = -5;
  expect([log.logs("LOG"), log.logs("DEBUG")]).toEqual([true, false]);
});

test("a system without such a log loses the lines, and nothing else happens", () => {
  new Syslog("daemon", "pool", "/nowhere/log").write("LOG", "x", new Date());
});
