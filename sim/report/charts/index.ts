/**
 * Results as Vega-Lite specifications: pure functions without a dependency on Node, so that the
 * notebooks draw the same pictures in a browser. Every chart carries a title, axis titles with units,
 * and a `description` in sentences: the text alternative for those who cannot see it.
 */
export { type Chart, stack } from "./chart.ts";
export { type CurveOptions, responseCurve, throughputCurve, waitCurve } from "./curves.ts";
export {
  type DistributionSeries,
  distribution,
  predictedAndLive,
  runDistributions,
} from "./distributions.ts";
export { type VariedWait, waitsOver } from "./kinds.ts";
export { modeBars } from "./modes.ts";
export { occupancySpans } from "./occupancy.ts";
export { timeParts, type VariedParts } from "./parts.ts";
export { predictedOverSizes, type SizePrediction } from "./predictions.ts";
export { type Span, spanChart } from "./spans.ts";
export { queueDepth } from "./timelines.ts";
