/** beit finetune as people run it: in a child process, on folders of images. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { equal, is, match, ok } from 'uvu/assert'
import { makeImages } from '../../examples/support/procedural_images.js'
import { readMetrics } from '../../lib/log/metrics_file.js'
import { BeitForImageClassification } from '../../lib/models/beit_for_image_classification.js'
import { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import type { FinetuneStartEvent } from '../../lib/train/events.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { runBeit } from './run_beit.js'

const test = suite('beit finetune', { timeout: 120_000 })

const TINY = '--epochs 2 --warmup-epochs 1 --batch-size 8 --threads 1'.split(' ')

test('from a pre-trained file: adaptations told, stopped by Ctrl-C, resumed, best weights named', async () => {
  const root = temporary()
  const [data, validation, weights] = [join(root, 'train'), join(root, 'val'), join(root, 'beit.safetensors')]
  await makeImages(data, { perClass: 8, seed: 0 })
  await makeImages(validation, { perClass: 2, seed: 1 })
  const architecture = { imageSize: 32, patchSize: 8, hiddenSize: 24, depth: 2, heads: 2, vocabSize: 32 }
  await (await BeitForMaskedImageModeling.create(architecture)).save(weights)

  const output = join(root, 'run')
  const paths = ['--data', data, '--validation', validation, '--model', weights, '--output', output]
  const args = ['finetune', ...paths, ...TINY, '--ema', '0.9']
  let interrupted = false
  const first = await runBeit(args, (child, stderr) => {
    if (interrupted || !stderr.includes('step')) return
    interrupted = child.kill('SIGINT')
  })
  is(first.code, 130, first.stderr)
  match(first.stderr, /relative/)
  const [, resume] = /To go on:\n {2}beit (.*)\n/.exec(first.stdout) ?? []
  ok(resume?.includes('--resume auto'), first.stdout)

  const second = await runBeit([...args, '--resume', 'auto'])
  is(second.code, 0, second.stderr)
  match(second.stdout, /finished +after 12 steps/)
  match(second.stdout, /validation +accuracy [\d.]+ %, top-5 .*averaged weights/)
  const [, best] = /best +(\S+)/.exec(second.stdout) ?? []
  match(best as string, /model_ema\.safetensors$/)
  const { labels, config } = await BeitForImageClassification.load(best as string)
  equal(labels, (await readdir(data)).sort())
  is(config.relativePositions, 'per-block')
  match(second.stdout, /true \\ predicted/)
  for (const name of ['curves', 'confusion'])
    is((await sharp(join(output, `${name}.png`)).metadata()).format, 'png')
  const events = await readMetrics(join(output, 'metrics.jsonl'))
  const start = events.find((event) => event.type === 'start')
  equal((start as FinetuneStartEvent).classBalance.classes[0], { name: labels?.[0], images: 8 })
  const confusion = await readFile(join(output, 'confusion.svg'), 'utf8')
  for (const label of labels ?? []) ok(confusion.includes(label), label)
  const [, accuracy] = /validation +accuracy (\S+ %)/.exec(second.stdout) ?? []
  ok(confusion.includes(`accuracy ${accuracy}`), accuracy)
  const evaluated = await runBeit(['evaluate', '--model', output, '--data', validation, '--json'])
  is(`${(100 * JSON.parse(evaluated.stdout).accuracy).toFixed(1)} %`, accuracy)
  equal(
    events.flatMap((event) => (event.type === 'step' ? [event.step] : [])),
    Array.from({ length: 12 }, (_, i) => i + 1),
  )
  const { settings } = JSON.parse(await readFile(join(output, 'settings.json'), 'utf8'))
  equal([settings.ema, settings.layerDecay], [0.9, 0.65])
  match((await runBeit(['info', output])).stdout, /validation +loss .*accuracy/)
})

test('from scratch all layers learn at one rate', async () => {
  const [data, output] = [join(temporary(), 'images'), temporary()]
  await makeImages(data, { perClass: 2, seed: 0 })
  const architecture = '--image-size 32 --patch-size 8 --hidden-size 24 --depth 2 --heads 2'.split(' ')
  const { code, stderr } = await runBeit([
    ...['finetune', '--data', data, '--output', output, '--model', 'beit_tiny_patch16_224'],
    ...[...architecture, ...TINY, '--max-steps', '1'],
  ])
  is(code, 0, stderr)
  const { settings } = JSON.parse(await readFile(join(output, 'settings.json'), 'utf8'))
  is(settings.layerDecay, null)
})

test('flags go before a recipe, and a recipe for pre-trained weights needs some', async () => {
  const [root, output] = [join(temporary(), 'images'), temporary()]
  await makeImages(root, { perClass: 2, seed: 0 })
  const architecture = '--image-size 32 --patch-size 8 --hidden-size 24 --depth 1 --heads 2'.split(' ')
  const flags = '--epochs 3 --warmup-epochs 0 --batch-size 4 --accumulate 1 --threads 1 --max-steps 1'.split(
    ' ',
  )
  const run = (...more: string[]) => runBeit(['finetune', '--data', root, '--output', output, ...more])
  const refused = await run('--recipe', 'beit_base_pt22k_ft1k')
  is(refused.code, 2)
  match(refused.stderr, /for pre-trained weights: give them with --model FILE/)
  const { code, stderr } = await run('--recipe', 'deit_base_scratch_1k', ...flags, ...architecture)
  is(code, 0, stderr)
  match(stderr, /beit_base_patch16_224_paper is a preset: its weights are random \(seed 0\)/)
  const { settings, model, preprocessing } = JSON.parse(await readFile(join(output, 'settings.json'), 'utf8'))
  equal([settings.epochs, settings.batchSize, settings.learningRate, settings.repeats], [3, 4, 1e-3, 3])
  equal([model.pooling, model.dropPath, model.absolutePositions], ['cls', 0.1, true])
  equal(preprocessing.mean, [0.485, 0.456, 0.406])
})

test('a checkpoint of other classes: no row of its head is renamed, its own normalisation is kept', async () => {
  const [root, output] = [join(temporary(), 'images'), temporary()]
  await makeImages(root, { perClass: 2, seed: 0 })
  const classes = (await readdir(root)).sort()
  const weights = join(temporary(), 'classifier.safetensors')
  const labels = classes.map((name, id) => (id === 0 ? name : `other ${id}`))
  const small = { imageSize: 32, patchSize: 8, hiddenSize: 24, depth: 1, heads: 2 } as const
  const mean = [0.1, 0.2, 0.3] as const
  await (await BeitForImageClassification.create(small, { labels, preprocessing: { mean } })).save(weights)
  const paths = ['--data', root, '--output', output, '--model', weights]
  const { code, stderr } = await runBeit(['finetune', ...paths, ...TINY, '--max-steps', '1'])
  is(code, 0, stderr)
  match(stderr, new RegExp(`head by name: 1 of ${classes.length} classes`))
  const { preprocessing } = JSON.parse(await readFile(join(output, 'settings.json'), 'utf8'))
  equal(preprocessing.mean, mean)
})

test('a folder without classes is refused with what to do, and nothing is written', async () => {
  const root = temporary()
  await makeImages(join(root, 'in', 'all'), { perClass: 1, seed: 0 })
  const output = join(root, 'run')
  const { code, stderr } = await runBeit([
    'finetune',
    '--data',
    join(root, 'in'),
    '--output',
    output,
    ...TINY,
  ])
  is(code, 1)
  match(stderr, /ERR_DATA/)
  equal(await readdir(root), ['in'])
})

test.run()
