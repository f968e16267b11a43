import { equal, is, ok } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { parseRandAugment } from '../../lib/data/rand_augment.js'
import { evaluationViews, trainingViews } from '../../lib/data/view_settings.js'
import type { ImageOp, RandAugmentSettings } from '../../lib/native.js'
import { assertEven, assertShares, histogram, moments } from '../support/distribution.js'
import { rejects } from '../support/errors.js'
import { largestDifference, noise, viewsOf } from '../support/image_views.js'
import { suite } from '../support/suite.js'

const test = suite('rand_augment')

const KINDS: ImageOp['kind'][] = [
  'auto-contrast',
  'equalize',
  'invert',
  'rotate',
  'posterize',
  'solarize',
  'solarize-add',
  'color',
  'contrast',
  'brightness',
  'sharpness',
  'shear-x',
  'shear-y',
  'translate-x',
  'translate-y',
]
/** Plans of `count` samples. */
const plans = (settings: RandAugmentSettings, count: number, seed = 1, epoch = 0) =>
  Array.from({ length: count }, (_, index) => native().randAugment(settings, seed, epoch, index))

test('the grammar: the original, the defaults of timm, every part', () => {
  equal(parseRandAugment('rand-m9-mstd0.5-inc1'), {
    magnitude: 9,
    magnitudeStd: 0.5,
    maxMagnitude: 10,
    layers: 2,
    probability: 0.5,
    increasing: true,
    interpolation: 'bicubic',
    fill: [128, 128, 128],
  })
  const plain = parseRandAugment('rand', { interpolation: 'random', mean: [0.485, 0.456, 0.406] })
  equal(plain, {
    magnitude: 10,
    magnitudeStd: 0,
    maxMagnitude: 10,
    layers: 2,
    probability: 0.5,
    increasing: false,
    interpolation: 'random',
    fill: [124, 116, 104], // 123.675, 116.28, 103.53
  })
  const full = parseRandAugment('rand-n3-p0.25-mmax30-m15-mstd101-inc0')
  equal(
    [full.layers, full.probability, full.maxMagnitude, full.magnitude, full.magnitudeStd],
    [3, 0.25, 30, 15, Number.POSITIVE_INFINITY],
  )
  is(parseRandAugment('rand-mstdinf').magnitudeStd, Number.POSITIVE_INFINITY)
})

test('what is wrong is named', async () => {
  const refused = (text: string, message: RegExp) =>
    rejects(() => parseRandAugment(text), 'ERR_INVALID_ARGUMENT', message)
  await refused('augmix-m3', /randAugment 'augmix-m3': it begins with 'augmix'; expected 'rand' and then/)
  await refused('', /begins with ''/)
  await refused('rand-m9-x3', /there is no part 'x3'/)
  await refused('rand-tweights', /there is no part 'tweights'/)
  await refused('rand-', /there is no part ''/)
  await refused('rand-n0', /part 'n0' \(operations for an image\): expected an integer from 1 to 100/)
  await refused('rand-n1.5', /part 'n1.5'/)
  await refused('rand-p1.1', /part 'p1.1' .*from 0 to 1/)
  await refused('rand-mstdx', /part 'mstdx' \(standard deviation/)
  await refused('rand-m', /part 'm' \(magnitude\)/)
  await refused('rand-inc2', /expected 0 or 1/)
  await refused('rand-m9-m8', /'m' \(magnitude\) is given twice/)
  await refused('rand-m11', /magnitude 11 is above the largest one, 10; lower m or add -mmax11/)
})

test('fifteen operations alike, each carried out half the time, in two layers', () => {
  const settings = parseRandAugment('rand-m9-mstd0.5-inc1', { interpolation: 'random' })
  const drawn = plans(settings, 15_000)
  assertShares(
    [0, 1, 2].map((length) => drawn.filter((ops) => ops.length === length).length),
    [0.25, 0.5, 0.25],
    'operations of an image',
  )
  const ops = drawn.flat()
  const of = (kind: ImageOp['kind']) => ops.filter((op) => op.kind === kind)
  assertEven(
    KINDS.map((kind) => of(kind).length),
    'kinds',
  )
  assertEven(
    ['bilinear', 'bicubic'].map((name) => ops.filter((op) => op.interpolation === name).length),
    'interpolations',
  )
  for (const kind of ['rotate', 'shear-x', 'translate-y'] as const) {
    const positive = of(kind).filter(({ argument }) => argument > 0).length
    assertEven([positive, of(kind).length - positive], `signs of ${kind}`)
  }
  const second = drawn.filter((pair) => pair.length === 2)
  assertEven(
    KINDS.map((kind) => second.filter(([, op]) => op?.kind === kind).length),
    'the second of two, whatever the first',
  )
})

test('magnitudes: fixed, normal and cut off at the largest, uniform', () => {
  const magnitudes = (text: string) =>
    plans(parseRandAugment(text), 12_000)
      .flat()
      .filter(({ kind }) => kind === 'shear-x' || kind === 'shear-y')
      .map(({ argument }) => (Math.abs(argument) / 0.3) * 10)
  ok(magnitudes('rand-m7').every((magnitude) => Math.abs(magnitude - 7) < 1e-12))
  const normal = moments(magnitudes('rand-m5-mstd0.5'))
  ok(Math.abs(normal.mean - 5) < 0.05 && Math.abs(Math.sqrt(normal.variance) - 0.5) < 0.04, `${normal}`)
  const near = magnitudes('rand-m9-mstd0.5')
  const cut = near.filter((magnitude) => magnitude === 10).length
  assertShares([cut, near.length - cut], [0.02275, 0.97725], 'two deviations above 9 are cut off at 10')
  const uniform = magnitudes('rand-m8-mstdinf').map((magnitude) => magnitude / 8)
  assertEven(histogram(uniform, 10), 'a uniform magnitude')
})

test('the arguments of every operation at a magnitude, as in timm', () => {
  /** timm 1.0.31 at magnitude 9, [increasing, not]; null: none. Signs are random. */
  const expected: Record<ImageOp['kind'], [number[], number[]]> = {
    'auto-contrast': [[0], [0]],
    equalize: [[0], [0]],
    invert: [[0], [0]],
    rotate: [
      [-27, 27],
      [-27, 27],
    ],
    posterize: [[1], [3]],
    solarize: [[26], [230]],
    'solarize-add': [[99], [99]],
    color: [[0.19, 1.81], [1.72]],
    contrast: [[0.19, 1.81], [1.72]],
    brightness: [[0.19, 1.81], [1.72]],
    sharpness: [[0.19, 1.81], [1.72]],
    'shear-x': [
      [-0.27, 0.27],
      [-0.27, 0.27],
    ],
    'shear-y': [
      [-0.27, 0.27],
      [-0.27, 0.27],
    ],
    'translate-x': [
      [-0.405, 0.405],
      [-0.405, 0.405],
    ],
    'translate-y': [
      [-0.405, 0.405],
      [-0.405, 0.405],
    ],
  }
  for (const [column, text] of ['rand-m9-inc1', 'rand-m9'].entries()) {
    const ops = plans(parseRandAugment(text), 1000).flat()
    for (const kind of KINDS) {
      const seen = new Set(ops.filter((op) => op.kind === kind).map(({ argument }) => +argument.toFixed(6)))
      equal(
        [...seen].sort((a, b) => a - b),
        expected[kind][column],
        `${text}: ${kind}`,
      )
    }
  }
  const greatest = plans(parseRandAugment('rand-m30-mmax30-inc1'), 500).flat()
  const factors = greatest.filter(({ kind }) => kind === 'color').map(({ argument }) => argument)
  is(Math.min(...factors), 0.1)
  ok(Math.abs(Math.max(...factors) - 3.7) < 1e-12)
  ok(greatest.filter(({ kind }) => kind === 'posterize').every(({ argument }) => argument === 0))
  ok(greatest.filter(({ kind }) => kind === 'solarize').every(({ argument }) => argument === 0))
})

test('a plan is a pure function of seed, epoch and sample', () => {
  const settings = parseRandAugment('rand-m9-mstd0.5-inc1')
  equal(plans(settings, 50), plans(settings, 50))
  const differs = (a: ImageOp[][], b: ImageOp[][]) =>
    a.filter((plan, i) => JSON.stringify(plan) !== JSON.stringify(b[i])).length
  ok(differs(plans(settings, 50), plans(settings, 50, 2)) > 30)
  ok(differs(plans(settings, 50), plans(settings, 50, 1, 1)) > 30)
})

test('the loader carries the plan out on the resized view, and only in training', async () => {
  const randAugment = parseRandAugment('rand-m9-mstd0.5-inc1-n3-p1')
  const needs = { imageSize: [20, 24], tokenImageSize: null, maskGrid: null } as const
  const common = { seed: 5, colorJitter: [0, 0, 0] } as const
  const image = noise(40, 30)
  const indices = [0, 1, 2, 3, 4, 5]
  const before = await viewsOf(image, trainingViews(needs, common), indices)
  const after = await viewsOf(image, trainingViews(needs, { ...common, randAugment }), indices)
  for (const index of indices) {
    let planes = before[index] as Uint8Array
    for (const op of native().randAugment(randAugment, 5, 0, index)) {
      const rgb = Uint8Array.from(planes, (_, i) => planes[(i % 3) * 480 + Math.floor(i / 3)] as number)
      planes = await native().applyImageOp({ rgb, width: 24, height: 20 }, op, randAugment.fill)
    }
    is(largestDifference(after[index] as Uint8Array, planes), 0, `sample ${index}`)
  }
  is(evaluationViews(needs, { randAugment }).randAugment, null)
  const four = await viewsOf(image, trainingViews(needs, { ...common, randAugment }), indices, 4)
  equal(four, after)
})

test('settings that no grammar made are checked as well', async () => {
  const needs = { imageSize: [8, 8], tokenImageSize: null, maskGrid: null } as const
  const good = parseRandAugment('rand')
  const refused = (change: object, message: RegExp) =>
    rejects(
      () =>
        native().imageLoaderCreate(trainingViews(needs, { randAugment: { ...good, ...change } as never }), 1),
      'ERR_INVALID_ARGUMENT',
      message,
    )
  await refused({ layers: 0 }, /randAugment.layers: expected a whole number from 1 to 100/)
  await refused({ magnitude: 11 }, /randAugment.magnitude: expected/)
  await refused({ probability: Number.NaN }, /randAugment.probability/)
  await refused({ fill: [0, 0, 256] }, /randAugment.fill: expected red, green, blue/)
  await refused({ interpolation: 'lanczos' }, /bilinear, bicubic or random, got 'lanczos'/)
  await rejects(
    () => trainingViews({ ...needs, tokenImageSize: [4, 4] }, { randAugment: good }),
    'ERR_INVALID_ARGUMENT',
    /randAugment must be null/,
  )
})

test.run()
