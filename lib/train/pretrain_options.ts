/**
 * Options of `pretrain()` and of `beit pretrain`. Defaults are those of the original's
 * run_beit_pretraining.py; where its published ImageNet recipes (base: 800 epochs, batch 2048, learning rate
 * 1.5e-3) differ, `doc` says so.
 */
import { BeitForMaskedImageModeling } from '../models/beit_for_masked_image_modeling.js'
import type { MaskSettings } from '../native.js'
import type { OptionSchema } from '../options.js'
import { TokenizerModule } from '../tokenizers/image_tokenizer.js'
import { type CropSettings, cropSchema, INTERPOLATIONS, type Interpolation } from './crop_options.js'
import { type RunSettings, runSchema, type SamplesSettings, samplesSchema } from './run_options.js'

/** What {@link pretrainSchema} describes, with its defaults filled in. */
export interface PretrainSettings extends RunSettings, SamplesSettings, CropSettings {
  /** The model to train; its drop path rate is part of its config. */
  model: BeitForMaskedImageModeling
  /** Gives the tokens to predict; it stays as it is. */
  tokenizer: TokenizerModule
  /**
   * 'original': blocks, at most maskPatches; 'exact': topped up to it; 'random': single patches. Default
   * "original".
   */
  maskMode: MaskSettings['mode']
  /** Patches to mask in an image; unset: 75 of 196, scaled to the grid. */
  maskPatches: number | null
  /** Smallest area of a masked block in patches; unset: 16 of 196, scaled to the grid. */
  minMaskPatchesPerBlock: number | null
  /** Largest area of a masked block in patches; unset: maskPatches. */
  maxMaskPatchesPerBlock: number | null
  /** Smallest ratio of the sides of a masked block; the largest is 1 over it. Default 0.3. */
  minMaskAspect: number
  /** Resizing of the tokenizer's view. Default "lanczos". */
  tokenInterpolation: Interpolation
  /**
   * Mean and deviation of the model's view: ImageNet's, or 0.5 ('inception', as for ImageNet-22k). Default
   * "imagenet".
   */
  normalization: 'imagenet' | 'inception'
  /** Mean of each channel in 0..1, in place of that of normalization. */
  mean: readonly [number, number, number] | null
  /** Deviation of each channel, in place of that of normalization. */
  std: readonly [number, number, number] | null
  /** On a GPU: record a step once and replay it, with the same results; not measured yet. Default false. */
  cudaGraphs: boolean
}

/** What a caller of `pretrain()` gives. */
export type PretrainOptions = Pick<PretrainSettings, 'model' | 'tokenizer' | 'data' | 'output'> &
  Partial<PretrainSettings>

/** The options of `pretrain()` as data: types, ranges, defaults and texts. */
export const pretrainSchema: OptionSchema = {
  model: {
    type: 'object',
    check: (value) => value instanceof BeitForMaskedImageModeling,
    expected: 'a BeitForMaskedImageModeling',
    doc: 'The model to train; its drop path rate is part of its config',
  },
  tokenizer: {
    type: 'object',
    check: (value) => value instanceof TokenizerModule,
    expected: 'an image tokenizer',
    doc: 'Gives the tokens to predict; it stays as it is',
  },
  ...runSchema({
    epochs: 300,
    batchSize: 64,
    learningRate: 5e-4,
    minLearningRate: 1e-5,
    warmupEpochs: 5,
    weightDecay: 0.05,
    clipGradient: 3,
  }),
  ...samplesSchema,
  maskMode: {
    type: 'choice',
    choices: ['original', 'exact', 'random'],
    default: 'original',
    doc: "'original': blocks, at most maskPatches; 'exact': topped up to it; 'random': single patches",
  },
  maskPatches: {
    type: 'integer',
    min: 1,
    default: null,
    optional: true,
    doc: 'Patches to mask in an image; unset: 75 of 196, scaled to the grid',
  },
  minMaskPatchesPerBlock: {
    type: 'integer',
    min: 1,
    default: null,
    optional: true,
    doc: 'Smallest area of a masked block in patches; unset: 16 of 196, scaled to the grid',
  },
  maxMaskPatchesPerBlock: {
    type: 'integer',
    min: 1,
    default: null,
    optional: true,
    doc: 'Largest area of a masked block in patches; unset: maskPatches',
  },
  minMaskAspect: {
    type: 'number',
    min: 0.01,
    max: 1,
    default: 0.3,
    doc: 'Smallest ratio of the sides of a masked block; the largest is 1 over it',
  },
  ...cropSchema(
    { scale: [0.08, 1], ratio: [3 / 4, 4 / 3], colorJitter: [0.4, 0.4, 0.4] },
    "the model's view",
  ),
  tokenInterpolation: {
    type: 'choice',
    choices: INTERPOLATIONS,
    default: 'lanczos',
    doc: "Resizing of the tokenizer's view",
  },
  normalization: {
    type: 'choice',
    choices: ['imagenet', 'inception'],
    default: 'imagenet',
    doc: "Mean and deviation of the model's view: ImageNet's, or 0.5 ('inception', as for ImageNet-22k)",
  },
  mean: {
    type: 'numbers',
    size: 3,
    min: 0,
    max: 1,
    default: null,
    optional: true,
    doc: 'Mean of each channel in 0..1, in place of that of normalization',
  },
  std: {
    type: 'numbers',
    size: 3,
    min: 0.001,
    max: 10,
    default: null,
    optional: true,
    doc: 'Deviation of each channel, in place of that of normalization',
  },
  cudaGraphs: {
    type: 'boolean',
    default: false,
    doc: 'On a GPU: record a step once and replay it, with the same results; not measured yet',
  },
}
