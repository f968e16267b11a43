/** beit-torch: BEiT pre-training of image Transformers on libtorch. The public API. */
export { keep, scope } from './dispose.js'
export { BeitError, type BeitErrorCode } from './errors.js'
export { type DType, type NestedArray, Tensor, type TypedArray } from './tensor.js'
