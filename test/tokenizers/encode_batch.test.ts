import { equal, is } from 'uvu/assert'
import { Tensor } from '../../lib/tensor.js'
import { ConvDiscreteVae } from '../../lib/tokenizers/conv_discrete_vae.js'
import { encodeBatch } from '../../lib/tokenizers/encode_batch.js'
import { suite } from '../support/suite.js'
import { integers, randomNumbers } from '../support/tensors.js'

const test = suite('encode batch')

test('the tokens of uint8 images are those of their values over 255', async () => {
  const config = { imageSize: 16, layers: 2, vocabSize: 32, codebookDim: 8, hiddenSize: 8, resBlocks: 0 }
  const tokenizer = await ConvDiscreteVae.create({ ...config, seed: 1 })
  const bytes = Uint8Array.from(randomNumbers(2 * 3 * 16 * 16), (value) => 256 * value)
  const shape = [2, 3, 16, 16]
  const expected = await tokenizer.encode(
    Tensor.from(
      Float32Array.from(bytes, (value) => value / 255),
      shape,
    ),
  )
  const tokens = Array.from(await encodeBatch(tokenizer, Tensor.from(bytes, shape)), Number)
  is(tokens.length, 2 * 4 * 4)
  equal(tokens, await integers(expected))
})

test.run()
