/** What fine-tuning asks of the loader for an image. */
import { equal, is } from 'uvu/assert'
import { validateOptions } from '../../lib/options.js'
import { classificationViews } from '../../lib/train/classification_views.js'
import type { Interpolation } from '../../lib/train/crop_options.js'
import { type FinetuneSettings, finetuneSchema } from '../../lib/train/finetune_options.js'
import { suite } from '../support/suite.js'
import { microClassifier, microFinetune, stripes } from './micro_finetune.js'

const test = suite('classification views')

async function views(model: Parameters<typeof microClassifier>[0], more: Partial<FinetuneSettings> = {}) {
  const given = { ...(await microFinetune('none', await stripes(1))), model: await microClassifier(model) }
  return classificationViews(validateOptions('finetune', finetuneSchema, { ...given, ...more }))
}

test('crop and RandAugment interpolate as the model says, RandAugment without Lanczos', async () => {
  const cases: [Interpolation, string][] = [
    ['bicubic', 'bicubic'],
    ['bilinear', 'bilinear'],
    ['lanczos', 'bicubic'],
  ]
  for (const [interpolation, warped] of cases) {
    const mean = [0.2, 0.4, 0.6] as const
    const made = await views({ preprocessing: { interpolation, mean } })
    equal([made.interpolation, made.randAugment?.interpolation], [interpolation, warped])
    equal(made.randAugment?.fill, [51, 102, 153])
  }
})

test('padded crops up to 32 pixels, crops of scale and ratio above, unless one is given', async () => {
  is((await views({})).crop, 'random-crop')
  is((await views({ imageSize: 40 })).crop, 'random-resized-crop')
  is((await views({}, { crop: 'random-resized-crop' })).crop, 'random-resized-crop')
})

test('colour jitter takes no part beside RandAugment', async () => {
  equal((await views({})).colorJitter, [0, 0, 0])
  const jittered = await views({}, { randAugment: null })
  equal([jittered.colorJitter, jittered.randAugment], [[0.4, 0.4, 0.4], null])
})

test.run()
