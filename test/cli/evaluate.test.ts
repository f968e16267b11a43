/** beit evaluate and beit predict as people run them. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { equal, is, match, ok } from 'uvu/assert'
import { labelled } from '../../lib/data/labels.js'
import { openImages } from '../../lib/data/open_images.js'
import { evaluate } from '../../lib/evaluate/evaluate.js'
import { BeitForImageClassification } from '../../lib/models/beit_for_image_classification.js'
import { Tensor } from '../../lib/tensor.js'
import { smallClassifier } from '../evaluate/classifiers.js'
import { CLASSES, probeFolder, probeModel } from '../evaluate/probe_images.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { checkWellFormed } from '../visualize/well_formed.js'
import { runBeit } from './run_beit.js'

const test = suite('beit evaluate, beit predict')

async function savedClassifier(labels: readonly string[] | null = CLASSES): Promise<string> {
  using model = await smallClassifier(labels === null ? {} : { labels })
  const path = join(temporary(), 'model.safetensors')
  await model.save(path)
  return path
}

test('evaluate prints what evaluate() gives, and writes it with a picture', async () => {
  const [path, folder, out] = [await savedClassifier(), probeFolder(5), temporary()]
  using model = await BeitForImageClassification.load(path)
  const { seconds: _, ...expected } = await evaluate({ model, data: await openImages(folder) })
  // Folders that are not there yet are made.
  const [json, picture] = [join(out, 'new', 'result.json'), join(out, 'a', 'b', 'confusion.svg')]
  const flags = ['--model', path, '--data', folder, '--output', json, '--picture', picture]
  const ran = await runBeit(['evaluate', ...flags, '--batch-size', '4'])
  is(ran.code, 0, ran.stderr)
  const percent = (100 * Number(expected.accuracy)).toFixed(1)
  match(ran.stdout, new RegExp(`^accuracy +${percent} %\nloss +\\S+\nscored +15 images in `))
  match(ran.stdout, /true \\ predicted +blue +green +red +right/)
  const { seconds: __, loss, ...written } = JSON.parse(readFileSync(json, 'utf8'))
  const { loss: expectedLoss, ...rest } = expected
  equal(written, rest)
  ok(Math.abs(loss - expectedLoss) < 1e-6)
  checkWellFormed(readFileSync(picture, 'utf8'))
  match(readFileSync(picture, 'utf8'), /Confusion matrix/)
})

test('evaluate --json, labels of a file for several classes', async () => {
  const [path, folder] = [await savedClassifier(), probeFolder(2)]
  const source = await openImages(folder)
  const labels = join(temporary(), 'labels.json')
  const sets = Array.from({ length: source.length }, (_, i) => [
    source.sample(i).key,
    CLASSES.filter((__, id) => (i + id) % 2 === 0),
  ])
  writeFileSync(labels, JSON.stringify(Object.fromEntries(sets)))
  const flags = ['evaluate', '--model', path, '--data', folder, '--labels', labels]
  const ran = await runBeit([...flags, '--json'])
  is(ran.code, 0, ran.stderr)
  using model = await BeitForImageClassification.load(path)
  const data = await labelled(source, { labels, classes: CLASSES })
  const expected = await evaluate({ model, data })
  equal(JSON.parse(ran.stdout).multiLabel, expected.multiLabel)
  const text = await runBeit(flags)
  match(text.stdout, /^mean average precision +\d+\.\d %\nF1, mean of classes/)
  match(text.stdout, /class +images +average precision +precision +recall +F1\nblue +3 /)
})

test('evaluate says what is wrong before it begins', async () => {
  const [path, folder] = [await savedClassifier(), probeFolder(1)]
  const others = await savedClassifier(['red', 'green', 'yellow'])
  using pretrained = await probeModel()
  const headless = join(temporary(), 'pretrained.safetensors')
  await pretrained.save(headless)
  const told: [code: number, message: RegExp, ...flags: string[]][] = [
    [1, /has no labels .*put the images of each class into a folder/, path, join(folder, 'red')],
    [1, /the image blue\/0\.ppm has the class "blue", which is not among the classes/, others, folder],
    [1, /holds a BEiT for masked image modelling .*ERR_CHECKPOINT_MISMATCH/, headless, folder],
    [
      1,
      /--output .*cannot write in its folder: .*ERR_IO/,
      '/absent',
      folder,
      '--output',
      join(path, 'x.json'),
    ],
    [1, /--picture .*cannot write in its folder/, '/absent', folder, '--picture', join(path, 'x.svg')],
    [2, /--output must be the path of a file/, '/absent', folder, '--output', folder],
    [2, /--picture must be a path that ends in \.svg or \.png/, path, folder, '--picture', 'x.gif'],
  ]
  const runs = told.map(async ([code, message, model, data, ...flags]) => {
    const ran = await runBeit(['evaluate', '--model', model as string, '--data', data as string, ...flags])
    is(ran.code, code, ran.stderr)
    match(ran.stderr, message)
  })
  await Promise.all(runs)
})

test('predict: a line an image, of a folder and of one file', async () => {
  const [path, folder] = [await savedClassifier(), probeFolder(2)]
  using model = await BeitForImageClassification.load(path)
  writeFileSync(join(folder, 'green', '1.ppm'), 'no image')
  writeFileSync(join(folder, 'blue', '1.ppm'), '')
  const flags = ['predict', '--model', path, '--data', folder, '--batch-size', '2']
  const text = await runBeit([...flags, '--top-k', '2'])
  is(text.code, 1, text.stderr)
  match(text.stderr, /left out: blue\/1\.ppm in .*\nleft out: green\/1\.ppm in /)
  const lines = text.stdout.trimEnd().split('\n')
  is(lines.length, 4)
  match(lines[0] as string, /^blue\/0\.ppm {2}(blue|green|red) \d+\.\d+ % {2}(blue|green|red) \d+\.\d+ %$/)

  const image = join(folder, 'red', '0.ppm')
  const one = await runBeit(['predict', '--model', path, '--data', image, '--json'])
  is(one.code, 0, one.stderr)
  const [predictions] = await model.predict(image)
  equal(JSON.parse(one.stdout), { key: '0.ppm', predictions })

  const broken = await runBeit(['predict', '--model', path, '--data', join(folder, 'green', '1.ppm')])
  is(broken.code, 1)
  match(broken.stderr, /1\.ppm.*no image format begins with/)
})

test('predict names the first image whose scores are no numbers', async () => {
  const [path, folder] = [join(temporary(), 'broken.safetensors'), probeFolder(1)]
  using model = await smallClassifier()
  using bias = Tensor.from(Float32Array.from([0, Number.NaN, 0]))
  await model.loadStateDict(new Map([['head.bias', bias]]), { strict: false })
  await model.save(path)
  const { code, stdout, stderr } = await runBeit(['predict', '--model', path, '--data', folder, '--json'])
  equal([code, stdout], [1, ''])
  match(stderr, /scores of blue\/0\.ppm are not finite numbers.*ERR_NON_FINITE/)
})

test.run()
