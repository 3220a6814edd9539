/** The clients of a film as squares in rows: with their numbers where there is room, else as a crowd. */
import { type Film, STATES, type State } from "../../sim/study/film.ts";
import { shape } from "./dom.ts";
import type { Scene } from "./film.ts";

/** From this size on a square has room for its number. */
const LEGIBLE = 15;
/** Part of its place that a square fills. */
const FILLED = 0.86;

/** The squares in a picture; `show` colours them as in a scene of the film. */
export interface Squares {
  element: SVGGElement;
  height: number;
  show(scene: Scene): void;
}

/** Where a square stands. */
interface Place {
  x: number;
  y: number;
}

/** Squares for all clients of `film`, from `top` on, in rows of `width`. */
export function squaresOf({ clients }: Film, width: number, top: number): Squares {
  const columns = Math.max(Math.min(clients, 12), Math.ceil(Math.sqrt(clients * 1.6)));
  const size = Math.min(24, width / columns);
  const places = Array.from({ length: clients }, (_, i) => ({
    x: (i % columns) * size,
    y: top + Math.floor(i / columns) * size,
  }));
  const made = size < LEGIBLE ? crowd(places, size * FILLED) : few(places, size * FILLED);
  return { ...made, height: Math.ceil(clients / columns) * size };
}

type Made = Omit<Squares, "height">;

/** An element for each, and its number. */
function few(places: readonly Place[], side: number): Made {
  const element = shape("g", { class: places.length > 99 ? "few tight" : "few" });
  const squares = places.map(({ x, y }, i) => {
    const square = shape("rect", { x, y, width: side, height: side, class: "away" });
    element.append(square, shape("text", { x: x + side / 2, y: y + side / 2 }, `${i + 1}`));
    return square;
  });
  const shown = places.map((): State => "away");
  const show = ({ states }: Scene): void => {
    squares.forEach((square, i) => {
      const state = states[i + 1] as State;
      if (state !== shown[i]) square.setAttribute("class", state);
      shown[i] = state;
    });
  };
  return { element, show };
}

/** One shape for all in a state: thousands of elements would keep a slider waiting. */
function crowd(places: readonly Place[], side: number): Made {
  const [wide, back] = [side, -side].map((length) => length.toFixed(2));
  const squares = places.map(
    ({ x, y }) => `M${x.toFixed(2)} ${y.toFixed(2)}h${wide}v${wide}h${back}z`,
  );
  const shapes = STATES.map((state) => shape("path", { class: state }));
  const shown = STATES.map(() => "");
  const show = ({ states }: Scene): void => {
    const paths = STATES.map(() => "");
    squares.forEach((square, i) => {
      paths[STATES.indexOf(states[i + 1] as State)] += square;
    });
    paths.forEach((path, i) => {
      if (path !== shown[i]) shapes[i]?.setAttribute("d", path);
      shown[i] = path;
    });
  };
  return { element: shape("g", { class: "crowd" }, ...shapes), show };
}
