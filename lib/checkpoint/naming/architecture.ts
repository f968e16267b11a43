/** What a checkpoint tells of its model: the words of BeitConfig in lib/models, every one that is known. */
export interface BeitArchitecture {
  imageSize: readonly [height: number, width: number]
  patchSize: number
  hiddenSize: number
  depth: number
  heads: number
  mlpRatio: number
  layerScaleInit: number
  absolutePositions: boolean
  relativePositions: 'none' | 'shared' | 'per-block'
  dropPath?: number
  normEps?: number
  vocabSize?: number
  numClasses?: number
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
