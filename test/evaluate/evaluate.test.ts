/** Evaluation against what follows from the logits, for images of one class and of several. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { equal, is, match, ok } from 'uvu/assert'
import { ImageFolder } from '../../lib/data/image_folder.js'
import { type LabelledImages, type LabelRecord, labelled } from '../../lib/data/labels.js'
import { subset } from '../../lib/data/subset.js'
import { BeitError } from '../../lib/errors.js'
import { averagePrecision } from '../../lib/evaluate/average_precision.js'
import { confusionMatrix } from '../../lib/evaluate/classification_evaluation.js'
import { evaluate } from '../../lib/evaluate/evaluate.js'
import { MultiLabelTally } from '../../lib/evaluate/multi_label_tally.js'
import { evaluationTable } from '../../lib/log/evaluation_table.js'
import { Tensor } from '../../lib/tensor.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { randomNumbers } from '../support/tensors.js'
import { logitsOf, normalisedPpm, ranked, sigmoid, smallClassifier, softmax } from './classifiers.js'
import { CLASSES, probeFolder } from './probe_images.js'

const test = suite('evaluate')
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

/** Labelled images with the logits that a model gives them. */
async function scored(model: Awaited<ReturnType<typeof smallClassifier>>, count = 7) {
  const data = await labelled(await ImageFolder.open(probeFolder(count)))
  const paths = Array.from({ length: data.length }, (_, i) => data.sample(i).path)
  return { data, logits: await logitsOf(model, paths.map(normalisedPpm)) }
}

const classOf = (data: LabelledImages, index: number) => data.targets(index) as number

test('loss, top-1, top-5, classes and confusions', async () => {
  const classes = [...CLASSES, 'w', 'x', 'y', 'z']
  using model = await smallClassifier({ numClasses: 7, labels: classes })
  const { data, logits } = await scored(model)
  const seen: number[] = []
  const result = await evaluate({ model, data, batchSize: 4, onProgress: ({ images }) => seen.push(images) })

  const actual = logits.map((_, i) => classOf(data, i))
  const order = logits.map(ranked)
  const losses = logits.map((row, i) => -Math.log(softmax(row)[actual[i] as number] as number))
  ok(Math.abs(result.loss - mean(losses)) < 1e-6 * result.loss, `${result.loss} ${mean(losses)}`)
  is(result.accuracy, mean(order.map((ids, i) => Number(ids[0] === actual[i]))))
  is(result.accuracy5, mean(order.map((ids, i) => Number(ids.slice(0, 5).includes(actual[i] as number)))))
  const { accuracy, accuracy5 } = result
  ok(
    accuracy !== null && accuracy > 0 && accuracy < 1 && Number(accuracy5) < 1,
    'figures that could be wrong',
  )

  const taken = (from: number, to: number) =>
    order.filter(([predicted], i) => actual[i] === from && predicted === to).length
  const matrix = classes.map((_, from) => classes.map((__, to) => taken(from, to)))
  equal(confusionMatrix(result), matrix)
  equal(
    result.perClass,
    classes.map((name, id) => {
      const images = id < 3 ? 7 : 0
      return { name, images, accuracy: images === 0 ? null : taken(id, id) / 7 }
    }),
  )
  is(result.multiLabel, null)
  equal([result.images, result.broken.length, seen], [21, 0, [4, 8, 12, 16, 20, 21]])
  equal(JSON.parse(JSON.stringify(result)), result, 'plain data')
})

test('batch size, threads and order change nothing', async () => {
  using model = await smallClassifier()
  const { data } = await scored(model, 11)
  const reference = await evaluate({ model, data })
  const reversed = Array.from({ length: data.length }, (_, i) => data.length - 1 - i)
  const interleaved = [...reversed].sort((a, b) => ((a * 7) % 33) - ((b * 7) % 33))
  const others = [
    ...[1, 2, 5, 16].map((batchSize) => ({ model, data, batchSize })),
    { model, data, loaderThreads: 1, batchSize: 3 },
    { model, data, loaderThreads: 5, prefetch: 1 },
    { model, data, threads: 1 },
    { model, data: subset(data, reversed), batchSize: 4 },
    { model, data: subset(data, interleaved), batchSize: 4 },
  ]
  for (const options of others) {
    const { seconds: _, loss, ...rest } = await evaluate(options)
    const { seconds: __, loss: expected, ...same } = reference
    equal(rest, same)
    ok(Math.abs(loss - expected) <= 1e-6 * expected, `${loss}, ${expected}`)
  }
})

test('labels are brought to the classes of the model by name', async () => {
  using sorted = await smallClassifier({ labels: CLASSES })
  const { data } = await scored(sorted)
  const reference = await evaluate({ model: sorted, data })
  // The same weights under other names: class i of the head is now called otherwise.
  using turned = await smallClassifier({ labels: ['red', 'blue', 'green'] })
  const result = await evaluate({ model: turned, data })
  equal(
    result.perClass.map(({ name }) => name),
    ['red', 'blue', 'green'],
  )
  const matrix = confusionMatrix(reference)
  equal(
    confusionMatrix(result),
    [2, 0, 1].map((id) => matrix[id]),
  )
  const onlyBlue = subset(data, [0, 1, 2, 3, 4, 5, 6])
  equal((await evaluate({ model: turned, data: onlyBlue })).perClass[1], result.perClass[1])
})

test('the view is that of the model, or the one asked for', async () => {
  using model = await smallClassifier()
  const { data } = await scored(model)
  const { loss } = await evaluate({ model, data })
  const zoomed = await evaluate({ model, data, cropShare: 0.5 })
  ok(Math.abs(zoomed.loss - loss) > 1e-5, 'a crop shows other pixels')
  is((await evaluate({ model, data, wholeImage: true })).loss, loss, 'a square image is the same whole')
  model.preprocessing = { ...model.preprocessing, cropShare: 0.5 }
  is((await evaluate({ model, data })).loss, zoomed.loss)
  is((await evaluate({ model, data, cropShare: 1 })).loss, loss)
  ok((await evaluate({ model, data, normalization: 'imagenet' })).loss !== loss)
})

test('several classes an image: average precision, F1, hits', async () => {
  using model = await smallClassifier({ seed: 3 })
  const folder = probeFolder(6)
  const source = await ImageFolder.open(folder)
  const sets = Array.from({ length: source.length }, (_, i) =>
    [0, 1, 2].filter((id) => (i * 7 + id * 5) % 4 < 2),
  )
  const labels = Object.fromEntries(sets.map((ids, i) => [source.sample(i).key, ids]))
  const data = await labelled(source, { labels })
  is(data.targetKind, 'classes')
  const paths = sets.map((_, i) => source.sample(i).path)
  const probabilities = (await logitsOf(model, paths.map(normalisedPpm))).map((row) => row.map(sigmoid))
  const result = await evaluate({ model, data, batchSize: 5 })

  const scores = [0, 1, 2].map((id) => {
    const p = probabilities.map((row) => row[id] as number)
    const there = sets.map((ids) => ids.includes(id))
    const said = p.map((value) => value >= 0.5)
    const hits = said.filter((yes, i) => yes && there[i]).length
    const [yes, images] = [said.filter(Boolean).length, there.filter(Boolean).length]
    return { ap: byRank(p, there), images, recall: hits / images, f1: (2 * hits) / (yes + images) }
  })
  const several = result.multiLabel
  ok(several !== null)
  scores.forEach(({ ap, images, recall, f1 }, id) => {
    ok(Math.abs((several.perClass[id]?.averagePrecision ?? -1) - ap) < 1e-12)
    ok(Math.abs((several.perClass[id]?.f1 ?? -1) - f1) < 1e-12)
    equal(result.perClass[id], { name: String(id), images, accuracy: recall })
  })
  ok(Math.abs(Number(several.meanAveragePrecision) - mean(scores.map(({ ap }) => ap))) < 1e-12)
  ok(Math.abs(Number(several.f1) - mean(scores.map(({ f1 }) => f1))) < 1e-12)
  const withClass = sets.flatMap((ids, i) =>
    ids.length === 0 ? [] : [{ ids, p: probabilities[i] as number[] }],
  )
  is(result.accuracy, mean(withClass.map(({ ids, p }) => Number(ids.includes(ranked(p)[0] as number)))))
  const losses = probabilities.map((row, i) =>
    mean(row.map((p, id) => -Math.log(sets[i]?.includes(id) ? p : 1 - p))),
  )
  ok(Math.abs(result.loss - mean(losses)) < 1e-6)
  equal(result.confusion, [])
})

/** Mean over the images with the class of the precision among those that score as high: the textbook sum. */
function byRank(scores: readonly number[], there: readonly boolean[]): number {
  const positives = scores.filter((_, i) => there[i])
  const precisions = positives.map((score) => {
    const asHigh = there.filter((_, i) => (scores[i] as number) >= score)
    return asHigh.filter(Boolean).length / asHigh.length
  })
  return mean(precisions)
}

test('average precision: values of scikit-learn, equal scores in one step', () => {
  const of = (scores: number[], actual: number[]) =>
    averagePrecision(Float32Array.from(scores), Uint8Array.from(actual))
  const near = (actual: number | null, expected: number) => ok(Math.abs((actual ?? -1) - expected) < 1e-12)
  near(of([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]), 0.8333333333333333)
  near(of([0.5, 0.5, 0.5, 0.5], [1, 0, 0, 0]), 0.25)
  near(of([0.9, 0.2, 0.9, 0.1], [0, 1, 1, 0]), 0.5 * (1 / 2) + 0.5 * (2 / 3))
  near(of([0, 1e-40, 1], [1, 1, 0]), 0.5 * (1 / 2) + 0.5 * (2 / 3))
  is(of([0.1, 0.2], [0, 0]), null)
})

/** A tally of random probabilities, and what each image has. */
function randomTally(images: number, classes: readonly string[]) {
  const sets = Array.from({ length: images }, (_, i) => [i % classes.length, (7 * i + 3) % classes.length])
  const data = { name: 'random', length: images, classes, targets: (i: number) => sets[i] }
  const tally = new MultiLabelTally(data as unknown as LabelledImages)
  for (let i = 0; i < images; i++) {
    const probabilities = Float32Array.from(randomNumbers(classes.length, i + 1))
    const losses = Float64Array.of(0)
    tally.add([i], { losses, classes: new Int32Array(), probabilities, classesPerImage: classes.length })
  }
  return tally
}

test('scores of many classes leave turns to the event loop, and can be stopped', async () => {
  const classes = Array.from({ length: 200 }, (_, id) => String(id))
  const tally = randomTally(2000, classes)
  let turns = 0
  let scoring = true
  const turn = () => {
    turns++
    if (scoring) setImmediate(turn)
  }
  setImmediate(turn)
  const { accuracy } = await tally.result()
  scoring = false
  ok(turns >= 8, `${turns} turns`)
  // Two of 200 classes at random.
  ok(accuracy !== null && accuracy > 0 && accuracy < 0.05, `${accuracy}`)
  const stop = new AbortController()
  const stopped = tally.result(stop.signal)
  stop.abort(new BeitError('ERR_CANCELLED', 'enough'))
  await rejects(stopped, 'ERR_CANCELLED', /enough/)
})

test('images without any class: what has no value is null', async () => {
  using model = await smallClassifier()
  const source = await ImageFolder.open(probeFolder(1))
  const labels = Object.fromEntries([0, 1, 2].map((i) => [source.sample(i).key, []]))
  const data = await labelled(source, { labels, classes: ['0', '1', '2'] })
  const result = await evaluate({ model, data })
  equal([result.accuracy, result.accuracy5, result.images], [null, null, 3])
  equal([result.multiLabel?.meanAveragePrecision, result.multiLabel?.f1], [null, null])
  equal(JSON.parse(JSON.stringify(result)), result, 'plain data')
  const text = evaluationTable(result).join('\n')
  match(text, /^mean average precision +-\nF1, mean of classes +-\naccuracy +-\nloss/)
  ok(!/NaN|null/.test(text), text)
})

test('weights as targets: the class of most weight counts', async () => {
  using model = await smallClassifier()
  const { data, logits } = await scored(model, 3)
  const labels = Object.fromEntries(logits.map((_, i) => [data.sample(i).key, { 0: 0.3, 2: 0.7 }]))
  const soft = await labelled(await ImageFolder.open(data.name), { labels, classes: ['0', '1', '2'] })
  const result = await evaluate({ model, data: soft })
  is(result.perClass[2]?.images, 9)
  const loss = logits.map(
    (row) => -0.3 * Math.log(softmax(row)[0] as number) - 0.7 * Math.log(softmax(row)[2] as number),
  )
  ok(Math.abs(result.loss - mean(loss)) < 1e-6)
})

test('a broken image is left out and named', async () => {
  using model = await smallClassifier()
  const folder = probeFolder(3)
  writeFileSync(join(folder, 'green', '1.ppm'), 'no image')
  const result = await evaluate({
    model,
    data: await ImageFolder.open(folder),
    maxBrokenShare: 0.5,
    batchSize: 2,
  })
  equal([result.images, result.broken.map(({ key }) => key)], [8, ['green/1.ppm']])
  is(result.perClass[1]?.images, 2)
})

test('what cannot be is told before anything is computed', async () => {
  using model = await smallClassifier()
  using four = await smallClassifier({ numClasses: 4 })
  using named = await smallClassifier({ labels: ['red', 'green', 'yellow'] })
  const data = await ImageFolder.open(probeFolder(1))
  const flat = await ImageFolder.open(join(probeFolder(2), 'red'))
  const onProgress = () => {
    throw new Error('it began')
  }
  const said = (options: object) => evaluate({ model, data, onProgress, ...options })
  await rejects(said({ data: flat }), 'ERR_DATA', /has no labels/)
  await rejects(said({ model: four }), 'ERR_SHAPE_MISMATCH', /4 classes without names, but .* has 3/)
  await rejects(said({ model: named }), 'ERR_DATA', /blue\/0\.ppm has the class "blue"/)
  await rejects(said({ batchSise: 3 }), 'ERR_INVALID_ARGUMENT', /did you mean 'batchSize'/)
  await rejects(said({ model: {} }), 'ERR_INVALID_ARGUMENT', /a BeitForImageClassification/)
  const labels = { 'red/0.ppm': ['red'], 'green/0.ppm': [], 'blue/0.ppm': ['red', 'blue'] }
  const several = await labelled(data, { labels, classes: CLASSES })
  await rejects(
    said({ data: several, loss: 'cross-entropy' }),
    'ERR_INVALID_ARGUMENT',
    /have several classes/,
  )
  const own = {
    ...several,
    sample: data.sample.bind(data),
    length: 3,
    targetKind: 'class',
    targets: () => -1,
  }
  await rejects(
    said({ data: own }),
    'ERR_DATA',
    /blue\/0\.ppm has the label -1, expected an integer from 0 to 2/,
  )
  await rejects(said({ model: named, data: own }), 'ERR_DATA', /blue\/0\.ppm has the label -1/)
  const weighted = async (red: object) =>
    labelled(data, {
      labels: {
        'red/0.ppm': red,
        'green/0.ppm': { green: 1 },
        'blue/0.ppm': { red: 0.5, blue: 0.5 },
      } as LabelRecord,
      classes: CLASSES,
    })
  await rejects(said({ data: await weighted({ red: 0 }) }), 'ERR_DATA', /red\/0\.ppm has no class/)
  const short = await weighted({ red: 0.5 })
  await rejects(said({ data: short }), 'ERR_DATA', /red\/0\.ppm sum to 0\.5, .*'binary-cross-entropy'/)
  const rounded = await weighted({ red: 0.3333, blue: 0.6666 })
  is((await evaluate({ model, data: rounded })).images, 3)
  is((await evaluate({ model, data: short, loss: 'binary-cross-entropy' })).images, 3)
})

test('weights that give no numbers, and a signal', async () => {
  using model = await smallClassifier()
  const { data } = await scored(model, 2)
  const stop = new AbortController()
  const reason = new Error('enough')
  let caught: unknown
  try {
    await evaluate({ model, data, batchSize: 1, signal: stop.signal, onProgress: () => stop.abort(reason) })
  } catch (error) {
    caught = error
  }
  is(caught, reason)
  const bias = Tensor.from(Float32Array.from([0, Number.NaN, 0]))
  await model.loadStateDict(new Map([['head.bias', bias]]), { strict: false })
  await rejects(evaluate({ model, data }), 'ERR_NON_FINITE', /scores of blue\/0\.ppm are not finite/)
})

test.run()
