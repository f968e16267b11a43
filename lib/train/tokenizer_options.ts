/**
 * Options of `trainTokenizer()` and of `beit tokenizer train`. Schedules as in the DALL-E paper (arXiv
 * 2102.12092, A.2), scaled down to runs of one machine: every schedule is a cosine, the temperature over the
 * whole run, or exponential as in lucidrains/DALLE-pytorch.
 */
import type { OptionSchema } from '../options.js'
import { ConvDiscreteVae } from '../tokenizers/conv_discrete_vae.js'
import { type CropSettings, cropSchema } from './crop_options.js'
import { type RunSettings, runSchema, type SamplesSettings, samplesSchema } from './run_options.js'

/** What {@link tokenizerSchema} describes, with its defaults filled in. */
export interface TokenizerSettings extends RunSettings, SamplesSettings, CropSettings {
  /** The tokenizer to train, on images of the size in its config. */
  model: ConvDiscreteVae
  /** Loss of the reconstruction. Default "mse". */
  reconstruction: 'mse' | 'smooth-l1' | 'logit-laplace'
  /** Decode hard codes, with the gradient of the soft ones. Default false. */
  straightThrough: boolean
  /** Temperature of the Gumbel-softmax at the start. Default 1. */
  temperature: number
  /** Temperature at the end of its cosine; the paper: 1/16 after 150,000 steps. Default 0.0625. */
  temperatureEnd: number
  /** Steps of the temperature schedule; unset: all. */
  temperatureSteps: number | null
  /**
   * The temperature falls by e^-rate a step down to temperatureEnd, not by a cosine; DALLE-pytorch: 1e-6, to
   * 0.5.
   */
  temperatureRate: number | null
  /** Final weight of KL(codes | uniform), for a loss summed over an image; the paper: 6.6. Default 0. */
  klWeight: number
  /** Steps over which the KL weight rises; unset: all. The paper: 5,000. */
  klWarmupSteps: number | null
  /**
   * Steps between reports of usage, perplexity and dead codes; one at the end of every epoch too. Default
   * 100.
   */
  codebookEverySteps: number
}

/** What a caller of `trainTokenizer()` gives. */
export type TokenizerOptions = Pick<TokenizerSettings, 'model' | 'data' | 'output'> &
  Partial<TokenizerSettings>

/** The options of `trainTokenizer()` as data: types, ranges, defaults and texts. */
export const tokenizerSchema: OptionSchema = {
  model: {
    type: 'object',
    check: (value) => value instanceof ConvDiscreteVae,
    expected: 'a ConvDiscreteVae',
    doc: 'The tokenizer to train, on images of the size in its config',
  },
  ...runSchema({
    epochs: 20,
    batchSize: 64,
    learningRate: 1e-3,
    minLearningRate: 1e-5,
    warmupEpochs: 0,
    weightDecay: 1e-4,
    clipGradient: null,
  }),
  ...samplesSchema,
  reconstruction: {
    type: 'choice',
    choices: ['mse', 'smooth-l1', 'logit-laplace'],
    default: 'mse',
    doc: 'Loss of the reconstruction',
  },
  straightThrough: {
    type: 'boolean',
    default: false,
    doc: 'Decode hard codes, with the gradient of the soft ones',
  },
  temperature: {
    type: 'number',
    min: 1e-3,
    default: 1,
    doc: 'Temperature of the Gumbel-softmax at the start',
  },
  temperatureEnd: {
    type: 'number',
    min: 1e-3,
    default: 0.0625,
    doc: 'Temperature at the end of its cosine; the paper: 1/16 after 150,000 steps',
  },
  temperatureSteps: {
    type: 'integer',
    min: 1,
    default: null,
    optional: true,
    doc: 'Steps of the temperature schedule; unset: all',
  },
  temperatureRate: {
    type: 'number',
    min: 0,
    default: null,
    optional: true,
    doc: 'The temperature falls by e^-rate a step down to temperatureEnd, not by a cosine; DALLE-pytorch: 1e-6, to 0.5',
  },
  klWeight: {
    type: 'number',
    min: 0,
    default: 0,
    doc: 'Final weight of KL(codes | uniform), for a loss summed over an image; the paper: 6.6',
  },
  klWarmupSteps: {
    type: 'integer',
    min: 1,
    default: null,
    optional: true,
    doc: 'Steps over which the KL weight rises; unset: all. The paper: 5,000',
  },
  codebookEverySteps: {
    type: 'integer',
    min: 1,
    default: 100,
    doc: 'Steps between reports of usage, perplexity and dead codes; one at the end of every epoch too',
  },
  ...cropSchema({ scale: [0.5, 1], ratio: [1, 1], colorJitter: [0, 0, 0] }, 'the images'),
}
