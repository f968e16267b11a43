/** Image sizes as options take them. */
import { MAX_SIDE } from '../checkpoint/naming/architecture.js'
import type { OptionSpec } from '../options.js'

/** A number for a square, or [height, width], in pixels. */
export type ImageSize = number | readonly [number, number]

const isSide = (x: unknown) => Number.isSafeInteger(x) && (x as number) >= 1 && (x as number) <= MAX_SIDE

/** An option that takes an {@link ImageSize}. */
export const IMAGE_SIZE_OPTION: OptionSpec = {
  type: 'object',
  doc: 'image size in pixels: a number or [height, width]',
  check: (value) => isSide(value) || (Array.isArray(value) && value.length === 2 && value.every(isSide)),
  expected: 'a number of pixels or [height, width]',
}

/** [height, width] */
export function imageSizePair(size: ImageSize): readonly [number, number] {
  return typeof size === 'number' ? [size, size] : [size[0], size[1]]
}
