/**
 * The program: its commands, its help, and how it ends. Each command is a file; this one only lists
 * them and turns whatever they throw into one line and an exit status.
 */
import { Command } from "commander";
import { checkCommand } from "./check.ts";
import { compareCommand } from "./compare.ts";
import { diffCommand } from "./diff.ts";
import { exploreCommand } from "./explore.ts";
import { failure } from "./failure.ts";
import { liveCommand } from "./live.ts";
import { poolerCommand } from "./pooler.ts";
import { replayCommand } from "./replay.ts";
import { simulateCommand } from "./simulate.ts";
import { sizeCommand } from "./size.ts";
import { sweepCommand } from "./sweep.ts";
import { theoryCommand } from "./theory.ts";
import { tourCommand, validateCommand } from "./validate.ts";
import { version } from "./version.ts";

const TRY = `
Try:
  poolwise simulate workloads/storefront.yaml
  poolwise compare workloads/eleventh-client.yaml --chart modes.html
  poolwise <command> --help`;

/** Runs the program with these arguments (without node and script) and returns its exit status. */
export async function runProgram(args: readonly string[]): Promise<number> {
  let status = 0;
  try {
    const program = createProgram((code) => {
      status = code;
    });
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    const ended = failure(error);
    if (ended.text !== "") process.stderr.write(`poolwise: ${ended.text}\n`);
    status = ended.status;
  }
  return status;
}

/** The commands; `finish` is told the exit status of the one that ran. */
export function createProgram(finish: (status: number) => void): Command {
  const program = new Command("poolwise")
    .description(
      "Sizes PostgreSQL connection pools by simulation, with the scheduler of a real pooler",
    )
    .version(version(), "--version", "print the version")
    .helpOption("--help", "explain a command")
    .helpCommand(false)
    .showHelpAfterError(false)
    .exitOverride()
    // Errors are printed once, by runProgram, in one line.
    .configureOutput({ outputError: () => undefined })
    .addHelpText("after", TRY);
  for (const command of [
    simulateCommand,
    compareCommand,
    sizeCommand,
    sweepCommand,
    checkCommand,
    diffCommand,
    validateCommand,
    tourCommand,
    liveCommand,
    poolerCommand,
    replayCommand,
    theoryCommand,
    exploreCommand,
  ]) {
    const made = command(finish).copyInheritedSettings(program);
    // The pooler's short options are PgBouncer's; the other commands keep theirs free.
    program.addCommand(
      made.helpOption(made.name() === "pooler" ? "-h, --help" : "--help", "explain"),
    );
  }
  return program;
}
