import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { equal, is, ok } from 'uvu/assert'
import { labelled } from '../../lib/data/labels.js'
import { beitPresets } from '../../lib/models/beit_config.js'
import { BeitForImageClassification } from '../../lib/models/beit_for_image_classification.js'
import { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import { type OptionSpec, validateOptions } from '../../lib/options.js'
import { readRecipe, recipeNames } from '../../lib/recipes/read_recipe.js'
import { finetune } from '../../lib/train/finetune.js'
import { finetuneSchema } from '../../lib/train/finetune_options.js'
import { rejects } from '../support/errors.js'
import { packageRoot } from '../support/paths.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { collect } from '../train/micro.js'
import { stripes } from '../train/micro_finetune.js'

const test = suite('recipes')

const ANY: OptionSpec = { type: 'object', check: () => true, expected: 'anything', doc: '' }

test('every file is named, and every name is a file that cites its source', async () => {
  const files = readdirSync(join(packageRoot, 'lib', 'recipes')).filter((file) => file.endsWith('.json'))
  equal(files.sort(), recipeNames.map((name) => `${name}.json`).sort())
  for (const name of recipeNames) {
    const recipe = await readRecipe(name)
    ok(recipe.source.includes('https://'), name)
    ok(beitPresets.includes(recipe.model), name)
    ok(!Object.values(recipe.options).includes(null), name)
    const where = { model: null, data: null, output: 'x', ...recipe.options }
    const schema = { ...finetuneSchema, model: ANY, data: ANY }
    ok(validateOptions<{ epochs: number }>('finetune', schema, where).epochs > 0, name)
    is(recipe.from, name === 'deit_base_scratch_1k' ? 'scratch' : 'pretrained')
  }
})

test('the example of readRecipe runs', async () => {
  const path = join(temporary(), 'beit.safetensors')
  const small = { imageSize: 32, patchSize: 16, hiddenSize: 24, depth: 1, heads: 2 } as const
  await (await BeitForMaskedImageModeling.create({ ...small, vocabSize: 8 })).save(path)
  const data = await labelled(await stripes(2))
  const { config, options } = await readRecipe('beit_base_pt22k_ft1k')
  using model = await BeitForImageClassification.load(path, { ...config, labels: data.classes })
  is(model.config.dropPath, 0.1)
  const output = join(temporary(), 'run')
  const own = {
    batchSize: 2,
    accumulate: 1,
    warmupEpochs: 0,
    maxSteps: 1,
    threads: 1,
    loaderThreads: 1,
    ...{ model, data, output },
  }
  const events = await collect(finetune({ ...options, ...own }))
  is(events.at(-1)?.type, 'done')
})

test('the recipe of DeiT is complete by itself', async () => {
  const { config, preprocessing } = await readRecipe('deit_base_scratch_1k')
  equal(config, { dropPath: 0.1, pooling: 'cls' })
  equal(preprocessing, { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] })
})

test('the rows of the original and the paper', async () => {
  // images a step, epochs, warm-up, learning rate, layer decay, drop path, weight decay, mixup, cutmix, clipping
  const rows: Record<string, unknown[]> = {
    beit_base_pt22k_ft1k: [1024, 100, 20, 4e-3, 0.65, 0.1, 0.05, 0.8, 1, undefined],
    beit_large_pt22k_ft1k: [1024, 50, 5, 1e-3, 0.75, 0.2, 0.05, 0.8, 1, undefined],
    beit_base_pt22k_ft22kto1k: [512, 30, 5, 2e-5, 0.85, 0.1, 1e-8, 0, 0, undefined],
    beit_large_pt22k_ft22kto1k: [512, 30, 5, 2e-5, 0.9, 0.4, 1e-8, 0, 0, undefined],
    beit_base_pt22k_ft22k: [4096, 90, 5, 3e-3, 0.65, 0.2, 0.05, 0, 0, 3],
    beit_large_pt22k_ft22k: [2048, 90, 5, 2e-3, 0.75, 0.2, 0.05, 0, 0, 1],
    beit_base_paper_ft1k: [1024, 100, 20, 4e-3, 0.65, 0.1, 0.05, 0.8, 1, undefined],
    beit_large_paper_ft1k: [1024, 50, 5, 4e-3, 0.75, 0.1, 0.05, 0.8, 1, undefined],
    beit_base_paper_cifar100: [512, 150, 20, 4e-3, 0.65, 0.1, 0.3, 0.8, 1, undefined],
    deit_base_scratch_1k: [1024, 300, 5, 1e-3, 1, 0.1, 0.05, 0.8, 1, undefined],
  }
  equal(Object.keys(rows).sort(), [...recipeNames].sort())
  for (const [name, row] of Object.entries(rows)) {
    const { options, config } = await readRecipe(name)
    const o = { ...options, ...config } as unknown as Record<string, number>
    const images = (o.batchSize as number) * (o.accumulate as number)
    const own = [images, o.epochs, o.warmupEpochs, o.learningRate, o.layerDecay, o.dropPath, o.weightDecay]
    equal([...own, o.mixup, o.cutmix, o.clipGradient], row, name)
    is(o.randAugment as unknown, 'rand-m9-mstd0.5-inc1')
    is(o.erasing, name.endsWith('cifar100') ? 0 : 0.25)
  }
})

test('an unknown name is refused with the nearest', async () => {
  await rejects(
    readRecipe('beit_base_pt22k_ft1'),
    'ERR_INVALID_ARGUMENT',
    /did you mean 'beit_base_pt22k_ft1k'/,
  )
  await rejects(readRecipe('../recipes/deit_base_scratch_1k'), 'ERR_INVALID_ARGUMENT', /no recipe/)
})

test.run()
