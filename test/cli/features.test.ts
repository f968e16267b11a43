import { readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { MODEL_FILE } from '../../lib/checkpoint/run_checkpoint.js'
import { readSafetensors } from '../../lib/checkpoint/safetensors.js'
import { extractFeatures } from '../../lib/evaluate/features/extract_features.js'
import { pretrain } from '../../lib/train/pretrain.js'
import { CHECKPOINTS_FOLDER } from '../../lib/train/run_folder.js'
import { probeFolder, probeImages, probeModel } from '../evaluate/probe_images.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { named } from '../support/tensors.js'
import { microImages, microRun } from '../train/micro.js'
import { runBeit } from './run_beit.js'

const test = suite('beit features')

async function savedModel(): Promise<string> {
  using model = await probeModel(3)
  const path = join(temporary(), 'model.safetensors')
  await model.save(path)
  return path
}

test('writes what extractFeatures() writes, and tells it', async () => {
  const [model, data, output] = [
    await savedModel(),
    probeFolder(3),
    join(temporary(), 'new', 'f.safetensors'),
  ]
  const flags = ['--model', model, '--data', data, '--output', output, '--blocks', '2,0', '--pooling', 'cls']
  const ran = await runBeit(['features', ...flags, '--dtype', 'float16'])
  assert.is(ran.code, 0, ran.stderr)
  assert.match(
    ran.stdout,
    /images +9 in 0:0\d\nfeatures +block_2, block_0: float16 \[16\] an image\nwritten +.*f\.safetensors/,
  )

  using same = await probeModel(3)
  const expected = join(temporary(), 'f.safetensors')
  const options = { blocks: [2, 0], pooling: 'cls', dtype: 'float16' } as const
  await extractFeatures({ model: same, data: await probeImages(3), output: expected, ...options })
  const [a, b] = [await readSafetensors(output), await readSafetensors(expected)]
  assert.equal(a.metadata, b.metadata)
  for (const [name, tensor] of b.tensors) {
    assert.equal(await named(a.tensors, name).toTypedArray(), await tensor.toTypedArray(), name)
  }
})

test('labels from a file; broken images are named', async () => {
  const [model, data] = [await savedModel(), probeFolder(2)]
  await writeFile(join(data, 'red', '1.ppm'), 'no image')
  const labels = join(temporary(), 'labels.csv')
  const rows = ['blue', 'green', 'red'].flatMap((name) =>
    [0, 1].map((i) => `${name}/${i}.ppm,${name === 'red' ? 'warm' : 'cold'}`),
  )
  await writeFile(labels, `image,label\n${rows.join('\n')}\n`)
  const output = join(temporary(), 'f.jsonl')
  const flags = ['--model', model, '--data', data, '--labels', labels, '--output', output]
  const ran = await runBeit(['features', ...flags, '--blocks', 'head', '--max-broken-share', '0.5'])
  assert.is(ran.code, 0, ran.stderr)
  assert.match(ran.stderr, /left out: red\/1\.ppm in /)
  const lines = (await readFile(output, 'utf8')).trimEnd().split('\n')
  const parsed = lines.map((line) => JSON.parse(line))
  assert.equal(
    parsed.map((line) => line.class),
    ['cold', 'cold', 'cold', 'cold', 'warm'],
  )
  assert.equal([Object.keys(parsed[0].features), parsed[0].features.head.length], [['head'], 16])

  const again = ['features', ...flags, '--blocks', '0', '--max-broken-share', '0.5']
  const refused = await runBeit(again)
  assert.is(refused.code, 1)
  assert.match(refused.stderr, /f\.jsonl is there already; --force replaces it \(ERR_OUTPUT_EXISTS\)/)
  assert.is((await readFile(output, 'utf8')).trimEnd(), lines.join('\n'), 'what was there stays')
  assert.is((await runBeit([...again, '--force'])).code, 0)
  assert.match(await readFile(output, 'utf8'), '"block_0"')
})

test('a run of pre-training stands for its newest whole checkpoint', async () => {
  const run = join(temporary(), 'run')
  const options = { ...(await microRun(run, await microImages())), saveEverySteps: 1, keepCheckpoints: 3 }
  const saved: string[] = []
  for await (const event of pretrain({ ...options, epochs: 1 }))
    if (event.type === 'checkpoint') saved.push(event.path)
  const data = probeFolder(1)
  const featuresOf = async (model: string) => {
    const output = join(temporary(), 'f.safetensors')
    const ran = await runBeit(['features', '--model', model, '--data', data, '--output', output])
    assert.is(ran.code, 0, ran.stderr)
    return readFile(output)
  }
  const [, older = '', newest = ''] = saved
  assert.ok((await featuresOf(run)).equals(await featuresOf(newest)))
  await truncate(join(newest, MODEL_FILE), 100)
  assert.ok((await featuresOf(run)).equals(await featuresOf(older)))

  await rm(join(run, CHECKPOINTS_FOLDER), { recursive: true })
  const none = await runBeit(['features', '--model', run, '--data', data, '--output', 'f.safetensors'])
  assert.is(none.code, 1)
  assert.match(none.stderr, /is a run that has no whole checkpoint yet/)
})

test('wrong use is told in the words of the command line', async () => {
  const [model, data] = [await savedModel(), probeFolder(1)]
  const flags = ['features', '--model', model, '--data', data]
  const missing = await runBeit(flags)
  assert.is(missing.code, 2)
  assert.match(missing.stderr, /--output is missing/)
  const blocks = await runBeit([...flags, '--output', 'f.jsonl', '--blocks', '1,x'])
  assert.is(blocks.code, 2)
  assert.match(blocks.stderr, /--blocks must be 'all', 'head' or numbers/)
  const name = await runBeit([...flags, '--output', 'f.csv'])
  assert.is(name.code, 2)
  assert.match(name.stderr, /tells no format of features/)
})

test.run()
