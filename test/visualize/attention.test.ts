import sharp from 'sharp'
import * as assert from 'uvu/assert'
import { floatPixels } from '../../lib/data/float_pixels.js'
import { ImageFolder } from '../../lib/data/image_folder.js'
import { preprocessedViews } from '../../lib/data/preprocessed_views.js'
import { imagePreprocessing } from '../../lib/data/preprocessing.js'
import { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import { attention, heat } from '../../lib/visualize/attention.js'
import { someImages } from '../../lib/visualize/image_batches.js'
import { imagesOf, type RgbImage } from '../../lib/visualize/rgb_image.js'
import { glow } from '../../lib/visualize/shades.js'
import { rejects } from '../support/errors.js'
import { folderOf, imageFiles } from '../support/image_sets.js'
import { suite } from '../support/suite.js'

const test = suite('visualize.attention')

const SHAPE = { imageSize: 32, patchSize: 8, hiddenSize: 24, depth: 2, heads: 3, vocabSize: 4 }
const PREPROCESSING = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } as const

test('heat: each patch glows by its share of the largest', () => {
  const image = { width: 4, height: 2, rgb: new Uint8Array(4 * 2 * 3) }
  const { rgb } = heat(image, Float64Array.of(0, 0.02, 0.04, 0.04), [1, 4])
  const expected = [0, 0.5, 1, 1].flatMap((value) =>
    glow(value).map((channel) => Math.round(channel * (0.3 + 0.5 * value))),
  )
  assert.equal([...rgb], [...expected, ...expected])
})

test('the maps drawn are those of the model, from the patch asked for', async () => {
  using model = await BeitForMaskedImageModeling.create(SHAPE, { seed: 0 })
  model.preprocessing = PREPROCESSING
  const data = await ImageFolder.open(folderOf(await imageFiles(2)))
  const picture = await attention({ model, data, count: 1, layer: 1, patch: [2, 3], showHeads: [2] })

  const preprocessing = imagePreprocessing(PREPROCESSING, [32, 32])
  using batch = await someImages(data, preprocessedViews([32, 32], preprocessing), 1, 0)
  const { mean, std } = preprocessing
  const maps = await model.attentionMaps(await floatPixels(batch.pixels, 'cpu', mean, std), { layer: 1 })
  const query = 1 + 2 * 4 + 3
  const from = (2 * 17 + query) * 17
  const row = Array.from((await maps.toFloat32()).subarray(from + 1, from + 17))

  const { data: drawn, info } = await sharp(picture.png)
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  const [image] = await imagesOf(batch.pixels)
  const { rgb } = heat(image as RgbImage, Float64Array.from(row), [4, 4])
  // Cells of 128 are 8 apart: the image, the mean, head 2. A pixel takes 4 by 4; the outline is around patch (2, 3).
  for (let patch = 0; patch < 16; patch++) {
    const [x, y] = [(patch % 4) * 8 + 4, Math.floor(patch / 4) * 8 + 4]
    const at = ((92 + 4 * y + 2) * info.width + 190 + 2 * 136 + 4 * x + 2) * 3
    const from = (y * 32 + x) * 3
    assert.equal([...drawn.subarray(at, at + 3)], [...rgb.subarray(from, from + 3)], `patch ${patch}`)
  }
})

test('wrong options are refused', async () => {
  using model = await BeitForMaskedImageModeling.create(SHAPE, { seed: 0 })
  const data = await ImageFolder.open(folderOf(await imageFiles(1)))
  const wrong = (options: object, message: RegExp) =>
    rejects(attention({ model, data, ...options }), 'ERR_INVALID_ARGUMENT', message)
  await wrong({ layer: 2 }, /layer must be a whole number from 0 to 1, got 2/)
  await wrong({ patch: [4, 0] }, /patch row must be a whole number from 0 to 3, got 4/)
  await wrong({ patch: [0, 9] }, /patch column must be/)
  await wrong({ patch: 3 }, /patch must be an array of 2 numbers/)
  await wrong({ showHeads: [0, 3] }, /showHeads must be a whole number from 0 to 2, got 3/)
  await wrong({ model: {} }, /model must be a BEiT/)
})

test.run()
