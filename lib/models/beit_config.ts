/**
 * The architecture of BEiT as data: every switch of the original release, its presets, and the checks that
 * make a configuration whole. The mirror of native/models/beit_config.h.
 */
import { ARCHITECTURE_LIMITS } from '../checkpoint/naming/architecture.js'
import { BeitError, invalidArgument } from '../errors.js'
import { defined, type OptionSchema, suggest, validateOptions } from '../options.js'
import { IMAGE_SIZE_OPTION, type ImageSize, imageSizePair } from './image_size.js'

/**
 * A complete, checked configuration. `vocabSize` is for BeitForMaskedImageModeling only, `numClasses` and
 * `pooling` are for BeitForImageClassification only.
 */
export interface BeitConfig {
  /** [height, width] of the images in pixels; both are multiples of `patchSize`. */
  readonly imageSize: readonly [number, number]
  /** Side of a square patch in pixels. */
  readonly patchSize: number
  /** Width of the residual stream; a multiple of `heads`. */
  readonly hiddenSize: number
  /** Number of Transformer blocks. */
  readonly depth: number
  /** Attention heads a block. */
  readonly heads: number
  /** Hidden width of the MLP as a multiple of `hiddenSize`. */
  readonly mlpRatio: number
  /** Visual tokens of the tokenizer that makes the targets of masked image modelling. */
  readonly vocabSize: number
  /** Classes of image classification. */
  readonly numClasses: number
  /** First value of LayerScale; 0: no LayerScale. */
  readonly layerScaleInit: number
  /** Learned absolute position embeddings. */
  readonly absolutePositions: boolean
  /**
   * Relative position bias: none, one table for all blocks (the release's pre-training), or one a block (its
   * fine-tuning).
   */
  readonly relativePositions: 'none' | 'shared' | 'per-block'
  /** Stochastic depth rate of the last block, in [0, 1); grows linearly from 0 at the first. */
  readonly dropPath: number
  /** Epsilon of the layer norms. */
  readonly normEps: number
  /** What a classifier's head sees: the mean of the patches, or the class token. */
  readonly pooling: 'mean' | 'cls'
}

/** What users write: any part of a {@link BeitConfig}; `imageSize` may be one number for a square. */
export type BeitConfigInput = Partial<Omit<BeitConfig, 'imageSize'>> & {
  /** Side of the images in pixels, or [height, width]. */
  readonly imageSize?: ImageSize
}

/** The options of a configuration. */
export const beitConfigSchema: OptionSchema = {
  imageSize: IMAGE_SIZE_OPTION,
  patchSize: { ...ARCHITECTURE_LIMITS.patchSize, doc: 'side of a patch in pixels', default: 16 },
  hiddenSize: { ...ARCHITECTURE_LIMITS.hiddenSize, doc: 'width of the residual stream', default: 768 },
  depth: { ...ARCHITECTURE_LIMITS.depth, doc: 'Transformer blocks', default: 12 },
  heads: { ...ARCHITECTURE_LIMITS.heads, doc: 'attention heads a block', default: 12 },
  mlpRatio: { ...ARCHITECTURE_LIMITS.mlpRatio, doc: 'MLP width over hiddenSize', default: 4 },
  vocabSize: { ...ARCHITECTURE_LIMITS.vocabSize, doc: 'visual tokens', default: 8192 },
  numClasses: { ...ARCHITECTURE_LIMITS.numClasses, doc: 'classes', default: 1000 },
  layerScaleInit: {
    ...ARCHITECTURE_LIMITS.layerScaleInit,
    doc: 'first value of LayerScale, 0: none',
    default: 0.1,
  },
  absolutePositions: { type: 'boolean', doc: 'absolute position embeddings', default: false },
  relativePositions: {
    type: 'choice',
    doc: 'relative position bias',
    choices: ['none', 'shared', 'per-block'],
    default: 'shared',
  },
  dropPath: { ...ARCHITECTURE_LIMITS.dropPath, doc: 'stochastic depth of the last block', default: 0 },
  normEps: { ...ARCHITECTURE_LIMITS.normEps, doc: 'epsilon of the layer norms', default: 1e-6 },
  pooling: {
    type: 'choice',
    doc: "what a classifier's head sees",
    choices: ['mean', 'cls'],
    default: 'mean',
  },
}

const SIZES = {
  tiny: { hiddenSize: 192, depth: 12, heads: 3, layerScaleInit: 0.1 },
  small: { hiddenSize: 384, depth: 12, heads: 6, layerScaleInit: 0.1 },
  base: { hiddenSize: 768, depth: 12, heads: 12, layerScaleInit: 0.1 },
  large: { hiddenSize: 1024, depth: 24, heads: 16, layerScaleInit: 1e-5 },
} as const

/**
 * The paper's architecture (its tables 1, 3 and 4): a plain ViT. The release added LayerScale and relative
 * positions.
 */
const PAPER = { layerScaleInit: 0, absolutePositions: true, relativePositions: 'none' } as const

function* presets(): Generator<[string, BeitConfigInput]> {
  for (const [size, architecture] of Object.entries(SIZES)) {
    for (const imageSize of [224, 384, 512]) {
      // Drop path 0.1 is that of the published pre-training recipes.
      const release = { ...architecture, imageSize, dropPath: 0.1 }
      yield [`beit_${size}_patch16_${imageSize}`, release]
      yield [`beit_${size}_patch16_${imageSize}_paper`, { ...release, ...PAPER }]
    }
  }
}

const PRESETS: ReadonlyMap<string, BeitConfigInput> = new Map(presets())

/**
 * Names that `create` takes: `beit_{tiny,small,base,large}_patch16_{224,384,512}`, the form of the public
 * release, and the same with `_paper`, the form of the paper's tables (absolute positions, no LayerScale, no
 * relative positions).
 */
export const beitPresets: readonly string[] = [...PRESETS.keys()]

/**
 * A complete configuration from a preset's name or a part of one, with overrides. What neither names is as in
 * `defaults`, and then as in `beit_base_patch16_224` without drop path.
 *
 * @throws BeitError ERR_INVALID_ARGUMENT for unknown names (with the nearest), wrong types and ranges, and
 * sizes that do not divide.
 * @example
 * resolveBeitConfig('beit_tiny_patch16_224', { imageSize: 32, patchSize: 4 })
 */
export function resolveBeitConfig(
  presetOrConfig: string | BeitConfigInput,
  overrides: BeitConfigInput = {},
  defaults: BeitConfigInput = {},
): BeitConfig {
  const given = { imageSize: 224, ...defaults, ...partOf(presetOrConfig), ...defined(overrides) }
  const options = validateOptions<Omit<BeitConfig, 'imageSize'> & { imageSize: ImageSize }>(
    'BeitConfig',
    beitConfigSchema,
    given,
  )
  const config: BeitConfig = { ...options, imageSize: imageSizePair(options.imageSize) }
  checkDivisions(config)
  return Object.freeze(config)
}

function partOf(presetOrConfig: string | BeitConfigInput): BeitConfigInput {
  if (typeof presetOrConfig === 'string') {
    const preset = PRESETS.get(presetOrConfig)
    if (preset === undefined) {
      throw new BeitError(
        'ERR_INVALID_ARGUMENT',
        `there is no preset '${presetOrConfig}'${suggest(presetOrConfig, beitPresets)}`,
      )
    }
    return preset
  }
  if (typeof presetOrConfig !== 'object' || presetOrConfig === null || Array.isArray(presetOrConfig)) {
    throw invalidArgument('the model', 'the name of a preset or a configuration', presetOrConfig)
  }
  return defined(presetOrConfig)
}

function checkDivisions({ imageSize, patchSize, hiddenSize, heads }: BeitConfig): void {
  for (const side of imageSize) {
    if (side % patchSize !== 0) {
      throw new BeitError(
        'ERR_INVALID_ARGUMENT',
        `imageSize must be a multiple of patchSize ${patchSize}, got [${imageSize.join(', ')}]; ` +
          `the nearest are ${nearest(side, patchSize)}`,
      )
    }
  }
  if (hiddenSize % heads !== 0) {
    throw new BeitError(
      'ERR_INVALID_ARGUMENT',
      `hiddenSize must be a multiple of heads, got hiddenSize ${hiddenSize} and heads ${heads}`,
    )
  }
}

function nearest(side: number, unit: number): string {
  const below = Math.floor(side / unit) * unit
  return below === 0 ? `${unit}` : `${below} and ${below + unit}`
}
