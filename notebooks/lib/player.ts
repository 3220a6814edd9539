/** Films side by side under one set of controls: play, pause, step, back to the start, any moment. */
import type { Nanos } from "../../engine/core/index.ts";
import { duration, whole } from "../../sim/report/units.ts";
import type { Film } from "../../sim/study/film.ts";
import { element } from "./dom.ts";
import { Scene } from "./film.ts";
import { score, step, summary, WORDS } from "./narration.ts";
import { Picture, swatches } from "./picture.ts";

/** Simulated time in one second of the reader's, by what the reader calls it. */
const SPEEDS = [
  ["20 times slower", 0.05],
  ["5 times slower", 0.2],
  ["as it is", 1],
  ["3 times faster", 3],
] as const;
/** Positions of the slider over the film. */
const TICKS = 1000;
/** Waiting clients that are named; the rest are counted. */
const NAMED = 8;

/** A moment worth a button of its own. */
export interface Mark {
  name: string;
  at: Nanos;
}

/** The player of `films`, which should be of the same load. `over`: the cell's `invalidation`. */
export function player(
  films: readonly Film[],
  over: Promise<unknown>,
  speed = 1,
  marks: readonly Mark[] = [],
): HTMLElement {
  const made = new Player(films, speed, marks);
  over.then(() => made.pause());
  return made.element;
}

function button(text: string, action: () => void): HTMLButtonElement {
  const made = element("button", { type: "button" }, text);
  made.addEventListener("click", action);
  return made;
}

class Player {
  readonly element: HTMLElement;
  private readonly panels: Panel[];
  private readonly length: Nanos;
  private at: Nanos = 0;
  /** Identifies the running animation; 0: paused. */
  private frame = 0;
  private readonly play = element("button", { type: "button" }, "Play");
  private readonly position = element("input", {
    type: "range",
    min: "0",
    max: `${TICKS}`,
    value: "0",
  });
  private readonly clock = element("output", {}, "0 ms");
  private readonly speeds = element("select", { "aria-label": "speed" });

  constructor(films: readonly Film[], speed: number, marks: readonly Mark[]) {
    this.length = Math.max(...films.map((film) => film.length));
    this.panels = films.map((film) => new Panel(film));
    const panels = this.panels.map((panel) => panel.element);
    this.element = element(
      "div",
      { class: "player" },
      this.bar(speed, marks),
      element("div", { class: "panels" }, ...panels),
      swatches(WORDS),
    );
    this.seek(0);
  }

  private bar(speed: number, marks: readonly Mark[]): HTMLElement {
    this.play.addEventListener("click", () => (this.frame === 0 ? this.start() : this.pause()));
    for (const [name, factor] of SPEEDS)
      this.speeds.append(element("option", { value: `${factor}` }, name));
    this.speeds.value = String(speed);
    this.position.setAttribute("aria-label", "moment of the film");
    this.position.addEventListener("input", () => {
      this.pause();
      this.seek((this.position.valueAsNumber / TICKS) * this.length);
    });
    const bar = element("div", { class: "player-bar" }, this.play);
    bar.append(button("Step", () => this.step()));
    for (const { name, at } of marks) bar.append(button(name, () => this.jump(at)));
    bar.append(button("Back to start", () => this.jump(0)));
    bar.append(this.speeds, this.position, this.clock);
    return bar;
  }

  pause(): void {
    if (this.frame !== 0) cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.play.textContent = "Play";
    for (const panel of this.panels) panel.hush(false);
  }

  private start(): void {
    if (this.at >= this.length) this.seek(0);
    this.play.textContent = "Pause";
    for (const panel of this.panels) panel.hush(true);
    let last = performance.now();
    const move = (now: number): void => {
      const passed = (now - last) * 1e6 * Number(this.speeds.value);
      last = now;
      this.seek(Math.min(this.length, this.at + passed));
      if (this.at >= this.length || !this.element.isConnected) this.pause();
      else this.frame = requestAnimationFrame(move);
    };
    this.frame = requestAnimationFrame(move);
  }

  /** To a moment, and what happens in it. */
  private jump(time: Nanos): void {
    this.pause();
    this.seek(Math.max(0, time - 1));
    if (time > 0) this.step();
  }

  /** To the next moment at which anything changes in any of the films. */
  private step(): void {
    this.pause();
    const next = Math.min(...this.panels.map((panel) => panel.next ?? Number.POSITIVE_INFINITY));
    if (next > this.length) return;
    for (const panel of this.panels) panel.step(next);
    this.moved(next);
  }

  private seek(time: Nanos): void {
    for (const panel of this.panels) panel.seek(time);
    this.moved(time);
  }

  private moved(time: Nanos): void {
    this.at = time;
    this.position.value = String(Math.round((time / this.length) * TICKS));
    const text = duration(time / 1e6);
    this.clock.textContent = text;
    this.position.setAttribute("aria-valuetext", text);
  }
}

/** One film. */
class Panel {
  readonly element: HTMLElement;
  private readonly film: Film;
  private readonly picture: Picture;
  private scene: Scene;
  private readonly state = element("p", { class: "state" });
  private readonly queue = element("p", { class: "queue" });
  private readonly score = element("p", { class: "score" });
  private readonly event = element("p", { class: "event", "aria-live": "polite" });

  constructor(film: Film) {
    this.film = film;
    this.picture = new Picture(film);
    this.scene = new Scene(film);
    const title = element("h3", {}, `${film.pool_mode} mode`);
    this.element = element(
      "section",
      { class: "panel", "data-mode": film.pool_mode, "aria-label": `${film.pool_mode} mode` },
      title,
      this.picture.element,
      this.state,
      this.queue,
      this.score,
      this.event,
    );
  }

  get next(): Nanos | undefined {
    return this.scene.next;
  }

  /** While the film plays nobody can listen to every event. */
  hush(quiet: boolean): void {
    this.event.setAttribute("aria-live", quiet ? "off" : "polite");
  }

  seek(time: Nanos): void {
    if (time < this.scene.at) this.scene = new Scene(this.film);
    this.scene.advance(time);
    this.event.textContent = "";
    this.show();
  }

  step(time: Nanos): void {
    this.event.textContent =
      this.scene.next === time ? step(this.scene).join(" ") : "Nothing happens here.";
    this.scene.advance(time);
    this.show();
  }

  private show(): void {
    const words = summary(this.scene);
    this.picture.show(this.scene, words);
    this.state.textContent = words;
    this.score.textContent = score(this.scene);
    const { queue } = this.scene;
    const more = queue.length > NAMED ? ` and ${whole(queue.length - NAMED)} more` : "";
    const named = queue.slice(0, NAMED).join(", ");
    this.queue.textContent =
      queue.length === 0 ? "Queue: empty." : `Queue, by number: ${named}${more}.`;
  }
}
