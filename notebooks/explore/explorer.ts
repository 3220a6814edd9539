/** The page at work: whatever a reader turns, the command changes at once and the answer follows. */
import { parse } from "yaml";
import type { Given } from "../../sim/study/given.ts";
import type { Point } from "../../sim/study/points.ts";
import { gridOf, parseVary } from "../../sim/study/sweep.ts";
import { parseWorkload, type Workload } from "../../workloads/schema/load.ts";
import { element, trouble } from "../lib/dom.ts";
import { give } from "../lib/files.ts";
import { textBox } from "../lib/inputs.ts";
import { bookmarkOf, stateFrom } from "./bookmark.ts";
import { type Control, control, panel } from "./controls.ts";
import type { Answer, Job, Said } from "./explore.worker.ts";
import { knobsOf } from "./knobs.ts";
import { copied, questions, status } from "./parts.ts";
import { reportOf, shown } from "./results.ts";
import { Runner } from "./runner.ts";
import {
  commandLine,
  fileWith,
  initialOf,
  leftAlone,
  overridesOf,
  replicationsOf,
  type State,
  varyOf,
} from "./state.ts";

/** Milliseconds of rest after which a moved slider counts. */
const REST = 150;

/** The page of one workload. */
export class Explorer {
  private readonly main: HTMLElement;
  private readonly given: Given;
  private readonly controls: readonly Control[];
  private readonly runner = new Runner();
  private readonly status = status();
  private readonly command = copied("The same on a command line", "command");
  private readonly file = copied("The same as a workload file", "file");
  private readonly results = element("section", { class: "results", "aria-label": "Results" });
  private state: State;
  private timer = 0;
  /** Number of the latest job: what belongs to an earlier one is not shown. */
  private latest = 0;
  /** Number of the latest answer on the page: a draft, and the answer after it, are two of one job. */
  private answers = 0;

  constructor(main: HTMLElement, given: Given) {
    this.main = main;
    this.given = given;
    give(given.files);
    const workload = parseWorkload(given.text, given.file);
    const knobs = knobsOf(parse(given.text), workload);
    this.state = stateFrom(location.hash.slice(1), knobs);
    this.controls = knobs.map((knob) => control(knob, (value) => this.turn(knob.key, value)));
    document.title = `${workload.name}: poolwise explore`;
  }

  /** Builds the page and asks the first question. */
  start(): void {
    const asked = questions(this.state.question, (question) => this.become({ question }));
    const further = "Further changes, KEY=VALUE as for --set, one a line (Ctrl+Enter)";
    const more = textBox(further, this.state.more.join("\n"), 3);
    more.addEventListener("input", () => this.become({ more: linesOf(more.value) }));
    const reset = element("button", { type: "button" }, "Sliders as in the file");
    reset.addEventListener("click", () => this.become({ turned: new Map() }));
    this.main.append(
      element("h1", {}, `Explore ${this.given.typed}`),
      element("p", {}, "Everything is simulated in this page; nothing leaves it."),
      element(
        "div",
        { class: "explore" },
        element("aside", { "aria-label": "Knobs" }, reset, panel(this.controls), more),
        element("div", {}, asked, ...this.answer()),
      ),
    );
    this.become({});
  }

  private answer(): HTMLElement[] {
    return [this.command.element, this.status.element, this.results, this.file.element];
  }

  private turn(key: string, value: string): void {
    const turned = new Map(this.state.turned);
    const knob = this.controls.find((each) => each.knob.key === key)?.knob;
    if (knob === undefined || value === initialOf(knob)) turned.delete(key);
    else turned.set(key, value);
    this.become({ turned });
  }

  private become(change: Partial<State>): void {
    this.state = { ...this.state, ...change };
    const { turned, question } = this.state;
    for (const { knob, show, able } of this.controls) {
      show(turned.get(knob.key) ?? initialOf(knob));
      able(question === "sweep" || !leftAlone(question, knob.key));
    }
    this.latest++;
    history.replaceState(null, "", `#${bookmarkOf(this.state)}`);
    this.results.setAttribute("aria-busy", "true");
    this.status.say("running", 0, "");
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.ask(), REST);
  }

  private ask(): void {
    const { state, latest } = this;
    const vary = varyOf(
      this.controls.map(({ knob }) => knob),
      state,
    );
    try {
      const points = state.question === "sweep" ? gridOf([parseVary(vary)]) : [];
      const workloads = this.workloads(points);
      this.command.show(commandLine(this.given.typed, state, vary));
      this.file.show(fileWith(this.given.text, state));
      const { question } = state;
      const job: Job = { question, workloads, points, replications: replicationsOf(state) };
      this.runner.run(job, (said) => this.hear(said, latest, job));
    } catch (error) {
      this.runner.stop();
      this.refuse(error instanceof Error ? error.message : String(error));
    }
  }

  /** The workload of each point; without points, the one. Errors: ConfigError. */
  private workloads(points: readonly Point[]): Workload[] {
    const overrides = overridesOf(this.state);
    const { text, file } = this.given;
    const loaded = (assignments: readonly string[]): Workload =>
      parseWorkload(text, file, { ...overrides, set: [...(overrides.set ?? []), ...assignments] });
    if (points.length === 0) return [loaded([])];
    return points.map((point) =>
      loaded(Object.entries(point).map(([key, value]) => `${key}=${value}`)),
    );
  }

  private hear(said: Said, number: number, job: Job): void {
    if (number !== this.latest) return;
    if (said.kind === "progress") this.status.say("running", said.share, "");
    else if (said.kind === "error") this.refuse(said.message);
    else this.show(said.answer, said.kind === "draft", number, job);
  }

  private async show(answer: Answer, draft: boolean, number: number, job: Job): Promise<void> {
    const [workload] = job.workloads as [Workload];
    const head = {
      poolwise: this.given.poolwise,
      command: job.question,
      workload: workload.name,
      seed: workload.run.seed,
      precision: workload.run.precision,
    };
    const report = reportOf(job.question, { ...head, ...answer }, job.points);
    const { elements, draw } = shown(report, [...this.results.querySelectorAll("figure")]);
    this.results.replaceChildren(...elements);
    const place = ++this.answers;
    await draw(() => number !== this.latest || place !== this.answers);
    if (number !== this.latest || place !== this.answers) return;
    this.results.setAttribute("aria-busy", String(draft));
    if (draft) this.status.say("running", 0, "a first sketch of few replications");
    else this.status.say("done", 1, `${job.replications} replications`);
  }

  private refuse(message: string): void {
    const words = message.replaceAll(this.given.file, this.given.typed);
    this.results.replaceChildren(trouble(words));
    this.results.setAttribute("aria-busy", "false");
    this.status.say("failed", 1, "");
  }
}

const linesOf = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
