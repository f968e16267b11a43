import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { equal, is } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import type { ImageOp, RawImage } from '../../lib/native.js'
import { rejects } from '../support/errors.js'
import { largestDifference, noise } from '../support/image_views.js'
import { fixtures } from '../support/paths.js'
import { suite } from '../support/suite.js'

const test = suite('image_ops')

const FILL = [124, 116, 104] as const
const apply = (image: RawImage, op: Partial<ImageOp> & Pick<ImageOp, 'kind'>) =>
  native().applyImageOp(image, { argument: 0, interpolation: 'bicubic', ...op }, FILL)
const identity = (image: RawImage) => apply(image, { kind: 'brightness', argument: 1 })

test('every operation is equal to Pillow', async () => {
  const recorded = JSON.parse(readFileSync(join(fixtures, 'image_ops.json'), 'utf8')) as {
    fill: [number, number, number]
    pictures: { width: number; height: number }[]
    cases: (ImageOp & { picture: number })[]
  }
  const data = readFileSync(join(fixtures, 'image_ops.bin'))
  let at = 0
  const take = ({ width, height }: { width: number; height: number }) => {
    at += 3 * width * height
    return new Uint8Array(data.subarray(at - 3 * width * height, at))
  }
  const images = recorded.pictures.map((size) => ({ ...size, rgb: take(size) }))
  is(new Set(recorded.cases.map(({ kind }) => kind)).size, 15)
  for (const { picture, ...op } of recorded.cases) {
    const image = images[picture] as RawImage
    const actual = await native().applyImageOp(image, op, recorded.fill)
    is(largestDifference(actual, take(image)), 0, JSON.stringify(op))
  }
  is(at, data.length)
})

test('nothing changes where an operation has nothing to do', async () => {
  const image = noise(9, 7)
  const same = await identity(image)
  for (const kind of [
    'rotate',
    'shear-x',
    'shear-y',
    'translate-x',
    'translate-y',
    'solarize-add',
  ] as const) {
    for (const interpolation of ['bilinear', 'bicubic'] as const) {
      is(largestDifference(await apply(image, { kind, interpolation }), same), 0, kind)
    }
  }
  const still = [
    { kind: 'posterize', argument: 8 },
    { kind: 'solarize', argument: 256 },
    { kind: 'color', argument: 1 },
    { kind: 'contrast', argument: 1 },
    { kind: 'sharpness', argument: 1 },
    { kind: 'equalize' }, // fewer pixels than steps
  ] as const
  for (const op of still) is(largestDifference(await apply(image, op), same), 0, op.kind)
  const grey = { rgb: new Uint8Array(5 * 4 * 3).fill(77), width: 5, height: 4 }
  for (const kind of ['auto-contrast', 'equalize'] as const)
    equal([...new Set(await apply(grey, { kind }))], [77])
})

test('rotation turns counterclockwise, shear and translation move as they say', async () => {
  // A white pixel at the right end of the middle row of 5 x 5.
  const image = { rgb: new Uint8Array(75), width: 5, height: 5 }
  image.rgb.fill(255, (2 * 5 + 4) * 3, (2 * 5 + 5) * 3)
  const white = async (op: Partial<ImageOp> & Pick<ImageOp, 'kind'>) => {
    const red = (
      await native().applyImageOp(image, { argument: 0, interpolation: 'bilinear', ...op }, [0, 0, 0])
    ).subarray(0, 25)
    const at = red.indexOf(Math.max(...red))
    return [Math.floor(at / 5), at % 5]
  }
  equal(await white({ kind: 'rotate', argument: 90 }), [0, 2])
  equal(await white({ kind: 'rotate', argument: -90 }), [4, 2])
  equal(await white({ kind: 'translate-x', argument: 0.4 }), [2, 2])
  equal(await white({ kind: 'translate-y', argument: -0.4 }), [4, 4])
  equal(await white({ kind: 'shear-x', argument: 0.8 }), [2, 2]) // row 2 lies at 2.5: two columns
  equal(await white({ kind: 'shear-y', argument: -0.222 }), [3, 4]) // column 4 lies at 4.5: one row
})

test('the fill shows where there is no image, and images of one row or column are taken', async () => {
  const image = noise(4, 4)
  equal(
    [...(await apply(image, { kind: 'translate-x', argument: 2 }))],
    FILL.flatMap((value) => new Array(16).fill(value)),
  )
  for (const [width, height] of [
    [1, 1],
    [1, 6],
    [6, 1],
    [2, 2],
  ] as const) {
    const small = noise(width, height)
    is(largestDifference(await apply(small, { kind: 'sharpness', argument: 0.1 }), await identity(small)), 0)
    is((await apply(small, { kind: 'rotate', argument: 20 })).length, 3 * width * height)
  }
})

test('arguments that mean nothing are refused', async () => {
  const image = noise(4, 4)
  const refused = (op: object, message: RegExp) =>
    rejects(() => apply(image, op as ImageOp), 'ERR_INVALID_ARGUMENT', message)
  await refused({ kind: 'blur' }, /there is no 'blur'/)
  await refused({ kind: 'posterize', argument: 9 }, /op.argument: expected a number from 0 to 8, got 9/)
  await refused({ kind: 'solarize', argument: -1 }, /op.argument: expected/)
  await refused({ kind: 'rotate', argument: Number.NaN }, /op.argument: expected/)
})

test.run()
