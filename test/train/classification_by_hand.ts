/** What a classification step does to its batch and its targets, written plainly; images are square. */
import { native } from '../../lib/binding.js'
import type { BatchErasing, MixPlan } from '../../lib/native.js'

/** 1 at each row's class, of `classes`. */
export const oneHot = (labels: readonly number[], classes: number): number[][] =>
  labels.map((label) => Array.from({ length: classes }, (_, c) => (c === label ? 1 : 0)))

/** As timm: off = smoothing / C, on = 1 - smoothing + off. */
export function smoothed(targets: number[][], smoothing: number): number[][] {
  return targets.map((row) => {
    const off = smoothing / row.length
    const on = 1 - smoothing + off
    return row.map((t) => t * on + (1 - t) * off)
  })
}

/** lambda of each row, the rest of the row as far from the other end. */
export const mixedTargets = (targets: number[][], lambda: number): number[][] =>
  targets.map((row, i) => row.map((t, c) => lambda * t + (1 - lambda) * (targets.at(-1 - i)?.[c] as number)))

/** Mean over the rows of -sum target * log softmax. */
export function crossEntropy(logits: number[][], targets: number[][]): number {
  const losses = logits.map((row, i) => {
    const logSum = Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0))
    return row.reduce((sum, value, c) => sum - (targets[i]?.[c] as number) * (value - logSum), 0)
  })
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length
}

/** Mean over rows and classes, each class by itself. */
export function binaryCrossEntropy(logits: number[][], targets: number[][]): number {
  const losses = logits.flatMap((row, i) =>
    row.map((value, c) => {
      const p = 1 / (1 + Math.exp(-value))
      const t = targets[i]?.[c] as number
      return -t * Math.log(p) - (1 - t) * Math.log(1 - p)
    }),
  )
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length
}

/** 8-bit (B, 3, side, side) as the model takes it. */
export function normalised(
  bytes: Uint8Array,
  side: number,
  { mean, std }: { mean: readonly number[]; std: readonly number[] },
): Float32Array {
  return Float32Array.from(bytes, (byte, i) => {
    const channel = Math.floor(i / (side * side)) % 3
    return (byte / 255 - (mean[channel] as number)) / (std[channel] as number)
  })
}

/** (B, 3, side, side), each image mixed with the one as far from the other end of the batch. */
export function mixed(values: Float32Array, side: number, { lambda, box }: MixPlan): Float32Array {
  const [top, left, height, width] = box ?? [0, 0, 0, 0]
  const area = side * side
  const images = values.length / (3 * area)
  return values.map((value, at) => {
    const [image, inside] = [Math.floor(at / (3 * area)), at % (3 * area)]
    const partner = values[(images - 1 - image) * 3 * area + inside] as number
    if (box === null) return lambda * value + (1 - lambda) * partner
    const [y, x] = [Math.floor((inside % area) / side), inside % side]
    return y >= top && y < top + height && x >= left && x < left + width ? partner : value
  })
}

/** Writes what random erasing decides into the images; gives the number of boxes. */
export function erase(values: Float32Array, side: number, erasing: BatchErasing): number {
  const { seed, epoch, indices } = erasing
  let boxes = 0
  for (const [image, index] of indices.entries()) {
    for (const { box, noise } of native().randomErasing(erasing, [side, side], seed, epoch, index)) {
      const [top, left, height, width] = box
      boxes++
      noise.forEach((value, i) => {
        const channel = image * 3 + Math.floor(i / (height * width))
        const [y, x] = [Math.floor((i % (height * width)) / width), i % width]
        values[(channel * side + top + y) * side + left + x] = value
      })
    }
  }
  return boxes
}
