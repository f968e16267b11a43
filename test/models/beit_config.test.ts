import { equal, is, throws } from 'uvu/assert'
import { BeitError } from '../../lib/errors.js'
import { beitPresets, resolveBeitConfig } from '../../lib/models/beit_config.js'
import { suite } from '../support/suite.js'

const test = suite('BeitConfig')

test('base in release form is the architecture of the public code', () => {
  equal(resolveBeitConfig('beit_base_patch16_224'), {
    imageSize: [224, 224],
    patchSize: 16,
    hiddenSize: 768,
    depth: 12,
    heads: 12,
    mlpRatio: 4,
    vocabSize: 8192,
    numClasses: 1000,
    layerScaleInit: 0.1,
    absolutePositions: false,
    relativePositions: 'shared',
    dropPath: 0.1,
    normEps: 1e-6,
    pooling: 'mean',
  })
})

test('the paper form is a plain ViT', () => {
  const { layerScaleInit, absolutePositions, relativePositions } = resolveBeitConfig(
    'beit_large_patch16_224_paper',
  )
  equal([layerScaleInit, absolutePositions, relativePositions], [0, true, 'none'])
})

test('there are four sizes at three resolutions in two forms', () => {
  is(beitPresets.length, 24)
  const sizes = ['tiny', 'small', 'base', 'large'].map((size) => {
    const { hiddenSize, depth, heads, layerScaleInit, imageSize } = resolveBeitConfig(
      `beit_${size}_patch16_384`,
    )
    return [hiddenSize, depth, heads, layerScaleInit, imageSize[0]]
  })
  equal(sizes, [
    [192, 12, 3, 0.1, 384],
    [384, 12, 6, 0.1, 384],
    [768, 12, 12, 0.1, 384],
    [1024, 24, 16, 1e-5, 384],
  ])
})

test('overrides win, undefined does not, and an image may be a rectangle', () => {
  const config = resolveBeitConfig('beit_tiny_patch16_224', {
    imageSize: [96, 64],
    patchSize: 8,
    hiddenSize: undefined,
  })
  equal([config.imageSize, config.patchSize, config.hiddenSize], [[96, 64], 8, 192])
  equal(resolveBeitConfig({ imageSize: 32, patchSize: 4 }).imageSize, [32, 32])
})

test('what is wrong is named with what would be right', () => {
  const wrong = (given: object | string, message: RegExp) =>
    throws(
      () => resolveBeitConfig(given),
      (error: unknown) =>
        error instanceof BeitError && error.code === 'ERR_INVALID_ARGUMENT' && message.test(error.message),
    )
  wrong('beit_base_patch16_244', /no preset 'beit_base_patch16_244'; did you mean 'beit_base_patch16_224'/)
  wrong({ hidenSize: 768 }, /no option 'hidenSize'; did you mean 'hiddenSize'/)
  wrong({ imageSize: 225 }, /multiple of patchSize 16, got \[225, 225\]; the nearest are 224 and 240/)
  wrong({ imageSize: [224] }, /imageSize must be a number of pixels or \[height, width\], got \[224\]/)
  wrong({ imageSize: '224' }, /imageSize must be .* got "224"/)
  wrong({ hiddenSize: 100, heads: 12 }, /hiddenSize must be a multiple of heads, got hiddenSize 100/)
  wrong({ depth: 0 }, /depth must be an integer from 1 .* got 0/)
  wrong({ depth: 1.5 }, /depth must be an integer/)
  wrong({ dropPath: 1 }, /dropPath must be a number from 0 to 0.999, got 1/)
  wrong({ layerScaleInit: -0.1 }, /layerScaleInit must be a number of at least 0/)
  wrong({ relativePositions: 'share' }, /must be one of none, shared, per-block.*did you mean 'shared'/)
  wrong({ absolutePositions: 1 }, /absolutePositions must be true or false, got 1/)
  wrong([] as object, /must be the name of a preset or a configuration/)
})

test.run()
