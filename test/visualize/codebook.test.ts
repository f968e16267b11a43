import sharp from 'sharp'
import * as assert from 'uvu/assert'
import { ImageFolder } from '../../lib/data/image_folder.js'
import { ConvDiscreteVae } from '../../lib/tokenizers/conv_discrete_vae.js'
import { CodeExamples } from '../../lib/visualize/code_examples.js'
import { codebook } from '../../lib/visualize/codebook.js'
import { cut } from '../../lib/visualize/rgb_image.js'
import { rejects } from '../support/errors.js'
import { folderOf, imageFiles } from '../support/image_sets.js'
import { suite } from '../support/suite.js'

const test = suite('visualize.codebook')

const tiny = { imageSize: 32, layers: 2, vocabSize: 8, codebookDim: 8, hiddenSize: 8, resBlocks: 0 }

/** A patch of one pixel that tells where it was. */
const marked = (image: number, place: number) => ({
  width: 1,
  height: 1,
  rgb: Uint8Array.from([image, place, 0]),
})

test('examples: all tokens are counted, a code gets one patch an image and no more than the limit', () => {
  const examples = new CodeExamples(4, 3, 0)
  for (let image = 0; image < 5; image++)
    examples.add(BigInt64Array.from([1n, 1n, 2n, image === 4 ? 3n : 1n]), (place) => marked(image, place))
  assert.equal([...examples.counts], [0, 14, 5, 1])
  assert.is(examples.images, 5)
  const imagesOf = (code: number) => examples.of(code).map(({ rgb }) => rgb[0])
  assert.is(new Set(imagesOf(1)).size, 3)
  assert.is(new Set(imagesOf(2)).size, 3)
  assert.equal(
    examples.of(3).map(({ rgb }) => [...rgb]),
    [[4, 3, 0]],
  )
  assert.equal(examples.of(0), [])
  for (const { rgb } of examples.of(2)) assert.is(rgb[1], 2, 'the patch of the token')
})

test('examples: a choice that does not prefer early images, and the same one again', () => {
  const choose = (seed: number) => {
    const examples = new CodeExamples(1, 50, seed)
    for (let image = 0; image < 200; image++) examples.add(BigInt64Array.of(0n), () => marked(image, 0))
    return examples.of(0).map(({ rgb }) => rgb[0] as number)
  }
  const chosen = choose(1)
  assert.equal(chosen, choose(1))
  assert.not.equal(chosen, choose(2))
  const late = chosen.filter((image) => image >= 100).length
  assert.ok(late > 12 && late < 38, `${late} of 50 from the second half`)
})

test('a cut square has the pixels of its place', () => {
  const rgb = Uint8Array.from({ length: 5 * 4 * 3 }, (_, i) => i)
  const { rgb: square } = cut({ width: 5, height: 4, rgb }, 3, 1, 2)
  assert.equal([...square], [24, 25, 26, 27, 28, 29, 39, 40, 41, 42, 43, 44])
})

test('a row a code, with the code decoded alone in front', async () => {
  using tokenizer = await ConvDiscreteVae.create({ ...tiny, seed: 1 })
  const data = await ImageFolder.open(folderOf(await imageFiles(6)))
  const picture = await codebook({ tokenizer, data, codes: [5, 0, 7], patches: 2, images: 4, batchSize: 3 })
  const { width, height } = await sharp(picture.png).metadata()
  assert.equal([width, height], [picture.width, picture.height])
  // Patches of 4 pixels become cells of 64, 8 apart.
  assert.is(picture.height, 92 + 3 * 72 - 8 + 28 + 24)
  const same = await codebook({ tokenizer, data, codes: [5, 0, 7], patches: 2, images: 4, batchSize: 1 })
  assert.ok(same.png.equals(picture.png), 'the size of the batches changes nothing')
})

test('wrong options are refused', async () => {
  using tokenizer = await ConvDiscreteVae.create({ ...tiny, seed: 1 })
  const data = await ImageFolder.open(folderOf(await imageFiles(1)))
  const wrong = (options: object, message: RegExp) =>
    rejects(codebook({ tokenizer, data, ...options }), 'ERR_INVALID_ARGUMENT', message)
  await wrong({ codes: [8] }, /codes must be whole numbers from 0 to 7, got 8/)
  await wrong({ codes: [0.5] }, /codes must be whole numbers/)
  await wrong({ imageSize: 30 }, /multiples of 4/)
  await wrong({ tokenizer: {} }, /tokenizer must be an image tokenizer/)
  await wrong({ data: null }, /data must be an image source/)
  await wrong({ patch: 3 }, /did you mean 'patches'/)
})

test.run()
