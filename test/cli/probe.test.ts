import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { scope } from '../../lib/dispose.js'
import { knnProbe } from '../../lib/evaluate/knn_probe.js'
import { linearProbe } from '../../lib/evaluate/linear_probe.js'
import { probeFolder, probeImages, probeModel } from '../evaluate/probe_images.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { runBeit } from './run_beit.js'

const test = suite('beit probe')

async function savedModel(): Promise<string> {
  using model = await probeModel(3)
  const path = join(temporary(), 'model.safetensors')
  await model.save(path)
  return path
}

test('both probes at once give what each gives alone, as a table and as JSON', async () => {
  const [model, data, validation] = [await savedModel(), probeFolder(8), probeFolder(4, 2)]
  const output = join(temporary(), 'probe.json')
  const picture = join(temporary(), 'probe.svg')
  const flags = ['--model', model, '--data', data, '--validation', validation, '--threads', '1']
  const ran = await runBeit([
    'probe',
    ...[
      '--linear',
      '--knn',
      ...flags,
      '--epochs',
      '3',
      '--neighbours',
      '1,5',
      '--output',
      output,
      '--picture',
      picture,
    ],
  ])
  assert.is(ran.code, 0, ran.stderr)
  assert.match(ran.stderr, 'BEiT for masked image modelling')
  assert.match(ran.stdout, /linear classifiers\n {2}block +accuracy +loss +on training images\n {6}0 +\d/)
  assert.match(ran.stdout, /nearest neighbours\n {2}block +k 1 +k 5\n {6}0 +\d/)
  assert.match(ran.stdout, '24 images to learn from, 12 images classified, 3 classes')

  assert.match(await readFile(picture, 'utf8'), /^<svg .*24 labelled images, 12 classified/s)

  const plain = (value: object) => JSON.parse(JSON.stringify({ ...value, seconds: 0, weights: undefined }))
  const written = JSON.parse(await readFile(output, 'utf8')) as { linear: object; knn: object }
  await scope(async () => {
    const options = {
      model: await probeModel(3),
      data: await probeImages(8),
      validation: await probeImages(4, 2),
      threads: 1,
    }
    assert.equal(plain(written.linear), plain(await linearProbe({ ...options, epochs: 3 })))
    assert.equal(plain(written.knn), plain(await knnProbe({ ...options, neighbours: [1, 5] })))
  })

  const json = await runBeit(['probe', '--knn', ...flags, '--neighbours', '1,5', '--json'])
  assert.equal(plain(JSON.parse(json.stdout).knn), plain(written.knn))
})

test('a preset has random weights; labels come from a file; a balanced part is taken', async () => {
  const [data, validation] = [probeFolder(6), probeFolder(4, 2)]
  const labels = join(temporary(), 'labels.json')
  const names = ['blue', 'green', 'red']
  const rows = names.flatMap((name) => [0, 1, 2, 3, 4, 5].map((i) => [`${name}/${i}.ppm`, name[0]]))
  await writeFile(labels, JSON.stringify(Object.fromEntries(rows)))
  const ran = await runBeit([
    ...['probe', '--knn', '--model', 'beit_tiny_patch16_224', '--image-size', '16', '--depth', '1'],
    ...['--data', data, '--labels', labels, '--validation', validation, '--validation-labels', labels],
    ...['--images-per-class', '2', '--neighbours', '1', '--json'],
  ])
  assert.is(ran.code, 0, ran.stderr)
  assert.match(ran.stderr, 'beit_tiny_patch16_224 is a preset: its weights are random (seed 0)')
  const { knn } = JSON.parse(ran.stdout)
  assert.equal([knn.classes, knn.images], [['b', 'g', 'r'], { training: 6, validation: 12 }])
})

test('wrong use is told before anything is computed', async () => {
  const images = probeFolder(2)
  const wrong = async (args: string[], code: number, message: string | RegExp) => {
    const paths = ['--data', images, '--validation', images]
    const ran = await runBeit(['probe', '--model', 'beit_tiny_patch16_224', ...paths, ...args])
    assert.equal([ran.code, ran.stdout], [code, ''], ran.stderr)
    assert.match(ran.stderr, message)
  }
  await wrong([], 2, 'give --linear, --knn, or both')
  await wrong(['--linear', '--neighbours', '3'], 2, '--neighbours is a flag of --knn')
  await wrong(['--knn', '--picture', 'probe.jpg'], 2, '--picture must be a path that ends in .svg or .png')
  await wrong(['--knn', '--epochs', '3'], 2, '--epochs is a flag of --linear')
  await wrong(['--knn', '--blocks', '12', '--neighbours', '1'], 2, /blocks must be .* from 0 to 11/)
  await wrong(['--knn', '--neighbours', '7'], 2, /neighbours must be integers of at most 6/)
  await wrong(['--knn', '--images-per-class', '3'], 1, /2 images of the class "blue", fewer than/)
})

test.run()
