/** The page of `poolwise explore`: knobs on one side, the answer beside them, the command below. */
import "../lib/style.css";
import "./style.css";
import type { Broken, Given } from "../../sim/study/given.ts";
import { element, trouble } from "../lib/dom.ts";
import { Explorer } from "./explorer.ts";

const main = document.querySelector("main") as HTMLElement;
const text = document.querySelector("#given")?.textContent ?? "null";
const given = JSON.parse(text) as Given | Broken | null;

if (given === null) main.append(trouble("this page is served by: poolwise explore WORKLOAD"));
else if ("problem" in given) {
  const again = element("p", {}, "Load this page again once the file is mended.");
  main.append(trouble(given.problem), again);
} else new Explorer(main, given).start();
