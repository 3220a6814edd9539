/**
 * The program: its commands, its help, and how it ends. Each command is a file, loaded when it is the one
 * that was asked for; this one only lists them and turns whatever they throw into one line and an exit
 * status.
 */
import { Command, Help } from "commander";
import { failure } from "./failure.ts";
import { version } from "./version.ts";

/** Makes a command; `finish` is told the exit status. */
type Maker = (finish: (status: number) => void) => Command;

/** The commands by name, in the order of the help. */
const COMMANDS: Record<string, () => Promise<Maker>> = {
  simulate: async () => (await import("./simulate.ts")).simulateCommand,
  compare: async () => (await import("./compare.ts")).compareCommand,
  size: async () => (await import("./size.ts")).sizeCommand,
  sweep: async () => (await import("./sweep.ts")).sweepCommand,
  check: async () => (await import("./check.ts")).checkCommand,
  diff: async () => (await import("./diff.ts")).diffCommand,
  validate: async () => (await import("./validate.ts")).validateCommand,
  tour: async () => (await import("./validate.ts")).tourCommand,
  live: async () => (await import("./live.ts")).liveCommand,
  pooler: async () => (await import("./pooler.ts")).poolerCommand,
  replay: async () => (await import("./replay.ts")).replayCommand,
  theory: async () => (await import("./theory.ts")).theoryCommand,
  explore: async () => (await import("./explore.ts")).exploreCommand,
};

const TRY = `
Try:
  poolwise simulate workloads/storefront.yaml
  poolwise compare workloads/eleventh-client.yaml --chart modes.html
  poolwise <command> --help`;

/** Runs the program with these arguments (without node and script) and returns its exit status. */
export async function runProgram(args: readonly string[]): Promise<number> {
  let status = 0;
  try {
    const finish = (code: number): void => {
      status = code;
    };
    const program = createProgram();
    const wanted = withHelpAsOption(args);
    for (const make of await asked(wanted)) add(program, make(finish));
    await program.parseAsync(wanted, { from: "user" });
  } catch (error) {
    const ended = failure(error);
    if (ended.text !== "") process.stderr.write(`poolwise: ${ended.text}\n`);
    status = ended.status;
  }
  return status;
}

/** `help` and `help size` as what they are short for; a command that there is not is refused as ever. */
function withHelpAsOption(args: readonly string[]): readonly string[] {
  const [word, name] = args;
  if (word !== "help") return args;
  if (name === undefined || name.startsWith("-") || name === "help") return ["--help"];
  return Object.hasOwn(COMMANDS, name) ? [name, "--help"] : [name];
}

/** The command that `args` names; all of them when it names none, for help and for a guess. */
function asked(args: readonly string[]): Promise<Maker[]> {
  const named = Object.hasOwn(COMMANDS, args[0] ?? "")
    ? [args[0] as string]
    : Object.keys(COMMANDS);
  return Promise.all(named.map((name) => (COMMANDS[name] as () => Promise<Maker>)()));
}

/** The program without its commands. */
function createProgram(): Command {
  return (
    new Command("poolwise")
      .description(
        "Sizes PostgreSQL connection pools by simulation, with the scheduler of a real pooler",
      )
      .version(version(), "--version", "print the version")
      .helpOption("-h, --help", "explain a command")
      .helpCommand("help [command]", "explain a command")
      .showHelpAfterError(false)
      .exitOverride()
      // Errors are printed once, by runProgram, in one line.
      .configureOutput({ outputError: () => undefined })
      .configureHelp({ optionDescription })
      .addHelpText("after", TRY)
  );
}

const plain = new Help();

/** As commander has it, but that a repeated option has no default to speak of, and a text stands without quotes. */
const optionDescription: Help["optionDescription"] = (option) =>
  plain
    .optionDescription(option)
    .replace(/ \(default: \[\]\)$/, "")
    .replace(/ \(default: "(.*)"\)$/, " (default: $1)");

function add(program: Command, command: Command): void {
  program.addCommand(command.copyInheritedSettings(program).helpOption("-h, --help", "explain"));
}
