/**
 * The static check of the notebooks: the cells of each are put together to one TypeScript module, in their
 * order, and given to the compiler: undefined and doubly defined names, wrong types, unused imports. Cells
 * stand in the order in which they need each other, so that a notebook can be read from top to bottom.
 */
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseTemplate, transpile } from "@observablehq/notebook-kit";
import ts from "typescript";

const FOLDER = fileURLToPath(new URL("./", import.meta.url));
const CELL = /^ {2}<script id="(\d+)" type="([^"]+)"( pinned)?>\n([\s\S]*?)\n {2}<\/script>$/gm;
const MODES = { "text/markdown": "md", "text/x-typescript": "ts" } as const;

/** A cell as it stands in the file. */
interface Cell {
  id: number;
  type: string;
  value: string;
  /** Line of the file on which `value` begins, from 1. */
  line: number;
}

/** A module made of cells, and the line of the notebook from which each of its lines comes. */
interface Module {
  text: string;
  lines: number[];
}

/**
 * Checks notebooks, given as texts by file name, and with `whole` their library too; returns the
 * problems, one line each.
 */
export function checkNotebooks(
  notebooks: Readonly<Record<string, string>>,
  whole = false,
): string[] {
  const modules = new Map<string, Module>();
  const problems: string[] = [];
  for (const [name, text] of Object.entries(notebooks)) {
    problems.push(...formProblems(name, text));
    modules.set(join(FOLDER, name.replace(/\.html$/, ".cells.ts")), moduleOf(cellsOf(text)));
  }
  return [...problems, ...typeProblems(modules, whole)];
}

function cellsOf(text: string): Cell[] {
  return [...text.matchAll(CELL)].map((match) => ({
    id: Number(match[1]),
    type: match[2] as string,
    value: match[4] as string,
    line: text.slice(0, match.index).split("\n").length + 1,
  }));
}

/** What the compiler would not see: cells in another form than ours, and names that the kit refuses. */
function formProblems(name: string, text: string): string[] {
  const cells = cellsOf(text);
  const scripts = text.match(/<script\b/g)?.length ?? 0;
  const problems: string[] = [];
  if (scripts !== cells.length)
    problems.push(`${name}: ${scripts} script elements, ${cells.length} cells of our form`);
  for (const [index, { id, type, value, line }] of cells.entries()) {
    const at = `${name}:${line}`;
    if (id !== index + 1) problems.push(`${at}: cell ${id} is number ${index + 1}`);
    if (!(type in MODES)) {
      problems.push(`${at}: cell of type ${type}; expected ${Object.keys(MODES).join(" | ")}`);
      continue;
    }
    try {
      const mode = MODES[type as keyof typeof MODES];
      transpile({ id, mode, value, pinned: false, hidden: false } as never);
    } catch (error) {
      problems.push(`${at}: ${(error as Error).message}`);
    }
  }
  return problems;
}

function moduleOf(cells: readonly Cell[]): Module {
  const texts: string[] = [];
  const lines: number[] = [];
  const add = (text: string, line: number): void => {
    text.split("\n").forEach((part, i) => {
      texts.push(part);
      lines.push(line + i);
    });
  };
  for (const { type, value, line } of cells) {
    if (type === "text/x-typescript") add(`${value};`, line);
    else for (const [text, offset] of expressions(value)) add(`void (${text});`, line + offset);
  }
  return { text: `${texts.join("\n")}\nexport {};\n`, lines };
}

/** What stands in `${}` in a Markdown cell, with the line of the cell. */
function expressions(markdown: string): [text: string, line: number][] {
  return parseTemplate(markdown).expressions.map(({ start, end }) => [
    markdown.slice(start, end),
    markdown.slice(0, start).split("\n").length - 1,
  ]);
}

function typeProblems(modules: ReadonlyMap<string, Module>, whole: boolean): string[] {
  const config = ts.readConfigFile(join(FOLDER, "tsconfig.json"), ts.sys.readFile).config;
  const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, FOLDER);
  const own = whole ? fileNames : [join(FOLDER, "globals.d.ts")];
  const program = ts.createProgram([...own, ...modules.keys()], options, hostOf(modules, options));
  return [...own, ...modules.keys()].flatMap((file) => {
    const source = program.getSourceFile(file);
    const syntax = program.getSyntacticDiagnostics(source);
    const found = syntax.length > 0 ? syntax : program.getSemanticDiagnostics(source);
    return found.map((each) => problemOf(file, modules.get(file), each));
  });
}

/** The compiler's host, to which the modules are files like others. */
function hostOf(
  modules: ReadonlyMap<string, Module>,
  options: ts.CompilerOptions,
): ts.CompilerHost {
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  return {
    ...host,
    fileExists: (file) => modules.has(file) || fileExists(file),
    readFile: (file) => modules.get(file)?.text ?? readFile(file),
    getSourceFile: (file, version, ...rest) => {
      const text = modules.get(file)?.text;
      if (text === undefined) return getSourceFile(file, version, ...rest);
      return ts.createSourceFile(file, text, version);
    },
  };
}

function problemOf(file: string, module: Module | undefined, found: ts.Diagnostic): string {
  const { start = 0, messageText } = found;
  const before = (module?.text ?? found.file?.text ?? "").slice(0, start).split("\n").length;
  const line = module === undefined ? before : module.lines[before - 1];
  const name = relative(FOLDER, file).replace(/\.cells\.ts$/, ".html");
  return `${name}:${line}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { NOTEBOOKS } = await import("./vite.config.ts");
  const texts = NOTEBOOKS.map((name) => [name, readFileSync(join(FOLDER, name), "utf8")]);
  const problems = checkNotebooks(Object.fromEntries(texts), true);
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
  else console.error(`${NOTEBOOKS.length} notebooks: names and types of their cells are in order`);
}
