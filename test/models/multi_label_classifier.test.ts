/** A classifier remembers whether its classes exclude each other. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { equal, is, ok } from 'uvu/assert'
import { readSafetensors, writeSafetensors } from '../../lib/checkpoint/safetensors.js'
import { evaluate } from '../../lib/evaluate/evaluate.js'
import { BeitForImageClassification } from '../../lib/models/beit_for_image_classification.js'
import { Tensor } from '../../lib/tensor.js'
import { finetune } from '../../lib/train/finetune.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { collect } from '../train/micro.js'
import { CLASSES, microClassifier, microFinetune, stripes } from '../train/micro_finetune.js'

const test = suite('classes that do not exclude each other')

const create = () =>
  BeitForImageClassification.create(
    { imageSize: 32, patchSize: 16, hiddenSize: 24, depth: 1, heads: 3 },
    { labels: [...CLASSES], multiLabel: true },
  )

test('comes back from every naming, and from config.json alone', async () => {
  using model = await create()
  for (const naming of ['unilm', 'timm', 'transformers'] as const) {
    const path = join(temporary(), 'model.safetensors')
    await model.save(path, { naming })
    using loaded = await BeitForImageClassification.load(path)
    is(loaded.multiLabel, true, naming)
    using told = await BeitForImageClassification.load(path, { multiLabel: false })
    is(told.multiLabel, false)
    using other = await BeitForImageClassification.load(path, { numClasses: 7 })
    is(other.multiLabel, false)
    if (naming !== 'transformers') continue
    const config = JSON.parse(readFileSync(join(path, '..', 'config.json'), 'utf8'))
    is(config.problem_type, 'multi_label_classification')
    await writeSafetensors(path, (await readSafetensors(path)).tensors, {})
    using plain = await BeitForImageClassification.load(path)
    is(plain.multiLabel, true)
  }
  using copy = await model.to({})
  is(copy.multiLabel, true)
  await rejects(
    BeitForImageClassification.create({ imageSize: 32 }, { multiLabel: 'yes' as unknown as boolean }),
    'ERR_INVALID_ARGUMENT',
    /multiLabel must be true or false/,
  )
})

test('fine-tuning sets it by its loss; predict and evaluate follow it', async () => {
  const data = await stripes(2)
  const model = await microClassifier()
  const options = {
    ...(await microFinetune(join(temporary(), 'run'), data)),
    model,
    maxSteps: 1,
    accumulate: 1,
  }
  await collect(finetune({ ...options, loss: 'binary-cross-entropy', learningRate: 1e-6 }))
  is(model.multiLabel, true)
  using pixels = Tensor.from(new Float32Array(3 * 32 * 32), [1, 3, 32, 32])
  const logits = await (await model.forward(pixels)).toFloat32()
  const probabilities = async (o: object = {}) => {
    const [all = []] = await model.predict(pixels, o)
    return all.sort((a, b) => a.classId - b.classId).map(({ probability }) => probability)
  }
  const sigmoid = await probabilities()
  for (const [id, x] of logits.entries())
    ok(Math.abs((sigmoid[id] as number) - 1 / (1 + Math.exp(-x))) < 1e-6)
  const softmax = await probabilities({ multiLabel: false })
  ok(Math.abs(softmax.reduce((sum, x) => sum + x) - 1) < 1e-6)
  equal(await probabilities({ multiLabel: true }), sigmoid)

  const loss = async (o: object = {}) => (await evaluate({ model, data, ...o })).loss
  is(await loss(), await loss({ loss: 'binary-cross-entropy' }))
  ok((await loss({ loss: 'cross-entropy' })) !== (await loss()))

  const again = { ...options, output: join(temporary(), 'run'), learningRate: 1e-6 }
  await collect(finetune({ ...again, loss: 'cross-entropy' }))
  is(model.multiLabel, false)
  is(await loss(), await loss({ loss: 'cross-entropy' }))
})

test.run()
