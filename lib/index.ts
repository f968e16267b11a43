/** beit-torch: BEiT pre-training of image Transformers on libtorch. The public API. */
export { keep, scope } from './dispose.js'
export { BeitError, type BeitErrorCode } from './errors.js'
export { METRICS_FILE, readMetrics, writeMetrics } from './log/metrics_file.js'
export { type ProgressOptions, showProgress } from './log/progress.js'
export { type DType, type NestedArray, Tensor, type TypedArray } from './tensor.js'
export { trainingCurves } from './visualize/curves.js'
export type { Picture } from './visualize/picture.js'
