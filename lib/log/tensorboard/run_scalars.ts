/** Which numbers of an event of a run become curves, and their names in TensorBoard. */
import type { ClassificationScores, RunEvent } from '../../train/events.js'

type Scalars = Record<string, number>

/** Fields of events, in the order of the groups: what a run learns, then how fast it is. */
const STEP = {
  loss: 'train/loss',
  reconstruction: 'train/reconstruction',
  kl: 'train/kl',
  accuracy: 'train/accuracy',
  gradientNorm: 'train/gradient_norm',
  learningRate: 'train/learning_rate',
  weightDecay: 'train/weight_decay',
  temperature: 'train/temperature',
  klWeight: 'train/kl_weight',
  skipped: 'train/skipped_steps',
  perplexity: 'codebook/perplexity',
  imagesPerSecond: 'speed/images_per_second',
  waiting: 'speed/waiting_share',
  seconds: 'speed/seconds_per_step',
}

const CODEBOOK = {
  perplexity: 'codebook/perplexity',
  usage: 'codebook/usage',
  dead: 'codebook/dead_codes',
}

const EPOCH = {
  loss: 'epoch/loss',
  reconstruction: 'epoch/reconstruction',
  kl: 'epoch/kl',
  accuracy: 'epoch/accuracy',
  perplexity: 'epoch/perplexity',
  imagesPerSecond: 'epoch/images_per_second',
  waiting: 'epoch/waiting_share',
  seconds: 'epoch/seconds',
  broken: 'epoch/broken_images',
}

const SCORES = {
  loss: 'loss',
  reconstruction: 'reconstruction',
  kl: 'kl',
  accuracy: 'accuracy',
  accuracy5: 'accuracy_top5',
  baselineAccuracy: 'baseline_accuracy',
  perplexity: 'perplexity',
  usage: 'usage',
}

const MULTI_LABEL = { meanAveragePrecision: 'mean_average_precision', f1: 'f1' }

/** The curves' points that an event gives; none of some kinds of events. */
export function scalarsOf(event: RunEvent): Scalars {
  switch (event.type) {
    case 'step':
      return { ...named(event, STEP), ...partsOf(event.parts) }
    case 'codebook':
      return named(event, CODEBOOK)
    case 'epoch':
      return named(event, EPOCH)
    case 'evaluation':
      return {
        ...scores('validation', event),
        ...('ema' in event && event.ema !== null && scores('validation_averaged', event.ema)),
      }
    default:
      return {}
  }
}

function scores(group: string, event: object): Scalars {
  const { multiLabel = null } = event as Partial<ClassificationScores>
  const values = { ...named(event, SCORES), ...(multiLabel !== null && named(multiLabel, MULTI_LABEL)) }
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${group}/${name}`, value]))
}

/** Of a profiled step, in seconds. */
const partsOf = (parts: Readonly<Record<string, number>> = {}): Scalars =>
  Object.fromEntries(Object.entries(parts).map(([name, seconds]) => [`parts/${name}`, seconds]))

/** The fields that the event has, under the names of their curves; what has no value (null) is left out. */
function named(event: object, names: Readonly<Record<string, string>>): Scalars {
  const values: Scalars = {}
  for (const [field, tag] of Object.entries(names)) {
    const value = (event as Record<string, unknown>)[field]
    if (typeof value === 'number') values[tag] = value
  }
  return values
}
