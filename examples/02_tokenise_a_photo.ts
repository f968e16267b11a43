/**
 * An image becomes visual tokens, as a sentence becomes words, and tokens become an image again. It takes the tokenizer
 * that `npm start` has trained where there is one, else one with random weights, whose tokens mean nothing.
 *
 *   node dist/examples/02_tokenise_a_photo.js                            an image made from nothing
 *   node dist/examples/02_tokenise_a_photo.js --photos photos/           the first image of a folder
 *   node dist/examples/02_tokenise_a_photo.js --tokenizer encoder.pkl    OpenAI's, or a file of your own
 *   node dist/examples/02_tokenise_a_photo.js --output runs/tokens       where the picture goes
 */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  batches,
  ConvDiscreteVae,
  evaluationViews,
  ImageFolder,
  loadTokenizer,
  reconstructionSheet,
  Tensor,
} from 'beit-torch'
import { makeImages } from './support/procedural_images.js'

const { values: flags } = parseArgs({
  options: {
    photos: { type: 'string' },
    tokenizer: { type: 'string', default: 'runs/quickstart/tokenizer/tokenizer.safetensors' },
    output: { type: 'string', default: 'runs/tokens' },
  },
})

// 1. The tokenizer.
const isThere = await stat(flags.tokenizer).catch(() => null)
using tokenizer = isThere
  ? await loadTokenizer(flags.tokenizer)
  : await ConvDiscreteVae.create({
      imageSize: 64,
      layers: 3,
      vocabSize: 64,
      codebookDim: 64,
      hiddenSize: 48,
      seed: 0,
    })
console.log(isThere ? `tokenizer  ${flags.tokenizer}` : 'tokenizer  random weights: npm start trains one')

// 2. An image of 64 pixels, the middle of the first one.
if (flags.photos === undefined) await makeImages(join(flags.output, 'images'), { perClass: 2, seed: 0 })
const data = await ImageFolder.open(flags.photos ?? join(flags.output, 'images'))
const views = evaluationViews({ imageSize: [64, 64], tokenImageSize: null, maskGrid: null })
const pass = { views, batchSize: 1, epochs: 1, shuffle: false, dropLast: false }
for await (const batch of batches(data, pass)) {
  using held = batch
  console.log('image     ', data.sample(0).key, held.pixels.shape)

  // 3. Tokens: a grid of numbers, one for 8 x 8 pixels. Tokenizers take pixels in [0, 1].
  const bytes = await held.pixels.toTypedArray()
  using pixels = Tensor.from(
    Float32Array.from(bytes as Uint8Array, (x) => x / 255),
    held.pixels.shape,
  )
  using tokens = await tokenizer.encode(pixels)
  const [, rows = 0, columns = 0] = tokens.shape
  const numbers = Array.from(await tokens.toTypedArray(), Number)
  console.log(`tokens     ${rows} x ${columns}, each one of ${tokenizer.vocabSize}`)
  for (let row = 0; row < rows; row++) {
    const line = numbers.slice(row * columns, (row + 1) * columns)
    console.log(`           ${line.map((token) => String(token).padStart(4)).join(' ')}`)
  }
  console.log(`different  ${new Set(numbers).size}`)
  break
}

// 4. And back: what the tokens keep of images. OpenAI's needs its decoder for that: DalleTokenizer.load(...).
if (!tokenizer.hasDecoder) console.log('picture    none without a decoder')
else {
  const picture = await reconstructionSheet({ tokenizer, data, imageSize: 64, count: 8 })
  await picture.save(join(flags.output, 'reconstructions.png'))
  console.log(`picture    ${join(flags.output, 'reconstructions.png')}`)
}
