/** A scene as a picture: a square for each client, a box for each server, and the queue. */
import { type Film, STATES, type State } from "../../sim/study/film.ts";
import { shape } from "./dom.ts";
import type { Scene } from "./film.ts";
import { type Squares, squaresOf } from "./squares.ts";

const WIDTH = 300;
const SERVER = { width: 28, height: 20, gap: 2 };

/** Draws `film`; `show` brings the picture up to date with a scene of it. */
export class Picture {
  readonly element: SVGSVGElement;
  private readonly film: Film;
  private readonly squares: Squares;
  private readonly boxes: { box: SVGRectElement; text: SVGTextElement }[] = [];

  constructor(film: Film) {
    this.film = film;
    this.squares = squaresOf(film, WIDTH, 16);
    const perRow = Math.min(film.servers, 10);
    const serverRows = Math.ceil(film.servers / perRow);
    const top = 16 + this.squares.height + 22;
    const height = top + serverRows * (SERVER.height + SERVER.gap) + 2;
    this.element = shape("svg", { viewBox: `-1 0 ${WIDTH + 2} ${height}`, role: "img" });
    this.element.append(shape("text", { class: "label", x: 0, y: 7 }, "clients"));
    this.element.append(this.squares.element);
    this.element.append(shape("text", { class: "label", x: 0, y: top - 9 }, "server connections"));
    for (let i = 0; i < film.servers; i++)
      this.server(
        (i % perRow) * (SERVER.width + SERVER.gap),
        top + Math.floor(i / perRow) * (SERVER.height + SERVER.gap),
      );
  }

  private server(x: number, y: number): void {
    const { width, height } = SERVER;
    const box = shape("rect", { x, y, width, height, rx: 3, class: "free" });
    const text = shape("text", { x: x + width / 2, y: y + height / 2 });
    this.boxes.push({ box, text });
    this.element.append(box, text);
  }

  /** Shows a scene; `words` is the text alternative. */
  show(scene: Scene, words: string): void {
    this.element.setAttribute("aria-label", words);
    this.squares.show(scene);
    const owners = new Array<number>(this.film.servers + 1).fill(0);
    for (let client = 1; client <= this.film.clients; client++)
      owners[scene.servers[client] as number] = client;
    this.boxes.forEach(({ box, text }, i) => {
      const owner = owners[i + 1] as number;
      const state = owner === 0 ? "free" : (scene.states[owner] as State);
      if (box.getAttribute("class") !== state) box.setAttribute("class", state);
      const label = owner === 0 ? "" : String(owner);
      if (text.textContent !== label) text.textContent = label;
    });
  }
}

/** The colours' meanings, in the order of the states. */
export function swatches(words: Readonly<Record<State, string>>): HTMLElement {
  const legend = document.createElement("div");
  legend.className = "legend panel";
  for (const state of STATES) {
    const square = shape("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" });
    square.append(shape("rect", { x: 0.5, y: 0.5, width: 9, height: 9, class: state }));
    const entry = document.createElement("span");
    entry.append(square, words[state]);
    legend.append(entry);
  }
  return legend;
}
