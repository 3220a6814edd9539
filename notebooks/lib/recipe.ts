/** The workload file of a page and the command that repeats it outside the browser. */
import { element } from "./dom.ts";
import { type Load, yamlOf } from "./loads.ts";

/** Folded away: for those who want to go on with the real command. */
export function recipe(load: Load, command: string): HTMLElement {
  return recipeOf(yamlOf(load), load.name, command);
}

/** The same for a workload file that is written already. */
export function recipeOf(yaml: string, name: string, command: string): HTMLElement {
  return element(
    "details",
    { class: "recipe" },
    element("summary", {}, "The same on a command line"),
    element("p", {}, `Save this as ${name}.yaml, then run:`),
    element("pre", {}, `poolwise ${command} ${name}.yaml`),
    element("pre", { class: "yaml" }, yaml),
  );
}
