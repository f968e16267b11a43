import sharp from 'sharp'
import * as assert from 'uvu/assert'
import { ImageFolder } from '../../lib/data/image_folder.js'
import { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import { ConvDiscreteVae } from '../../lib/tokenizers/conv_discrete_vae.js'
import { fill, reconstruct } from '../../lib/visualize/reconstruct.js'
import { rejects } from '../support/errors.js'
import { folderOf, imageFiles } from '../support/image_sets.js'
import { suite } from '../support/suite.js'

const test = suite('visualize.reconstruct')

const shape = { imageSize: 64, patchSize: 8, hiddenSize: 24, depth: 2, heads: 2, vocabSize: 16 }
const codes = { layers: 2, vocabSize: 16, codebookDim: 8, hiddenSize: 8, resBlocks: 0, seed: 0 }

test('fill: masked patches come from the filling, the others stay', () => {
  const flat = (value: number) => ({ width: 4, height: 2, rgb: new Uint8Array(24).fill(value) })
  const { rgb } = fill(flat(1), flat(9), [0, 1], [1, 2])
  const row = [1, 1, 9, 9].flatMap((value) => [value, value, value])
  assert.equal([...rgb], [...row, ...row])
})

test('what the model saw stays as it was; the rest is decoded', async () => {
  using model = await BeitForMaskedImageModeling.create(shape, { seed: 0 })
  using tokenizer = await ConvDiscreteVae.create({ ...codes, imageSize: 32 })
  const data = await ImageFolder.open(folderOf(await imageFiles(3)))
  const picture = await reconstruct({
    ...{ model, tokenizer, data, count: 2 },
    ...{ maskMode: 'exact', maskPatches: 20 },
  })
  const { data: drawn, info } = await sharp(picture.png)
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  const at = (x: number, y: number) => drawn.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3)
  // Patches of 16 in cells of 128, 8 apart.
  for (const image of [0, 1]) {
    let masked = 0
    for (let patch = 0; patch < 64; patch++) {
      const x = 190 + image * 136 + (patch % 8) * 16 + 8
      const y = (row: number) => 92 + row * 136 + Math.floor(patch / 8) * 16 + 8
      if (at(x, y(1)).join() === '141,150,159') {
        masked++
        assert.not.equal([...at(x, y(2))], [...at(x, y(0))], `patch ${patch} is filled`)
      } else {
        assert.equal([...at(x, y(2))], [...at(x, y(0))], `patch ${patch} is kept`)
        assert.equal([...at(x, y(3))], [...at(x, y(0))], `patch ${patch} is kept by the right tokens`)
      }
    }
    assert.is(masked, 20)
  }
})

test('wrong options are refused', async () => {
  using model = await BeitForMaskedImageModeling.create(shape, { seed: 0 })
  using tokenizer = await ConvDiscreteVae.create({ ...codes, imageSize: 32 })
  using other = await ConvDiscreteVae.create({ ...codes, vocabSize: 8, imageSize: 32 })
  const data = await ImageFolder.open(folderOf(await imageFiles(1)))
  const wrong = (options: object, message: RegExp) =>
    rejects(reconstruct({ model, tokenizer, data, ...options }), 'ERR_INVALID_ARGUMENT', message)
  await wrong({ count: 0 }, /count must be an integer from 1 to 256/)
  await wrong({ model: tokenizer }, /model must be a BeitForMaskedImageModeling/)
  await wrong({ maskPatches: 65 }, /from 1 to the 64 patches/)
  await wrong({ mask: 3 }, /reconstruct has no option 'mask'/)
  await rejects(reconstruct({ model, tokenizer: other, data }), 'ERR_SHAPE_MISMATCH', /8.*16|16.*8/)
})

test.run()
