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
