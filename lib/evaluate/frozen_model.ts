/** What the probes do alike before they begin: checks, and how an image reaches the frozen model. */
import { native } from '../binding.js'
import { evaluationViews } from '../data/view_settings.js'
import { threads } from '../device.js'
import { invalidArgument } from '../errors.js'
import type { BeitModel } from '../models/beit_model.js'
import type { FeatureSettings, ViewSettings } from '../native.js'
import { normalizationOf } from '../train/pretrain.js'
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
  return { blocks, pooling, precision, ...normalizationOf(settings) }
}

/** Which views the frozen model takes. */
export const viewNeeds = ({ config }: BeitModel) =>
  ({ imageSize: config.imageSize, tokenImageSize: null, maskGrid: null }) as const

/** Nothing random: the middle of each image. */
export function probeViews({ model, interpolation, maxPixels }: ProbeSettings): ViewSettings {
  return evaluationViews(viewNeeds(model), { interpolation, maxPixels })
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
