/**
 * The cases of test/fixtures/image_views: what Pillow makes of small files (generate_image_views.py made
 * them).
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { native } from '../../lib/binding.js'
import type { ImageTransform, RawImage, ViewSettings } from '../../lib/native.js'
import { fixtures } from './paths.js'

export interface DecodeCase {
  kind: 'decode'
  file: string
}
export interface ViewCase {
  kind: 'view'
  transform: ImageTransform
}
type Recorded<Case> = Case & { shape: number[]; offset: number }

const folder = join(fixtures, 'image_views')

export const imageFile = (name: string) => join(folder, name)

/** The cases of one kind with Pillow's pixels. */
export function pillowCases<Kind extends 'decode' | 'view'>(kind: Kind) {
  const { cases } = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as {
    cases: Recorded<DecodeCase | ViewCase>[]
  }
  const pixels = readFileSync(join(folder, 'expected.bin'))
  return cases
    .filter((item) => item.kind === kind)
    .map((item) => {
      const length = item.shape.reduce((product, size) => product * size, 1)
      return { ...item, pixels: new Uint8Array(pixels.subarray(item.offset, item.offset + length)) }
    }) as (Recorded<Extract<DecodeCase | ViewCase, { kind: Kind }>> & { pixels: Uint8Array })[]
}

/** A fixture decoded by the addon. */
export async function decoded(name: string): Promise<RawImage> {
  const { status, message, rgb, width, height } = await native().decodeJpeg(
    readFileSync(imageFile(name)),
    1e8,
  )
  if (rgb === null) throw new Error(`${name} is ${status}: ${message}`)
  return { rgb, width, height }
}

/** The picture that the view cases were made from, as decoded by Pillow: independent of our decoder. */
export function viewSource(): RawImage {
  const source = pillowCases('decode').find((item) => item.file === '444.jpeg')
  if (source === undefined) throw new Error('the fixtures have no 444.jpeg')
  return { rgb: source.pixels, width: source.shape[1] as number, height: source.shape[0] as number }
}

/** The largest difference of two byte arrays; lengths must be equal. */
export function largestDifference(actual: Uint8Array, expected: Uint8Array): number {
  if (actual.length !== expected.length)
    throw new Error(`${actual.length} bytes, expected ${expected.length}`)
  return actual.reduce((largest, value, i) => Math.max(largest, Math.abs(value - (expected[i] as number))), 0)
}

/** Why JPEG files cannot be decoded here, for `test.skipIf`. */
export const jpegMissing = () => (native().version().jpeg ? null : 'the addon was built without libjpeg')

/** An image without any order, the same for the same size. */
export function noise(width: number, height: number): RawImage {
  let state = width * 65537 + height
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state >>> 24
  }
  return { rgb: Uint8Array.from({ length: width * height * 3 }, next), width, height }
}

/** A transform that does nothing but what `changes` says. */
export function wholeImage({ width, height }: RawImage, changes: Partial<ImageTransform>): ImageTransform {
  return {
    jitter: [],
    flip: false,
    box: [0, 0, width, height],
    size: [height, width],
    interpolation: 'bicubic',
    ...changes,
  }
}

/** The model's view of `image` as each of the samples `indices`: (3, height, width). */
export async function viewsOf(
  image: RawImage,
  views: ViewSettings,
  indices: readonly number[],
  threads = 1,
): Promise<Uint8Array[]> {
  const loader = native().imageLoaderCreate(views, threads)
  // No files: rows to be filled.
  const empty = indices.map((index) => ({ path: 'none', offset: 0, length: -1, index }))
  const result = await native().imageLoaderLoad(loader, empty, 0)
  await Promise.all(
    indices.map((index, row) => native().imageLoaderLoadRaw(loader, result, row, { ...image, index }, 0)),
  )
  const pixels = new Uint8Array(await native().tensorRead(result.pixels))
  const size = 3 * views.imageSize[0] * views.imageSize[1]
  return indices.map((_, row) => pixels.slice(row * size, (row + 1) * size))
}
