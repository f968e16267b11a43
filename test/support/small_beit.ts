/** Configuration of a small model whose images are not square. */
export const SMALL = {
  imageSize: [32, 48],
  patchSize: 16,
  hiddenSize: 24,
  depth: 2,
  heads: 3,
  vocabSize: 10,
} as const
