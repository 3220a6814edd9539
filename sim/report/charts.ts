/**
 * Results as Vega-Lite specifications: pure functions without a dependency on Node, so that the
 * notebooks draw the same pictures in a browser. Every chart carries a title, axis titles with units,
 * and a `description` in sentences: the text alternative for those who cannot see it.
 */
export { type Chart, stack } from "./chart.ts";
export { type CurveOptions, responseCurve, throughputCurve, waitCurve } from "./chart-curves.ts";
export {
  type DistributionSeries,
  distribution,
  predictedAndLive,
  runDistributions,
} from "./chart-distributions.ts";
export { type VariedWait, waitsOver } from "./chart-kinds.ts";
export { modeBars } from "./chart-modes.ts";
export { timeParts, type VariedParts } from "./chart-parts.ts";
export { predictedOverSizes, type SizePrediction } from "./chart-predictions.ts";
export { type Span, spanChart } from "./chart-spans.ts";
export { queueDepth } from "./chart-timelines.ts";
export { occupancySpans } from "./occupancy.ts";
