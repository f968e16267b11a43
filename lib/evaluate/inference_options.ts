/** Options of running a trained model over a set of images: evaluation, probes and features have them. */
import type { OptionSchema } from '../options.js'
import { pretrainSchema } from '../train/pretrain_options.js'

/** What `inferenceSchema` describes, with its defaults filled in. */
export interface InferenceSettings {
  /**
   * Images that go through the model at once; their number changes no more than the last bits of a score.
   */
  batchSize: number
  /** Arithmetic of the matrix products. */
  precision: 'fp32' | 'bf16'
  /** CPU threads of one operation; unset: one per core. Another number gives other last bits. */
  threads: number | null
  /** Threads that decode images; unset: one per core, at most 16. Their number changes no result. */
  loaderThreads: number | null
  /** Batches loaded ahead. */
  prefetch: number
  /** Stop when a larger share of the images cannot be read. */
  maxBrokenShare: number
  /** An image of more pixels is taken for hostile and left out. */
  maxPixels: number
}

const shared = (name: string) => pretrainSchema[name] as OptionSchema[string]

/** What differs between the calls is an argument. */
export function inferenceSchema(own: { batchSize: number; batchSizeDoc: string; precisionDoc: string }) {
  return {
    batchSize: { type: 'integer', min: 1, default: own.batchSize, doc: own.batchSizeDoc },
    precision: { type: 'choice', choices: ['fp32', 'bf16'], default: 'fp32', doc: own.precisionDoc },
    threads: shared('threads'),
    loaderThreads: shared('loaderThreads'),
    prefetch: shared('prefetch'),
    maxBrokenShare: shared('maxBrokenShare'),
    maxPixels: shared('maxPixels'),
  } as const satisfies OptionSchema
}
