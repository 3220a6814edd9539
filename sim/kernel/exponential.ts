/**
 * Exponential numbers by the ziggurat method with 256 layers. Source: G. Marsaglia, W. W. Tsang, "The
 * ziggurat method for generating random variables", Journal of Statistical Software 5 (8), 2000.
 */
import type { Stream } from "./streams.ts";

const LAYERS = 256;
/** Right edge of the lowest layer, and the area of each. */
const EDGE = 7.69711747013105;
const AREA = 3.949659822581557e-3;
const WORDS = 2 ** 32;

/** Words below it are in the safe part of their layer. */
const limit = new Uint32Array(LAYERS);
const width = new Float64Array(LAYERS);
const height = new Float64Array(LAYERS);
/** A result from outside. */
const far = new Float64Array(1);

function build(): void {
  let edge = EDGE;
  let before = EDGE;
  const base = AREA / Math.exp(-edge);
  limit[0] = (edge / base) * WORDS;
  limit[1] = 0;
  width[0] = base / WORDS;
  width[LAYERS - 1] = edge / WORDS;
  height[0] = 1;
  height[LAYERS - 1] = Math.exp(-edge);
  for (let layer = LAYERS - 2; layer >= 1; layer--) {
    edge = -Math.log(AREA / edge + Math.exp(-edge));
    limit[layer + 1] = (edge / before) * WORDS;
    before = edge;
    height[layer] = Math.exp(-edge);
    width[layer] = edge / WORDS;
  }
}
build();

/** An exponential number of mean 1 for the `draw`-th draw of `client`. */
export function exponential(stream: Stream, client: number, draw: number, part: number): number {
  const word = stream.word(client, draw, part) >>> 0;
  const layer = word & 255;
  if (word < (limit[layer] as number)) return word * (width[layer] as number);
  // By way of an array: V8 would put every result on the heap, if one came out of a call.
  far[0] = outside(stream, client, draw, part, word);
  return far[0];
}

/** One in fifty: beyond the layer's safe part. Further words come from parts that nobody else uses. */
function outside(
  stream: Stream,
  client: number,
  draw: number,
  part: number,
  first: number,
): number {
  let word = first;
  for (let attempt = 1; ; attempt++) {
    const layer = word & 255;
    const more = part + attempt * 0x10000;
    if (layer === 0) return EDGE - Math.log(stream.uniform(client, draw, more));
    const x = word * (width[layer] as number);
    const low = height[layer] as number;
    const high = height[layer - 1] as number;
    const y = low + stream.uniform(client, draw, more) * (high - low);
    if (y < Math.exp(-x)) return x;
    word = stream.word(client, draw, more + 0x8000) >>> 0;
    if (word < (limit[word & 255] as number)) return word * (width[word & 255] as number);
  }
}
