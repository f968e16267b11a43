import { equal } from 'uvu/assert'
import { maskSettings } from '../../lib/data/masks.js'
import { evaluationViews, trainingViews } from '../../lib/data/view_settings.js'
import type { MaskSettings } from '../../lib/native.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'

const test = suite('view settings')

const mask: MaskSettings = {
  grid: [14, 14],
  mode: 'original',
  patches: 75,
  minPatchesPerBlock: 16,
  maxPatchesPerBlock: null,
  minAspect: 0.3,
}
const needs = { imageSize: [224, 224], tokenImageSize: [112, 112], maskGrid: [14, 14] } as const

test('defaults are those of the original', () => {
  equal(trainingViews(needs, { seed: 7, mask }), {
    seed: 7,
    mask,
    crop: 'random-resized-crop',
    padding: 0,
    cropShare: 1,
    scale: [0.08, 1],
    ratio: [0.75, 4 / 3],
    interpolation: 'bicubic',
    tokenInterpolation: 'lanczos',
    flipProbability: 0.5,
    colorJitter: [0.4, 0.4, 0.4],
    randAugment: null,
    maxPixels: 178_956_970,
    imageSize: [224, 224],
    tokenImageSize: [112, 112],
  })
})

test('evaluation crops the middle and changes nothing else of the image', () => {
  const views = evaluationViews(needs, {
    seed: 7,
    mask,
    colorJitter: [0.4, 0.4, 0.4],
    interpolation: 'bilinear',
  })
  equal(
    [views.crop, views.flipProbability, views.colorJitter, views.interpolation, views.mask],
    ['center-crop', 0, [0, 0, 0], 'bilinear', mask],
  )
})

test('an option that is undefined is left at its default', () => {
  const { scale } = trainingViews({ ...needs, maskGrid: null }, { scale: undefined })
  equal(scale, [0.08, 1])
})

test('wrong settings are refused by name', async () => {
  const refused = (options: object, message: RegExp, other = {}) =>
    rejects(
      () => trainingViews({ ...needs, ...other }, { mask, ...options }),
      'ERR_INVALID_ARGUMENT',
      message,
    )
  await refused({ scale: [0, 1] }, /scale must be \[from, to\] with 0 < from <= to <= 1, got \[0,1\]/)
  await refused({ scale: [0.5, 0.4] }, /scale must be/)
  await refused({ scale: [0.5, 1.1] }, /scale must be/)
  await refused({ ratio: [2, 1] }, /ratio must be/)
  await refused({ flipProbability: Number.NaN }, /flipProbability must be/)
  await refused({ colorJitter: [0.4, 0.4] }, /colorJitter must be 3 numbers/)
  await refused({ maxPixels: 0 }, /maxPixels must be/)
  await refused({ seed: -1 }, /seed must be/)
  await refused({}, /imageSize must be/, { imageSize: [0, 224] })
  await refused({}, /tokenImageSize must be/, { tokenImageSize: [112, 1.5] })
  await refused({ mask: null }, /mask must be mask settings, got null/)
  await refused({}, /mask must be null/, { maskGrid: null })
  const other = maskSettings([7, 7])
  await rejects(
    () => trainingViews(needs, { mask: other }),
    'ERR_SHAPE_MISMATCH',
    /grid is 7x7.*14x14 patches/,
  )
})

test.run()
