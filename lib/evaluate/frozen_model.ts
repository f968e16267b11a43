/** What the probes do alike before they begin: checks, and how an image reaches the frozen model. */
import { native } from '../binding.js'
import { normalizationOf } from '../data/normalization.js'
import { type ImagePreprocessing, imagePreprocessing } from '../data/preprocessing.js'
import { threads } from '../device.js'
import { invalidArgument } from '../errors.js'
import type { BeitModel } from '../models/beit_model.js'
import type { FeatureSettings } from '../native.js'
import { givenPreprocessing, type PreprocessingSettings } from './preprocessing_options.js'
import type { ProbeSettings } from './probe_options.js'

/** The features asked for, of all blocks unless told. */
export function featureSettings(settings: ProbeSettings): FeatureSettings {
  const { model, pooling, precision } = settings
  const { depth } = model.config
  const blocks = settings.blocks ?? Array.from({ length: depth }, (_, block) => block)
  const valid = (block: number) => Number.isInteger(block) && block >= 0 && block < depth
  if (!blocks.every(valid) || new Set(blocks).size < blocks.length) {
    throw invalidArgument('blocks', `different block numbers from 0 to ${depth - 1}`, blocks)
  }
  const { mean, std } = frozenPreprocessing(settings)
  return { blocks, pooling, precision, mean, std }
}

/**
 * How an image is made for the model: as it was trained, where it knows that, else by ImageNet's mean and
 * deviation; what is given goes before.
 */
export function frozenPreprocessing(
  settings: PreprocessingSettings & { model: BeitModel },
): ImagePreprocessing {
  const { model } = settings
  const { imageSize } = model.config
  const own =
    model.preprocessing ??
    imagePreprocessing(normalizationOf({ normalization: 'imagenet', mean: null, std: null }), imageSize)
  return imagePreprocessing({ ...own, ...givenPreprocessing(settings) }, imageSize)
}

/** Runs `work` with the threads asked for, and puts back those of before. */
export async function usingThreads<T>(count: number | null, work: () => Promise<T>): Promise<T> {
  const before = await threads()
  try {
    await threads(count ?? undefined)
    return await work()
  } finally {
    // Not threads(): OMP_NUM_THREADS may have asked for more than there are processors.
    await native().setThreads(before)
  }
}
