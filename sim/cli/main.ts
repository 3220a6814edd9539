#!/usr/bin/env node
/** The bin `poolwise`. The exit status is set, not forced, so that a long result is written out first. */
import { tolerateClosedPipes } from "./output.ts";
import { runProgram } from "./program.ts";

tolerateClosedPipes();
process.exitCode = await runProgram(process.argv.slice(2));
