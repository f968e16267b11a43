import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { BeitForMaskedImageModeling, ConvDiscreteVae, ImageFolder, visualize } from '../../lib/index.js'
import { folderOf, imageFiles } from '../support/image_sets.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { runBeit } from './run_beit.js'

const test = suite('beit visualize')

test('masks: what visualize.masks() draws; a file that is there stays without --force', async () => {
  const output = join(temporary(), 'new', 'masks.png')
  const flags = ['visualize', 'masks', '--output', output, '--grid', '6,8', '--seed', '4', '--count', '3']
  const ran = await runBeit([...flags, '--mask-mode', 'random'])
  assert.is(ran.code, 0, ran.stderr)
  assert.match(ran.stdout, /masks\.png/)
  const expected = await visualize.masks({ grid: [6, 8], seed: 4, count: 3, maskMode: 'random' })
  assert.ok((await readFile(output)).equals(expected.png))

  await writeFile(output, 'mine')
  const refused = await runBeit(flags)
  assert.is(refused.code, 1)
  assert.match(refused.stderr, /masks\.png is there already; --force replaces it \(ERR_OUTPUT_EXISTS\)/)
  assert.is(await readFile(output, 'utf8'), 'mine')
  assert.is((await runBeit([...flags, '--force'])).code, 0)
  assert.is((await readFile(output)).subarray(1, 4).toString(), 'PNG')
})

test('codebook, attention and reconstruct: what the functions draw', async () => {
  const folder = temporary()
  const shape = { imageSize: 64, patchSize: 8, hiddenSize: 24, depth: 2, heads: 2, vocabSize: 16 }
  const codes = { layers: 2, vocabSize: 16, codebookDim: 8, hiddenSize: 8, resBlocks: 0, seed: 0 }
  using model = await BeitForMaskedImageModeling.create(shape, { seed: 0 })
  using tokenizer = await ConvDiscreteVae.create({ ...codes, imageSize: 32 })
  const [weights, tokens] = [join(folder, 'model.safetensors'), join(folder, 'tokenizer.safetensors')]
  await model.save(weights)
  await tokenizer.save(tokens)
  const images = folderOf(await imageFiles(4))
  const data = await ImageFolder.open(images)
  const draws = {
    codebook: {
      args: ['--tokenizer', tokens, '--codes', '3,5', '--patches', '2'],
      picture: await visualize.codebook({ tokenizer, data, codes: [3, 5], patches: 2 }),
    },
    attention: {
      args: ['--model', weights, '--layer', '0', '--patch', '1,2', '--show-heads', '1', '--count', '2'],
      picture: await visualize.attention({ model, data, layer: 0, patch: [1, 2], showHeads: [1], count: 2 }),
    },
    reconstruct: {
      args: ['--model', weights, '--tokenizer', tokens, '--count', '2', '--mask-patches', '30'],
      picture: await visualize.reconstruct({ model, tokenizer, data, count: 2, maskPatches: 30 }),
    },
  }
  for (const [name, { args, picture }] of Object.entries(draws)) {
    const output = join(folder, `${name}.png`)
    const ran = await runBeit(['visualize', name, ...args, '--data', images, '--output', output])
    assert.is(ran.code, 0, ran.stderr)
    assert.ok((await readFile(output)).equals(picture.png), name)
  }
  const single = join(folder, 'single.png')
  const ran = await runBeit([
    'visualize',
    'attention',
    '--model',
    weights,
    '--data',
    join(images, '0000.png'),
    '--output',
    single,
  ])
  assert.is(ran.code, 0, ran.stderr)
})

test('wrong use is told in the words of the command line', async () => {
  const wrong = async (args: readonly string[], message: RegExp) => {
    const { code, stderr } = await runBeit(['visualize', ...args])
    assert.is(code, 2, stderr)
    assert.match(stderr, message)
  }
  const output = join(temporary(), 'x')
  await wrong(['masks', '--output', `${output}.jpg`], /--output must be a \.png file/)
  await wrong(
    ['masks', '--output', `${output}.png`, '--count', '0'],
    /--count must be an integer from 1 to 256/,
  )
  await wrong(['maks'], /did you mean 'beit visualize masks'/)
})

test.run()
