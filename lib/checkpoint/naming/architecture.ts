/** What a checkpoint tells of its model: the words of BeitConfig in lib/models, every one that is known. */
export interface BeitArchitecture {
  /** Of the images in pixels. */
  imageSize: readonly [height: number, width: number]
  /** Side of a square patch in pixels. */
  patchSize: number
  /** Width of the residual stream. */
  hiddenSize: number
  /** Transformer blocks. */
  depth: number
  /** Attention heads a block. */
  heads: number
  /** Hidden width of the MLP as a multiple of `hiddenSize`. */
  mlpRatio: number
  /** First value of LayerScale; 0: no LayerScale. */
  layerScaleInit: number
  /** Learned absolute position embeddings. */
  absolutePositions: boolean
  /** Relative position bias: none, one table for all blocks, or one a block. */
  relativePositions: 'none' | 'shared' | 'per-block'
  /** Stochastic depth rate of the last block. */
  dropPath?: number
  /** Epsilon of the layer norms. */
  normEps?: number
  /** Visual tokens that its head predicts. */
  vocabSize?: number
  /** Classes of its head. */
  numClasses?: number
  /** What a classifier's head sees. */
  pooling?: 'mean' | 'cls'
}

/** What its numbers may be. The options of lib/models have these limits too: what converts also loads. */
export const ARCHITECTURE_LIMITS = {
  patchSize: { type: 'integer', min: 1, max: 1024 },
  hiddenSize: { type: 'integer', min: 1, max: 65_536 },
  depth: { type: 'integer', min: 1, max: 1024 },
  heads: { type: 'integer', min: 1, max: 1024 },
  mlpRatio: { type: 'number', min: 0.001, max: 64 },
  layerScaleInit: { type: 'number', min: 0 },
  dropPath: { type: 'number', min: 0, max: 0.999 },
  normEps: { type: 'number', min: 1e-12, max: 1 },
  vocabSize: { type: 'integer', min: 2, max: 1_048_576 },
  numClasses: { type: 'integer', min: 1, max: 1_048_576 },
} as const

/** Largest height and width of an image in pixels. */
export const MAX_SIDE = 65_536

/** An architecture, and what was assumed where nothing told. */
export interface Told {
  architecture: BeitArchitecture
  notes: string[]
}

/**
 * `mlpRatio` for an MLP of `size`: the quotient, unless rounding would make another size of it when a model
 * takes the whole part of `hiddenSize * mlpRatio`.
 */
export function mlpRatioOf(size: number, hiddenSize: number): number {
  const ratio = size / hiddenSize
  return Math.trunc(hiddenSize * ratio) === size ? ratio : (size + 0.5) / hiddenSize
}
