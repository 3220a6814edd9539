/** Colours as people see them: contrast, and how far apart two of them are for each kind of sight. */

/** Kinds of sight: the usual one, and without one of the three kinds of cones. */
export const SIGHTS = ["normal", "protanopia", "deuteranopia", "tritanopia"] as const;
type Sight = (typeof SIGHTS)[number];

type Triple = readonly [number, number, number];
type Matrix = readonly [Triple, Triple, Triple];

/**
 * On linear RGB. Source: G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, "A Physiologically-based Model for
 * Simulation of Color Vision Deficiency", IEEE TVCG 15(6), 2009, table of matrices, severity 1.0.
 */
const SEEN: Readonly<Record<Sight, Matrix>> = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

/** Linear RGB of `#rrggbb`, `rgb(r, g, b)` or `white`. Errors: RangeError for another notation. */
function linear(colour: string): Triple {
  const text = colour === "white" ? "#ffffff" : colour;
  const hex = /^#(\w\w)(\w\w)(\w\w)$/.exec(text)?.slice(1);
  const parts = hex?.map((each) => Number.parseInt(each, 16)) ?? text.match(/\d+/g)?.map(Number);
  if (parts?.length !== 3) throw new RangeError(`no colour: ${colour}`);
  const [r = 0, g = 0, b = 0] = parts.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return [r, g, b];
}

const dot = (a: Triple, b: Triple): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const LUMINANCE: Triple = [0.2126, 0.7152, 0.0722];

/** WCAG 2.2's contrast ratio, 1 to 21. */
export function contrast(a: string, b: string): number {
  const [x, y] = [a, b].map((colour) => dot(LUMINANCE, linear(colour)) + 0.05) as [number, number];
  return Math.max(x, y) / Math.min(x, y);
}

/** How far apart two colours look: the distance in CIELAB (CIE 1976), white being D65. */
export function difference(a: string, b: string, sight: Sight): number {
  const [x, y] = [lab(a, sight), lab(b, sight)];
  return Math.hypot(x[0] - y[0], x[1] - y[1], x[2] - y[2]);
}

function lab(colour: string, sight: Sight): Triple {
  const from = linear(colour);
  const seen = SEEN[sight].map((row) => Math.min(1, Math.max(0, dot(row, from))));
  const rgb = seen as unknown as Triple;
  const root = (t: number): number => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  const x = root(dot([0.4124, 0.3576, 0.1805], rgb) / 0.95047);
  const y = root(dot(LUMINANCE, rgb));
  const z = root(dot([0.0193, 0.1192, 0.9505], rgb) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}
