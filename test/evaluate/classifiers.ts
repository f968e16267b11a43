/** A small classifier whose scores tell apart, and what it says computed again from its logits. */
import { readFileSync } from 'node:fs'
import { BeitForImageClassification } from '../../lib/models/beit_for_image_classification.js'
import { Tensor } from '../../lib/tensor.js'
import { randomNumbers } from '../support/tensors.js'

/** As the images of `probeFolder` are, which it therefore sees unchanged. */
export const SIDE = 20

/** 20 pixels, 2 x 2 patches, two blocks; the head is as large as a trained one. */
export async function smallClassifier(
  options: { numClasses?: number; labels?: readonly string[]; seed?: number } = {},
): Promise<BeitForImageClassification> {
  const { numClasses = 3, seed = 1, labels = null } = options
  const shape = { imageSize: SIDE, patchSize: 10, hiddenSize: 16, depth: 2, heads: 2 }
  const model = await BeitForImageClassification.create({ ...shape, numClasses }, { seed, labels })
  const head = Tensor.from(
    randomNumbers(numClasses * 16, seed + 5).map((x) => 2 * x - 1),
    [numClasses, 16],
  )
  await model.loadStateDict(new Map([['head.weight', head]]), { strict: false })
  head.dispose()
  return model
}

/** The pixels of a P6 file of 20 x 20 as a model of mean and deviation 0.5 takes them: (3, H, W). */
export function normalisedPpm(path: string): Float32Array {
  const rgb = readFileSync(path).subarray(-3 * SIDE * SIDE)
  const plane = SIDE * SIDE
  return Float32Array.from({ length: 3 * plane }, (_, i) => {
    const value = rgb[(i % plane) * 3 + Math.floor(i / plane)] as number
    return (value / 255 - 0.5) / 0.5
  })
}

/** Logits of the images, a row each. */
export async function logitsOf(
  model: BeitForImageClassification,
  images: readonly Float32Array[],
): Promise<number[][]> {
  const all = Float32Array.from(images.flatMap((image) => Array.from(image)))
  using pixels = Tensor.from(all, [images.length, 3, SIDE, SIDE])
  using logits = await model.forward(pixels)
  const flat = await logits.toFloat32()
  const classes = model.config.numClasses
  return images.map((_, row) => Array.from(flat.subarray(row * classes, (row + 1) * classes)))
}

export function softmax(logits: readonly number[]): number[] {
  const sum = logits.reduce((total, logit) => total + Math.exp(logit), 0)
  return logits.map((logit) => Math.exp(logit) / sum)
}

export const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))

/** Ids from the largest value down, the lower id first among equals. */
export const ranked = (values: readonly number[]) =>
  values.map((_, id) => id).sort((a, b) => (values[b] as number) - (values[a] as number) || a - b)
