/** Shapes that all parts of a result are made of. See `results.ts`. */
import { z } from "zod";

/** How many. */
export const count = z.number().int().min(0);
/** A part of a whole, 0 to 1. */
export const share = z.number().min(0).max(1);

/** A 95 % confidence interval. */
export const interval = z
  .tuple([z.number(), z.number()])
  .nullable()
  .describe(
    "95 % confidence interval [low, high]; null when there are too few data, or no steady state",
  );
