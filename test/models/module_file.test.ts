/** Models as files: written whole, read back equal, refused with a reason. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { equal, is, not } from 'uvu/assert'
import { readSafetensorsHeader, writeSafetensors } from '../../lib/checkpoint/safetensors.js'
import { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import { Tensor } from '../../lib/tensor.js'
import { ConvDiscreteVae } from '../../lib/tokenizers/conv_discrete_vae.js'
import { saved, tensor } from '../support/checkpoint_builder.js'
import { rejects } from '../support/errors.js'
import * as p from '../support/pickle_builder.js'
import { SMALL } from '../support/small_beit.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'

const test = suite('model files')
for (const name of ['model.safetensors', 'model.pth']) {
  test(`a model comes back from ${name} with its configuration and weights`, async () => {
    const path = join(temporary(), name)
    // Neither dropPath nor, of absolute positions, the heads can be told from shapes.
    const switches = { relativePositions: 'none', absolutePositions: true, dropPath: 0.3 } as const
    using model = await BeitForMaskedImageModeling.create(SMALL, { seed: 5, ...switches })
    await model.save(path)
    using loaded = await BeitForMaskedImageModeling.load(path)
    equal(loaded.config, model.config)
    const [saved, read] = [await model.stateDict(), await loaded.stateDict()]
    equal([...read.keys()], [...saved.keys()])
    for (const [name, tensor] of saved) {
      equal(await read.get(name)?.toTypedArray(), await tensor.toTypedArray(), name)
    }
  })
}

test('the file holds what it is, and its folder nothing else', async () => {
  const folder = temporary()
  using model = await BeitForMaskedImageModeling.create(SMALL)
  await model.save(join(folder, 'model.safetensors'))
  await model.save(join(folder, 'model.safetensors'))
  equal(readdirSync(folder), ['model.safetensors'])
  const { metadata } = await readSafetensorsHeader(join(folder, 'model.safetensors'))
  is(metadata.kind, 'beit_for_masked_image_modeling')
  is(metadata.library, 'beit-torch')
  equal(JSON.parse(metadata.config as string), { ...model.config })
})

test('a failed save leaves the file that was there', async () => {
  const folder = temporary()
  using model = await BeitForMaskedImageModeling.create(SMALL)
  await rejects(model.save(join(folder, 'absent', 'model.safetensors')), 'ERR_IO', /absent/)
  // A folder of that name cannot be replaced by a file.
  const { mkdirSync } = await import('node:fs')
  mkdirSync(join(folder, 'model.safetensors'))
  await rejects(model.save(join(folder, 'model.safetensors')), 'ERR_IO', /cannot write/)
  equal(readdirSync(folder), ['model.safetensors'])
})

test('weights of another kind or of no known model are refused', async () => {
  const folder = temporary()
  using tokenizer = await ConvDiscreteVae.create({
    imageSize: 16,
    vocabSize: 4,
    codebookDim: 4,
    hiddenSize: 4,
  })
  await tokenizer.save(join(folder, 'tokenizer.safetensors'))
  await rejects(
    BeitForMaskedImageModeling.load(join(folder, 'tokenizer.safetensors')),
    'ERR_CHECKPOINT_MISMATCH',
    /holds a convolutional discrete VAE .* expected a beit_for_masked_image_modeling/,
  )
  await writeSafetensors(join(folder, 'plain.safetensors'), new Map([['a', Tensor.from([1])]]))
  await rejects(
    BeitForMaskedImageModeling.load(join(folder, 'plain.safetensors')),
    'ERR_FORMAT',
    /no model that is known by its names, expected a beit_for_masked_image_modeling.* 1 tensors: a/,
  )
  const path = join(folder, 'two.pth')
  const networks = p.dictOf({ student: p.dictOf({ w: tensor(), b: tensor() }), loss: tensor() })
  writeFileSync(path, saved(networks))
  await rejects(
    BeitForMaskedImageModeling.load(path),
    'ERR_FORMAT',
    /It has 3 tensors: student.w, student.b, loss; no state dict was found: .* pick one of student$/,
  )
  writeFileSync(path, saved(p.dictOf({ model: p.call('jax', 'Array') })))
  await rejects(
    BeitForMaskedImageModeling.load(path),
    'ERR_FORMAT',
    /It has 0 tensors; it holds no tensor; under 'model' are objects of jax.Array$/,
  )
  await rejects(BeitForMaskedImageModeling.load(join(folder, 'absent')), 'ERR_IO', /cannot .*absent/)
})

test('a configuration that does not fit the weights is refused', async () => {
  const path = join(temporary(), 'model.safetensors')
  using model = await BeitForMaskedImageModeling.create(SMALL)
  await writeSafetensors(path, await model.stateDict(), {
    kind: 'beit_for_masked_image_modeling',
    config: JSON.stringify({ ...model.config, vocabSize: 12 }),
  })
  await rejects(
    BeitForMaskedImageModeling.load(path),
    'ERR_CHECKPOINT_MISMATCH',
    /lm_head\.weight has shape \[12, 24\], got \[10, 24\]/,
  )
})

test('a cut file is refused, wherever the cut is', async () => {
  const path = join(temporary(), 'model.safetensors')
  using model = await BeitForMaskedImageModeling.create({ ...SMALL, depth: 1 })
  await model.save(path)
  const bytes = readFileSync(path)
  not.equal(bytes.length, 0)
  for (const length of [0, 4, 8, 100, bytes.length >> 1, bytes.length - 1]) {
    writeFileSync(path, bytes.subarray(0, length))
    await rejects(
      BeitForMaskedImageModeling.load(path),
      'ERR_FORMAT',
      /not a whole safetensors file|is empty/,
    )
  }
})

test.run()
