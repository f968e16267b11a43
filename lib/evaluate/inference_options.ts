/** Options of running a trained model over a set of images: evaluation, probes and features have them. */
import type { OptionSchema } from '../options.js'
import { pretrainSchema } from '../train/pretrain_options.js'

/** What {@link inferenceSchema} describes, with its defaults filled in. */
export interface InferenceSettings {
  batchSize: number
  precision: 'fp32' | 'bf16'
  threads: number | null
  loaderThreads: number | null
  prefetch: number
  maxBrokenShare: number
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
