/**
 * The examples in the doc comments of `visualize` and of `attentionMaps`: each runs as it stands there, and makes the
 * picture it saves.
 */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import * as assert from 'uvu/assert'
import {
  BeitForMaskedImageModeling,
  ConvDiscreteVae,
  ImageFolder,
  Tensor,
  visualize,
} from '../../lib/index.js'
import { folderOf, imageFiles } from '../support/image_sets.js'
import { packageRoot } from '../support/paths.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'

const test = suite('examples of visualize')

/** The code behind each @example of a file, without the stars. */
function examplesOf(file: string): string[] {
  const source = readFileSync(join(packageRoot, 'lib', file), 'utf8')
  return [...source.matchAll(/@example\n(.*?)(?:@throws|\*\/)/gs)].map(([, block]) =>
    (block as string).replace(/^ *\* ?/gm, ''),
  )
}

type AsyncBody = (...values: unknown[]) => Promise<void>
const AsyncFunction = (async () => {}).constructor as new (...parts: string[]) => AsyncBody

for (const name of Object.keys(visualize).filter((name) => !name.endsWith('Schema'))) {
  test(`visualize.${name}`, async () => {
    const [example, ...more] = examplesOf(`visualize/${name}.ts`)
    assert.ok(example !== undefined && more.length === 0, 'one example a function')
    const data = await ImageFolder.open(folderOf(await imageFiles(6)))
    const sizes = { layers: 3, vocabSize: 16, codebookDim: 8, hiddenSize: 8, resBlocks: 0 }
    using tokenizer = await ConvDiscreteVae.create({ ...sizes, imageSize: 64, seed: 0 })
    const shape = { imageSize: 64, patchSize: 8, hiddenSize: 24, depth: 3, heads: 2, vocabSize: 16 }
    using model = await BeitForMaskedImageModeling.create(shape, { seed: 0 })

    const folder = temporary()
    const file = /\.save\('(\w+\.png)'\)/.exec(example as string)?.[1] as string
    const body = (example as string).replace(`'${file}'`, JSON.stringify(join(folder, file)))
    await new AsyncFunction('visualize', 'model', 'tokenizer', 'data', body)(
      visualize,
      model,
      tokenizer,
      data,
    )
    assert.ok(statSync(join(folder, file)).size > 0)
    assert.ok(((await sharp(join(folder, file)).metadata()).width ?? 0) > 300)
  })
}

test('model.attentionMaps', async () => {
  const example = examplesOf('models/beit_model.ts').find((code) => code.includes('attentionMaps('))
  const shape = { imageSize: 32, patchSize: 8, hiddenSize: 24, depth: 2, heads: 3, vocabSize: 16 }
  using model = await BeitForMaskedImageModeling.create(shape, { seed: 0 })
  using pixels = Tensor.from(new Float32Array(2 * 3 * 32 * 32), [2, 3, 32, 32])
  const printed: unknown[] = []
  const console = { log: (value: unknown) => printed.push(value) }
  await new AsyncFunction('model', 'pixels', 'console', example as string)(model, pixels, console)
  assert.equal(printed, [[2, 3, 17, 17]])
})

test.run()
