/**
 * Zero, for fields that hold times or sums of them. V8 keeps a field that begins with an integer as one of 31
 * bits, and when it outgrows that compiles anew whatever has to do with the object. Minus zero is no integer
 * to it.
 */
export const ZERO = -0;
