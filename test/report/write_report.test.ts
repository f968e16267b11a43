import { appendFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { equal, is, match, not, ok } from 'uvu/assert'
import type { Cell, RunData } from '../../lib/report/report_data.js'
import { writeReport } from '../../lib/report/write_report.js'
import type { FinetuneEvent, RunEvent, TokenizerEvent } from '../../lib/train/events.js'
import { evaluation, start, step } from '../log/events.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { checkpoint, dataIn, done, pretraining, runFolder, SETTINGS, samples } from './runs.js'

const test = suite('report of a run')

/** The report of `runs` as data. */
async function reported(...args: Parameters<typeof writeReport>) {
  return dataIn(await readFile(await writeReport(...args), 'utf8'))
}

const panel = (run: RunData | undefined, id: string) => run?.panels.find((one) => one.id === id)
const series = (run: RunData | undefined, id: string, name: string) =>
  panel(run, id)?.series.find((one) => one.name === name)
const table = (run: RunData | undefined, title: string) => run?.tables.find((one) => one.title === title)
const section = (run: RunData | undefined, title: string) =>
  Object.fromEntries(run?.sections.find((one) => one.title === title)?.rows ?? [])
const textOf = (cell: Cell | undefined) => (typeof cell === 'object' ? cell.text : cell)

test('pre-training: every curve, settings, machine, data, checkpoints with links', async () => {
  const folder = join(temporary(), 'runs', 'first')
  runFolder(folder, [...pretraining(folder, 40), done(40)])
  await checkpoint(folder, 20)
  await checkpoint(folder, 40)
  await appendFile(
    join(folder, 'broken-images.txt'),
    'photos/a.jpg\t0\ta.jpg\tis empty\nb.tar\t512\tkey\tis no image\n',
  )
  is(await writeReport(folder), join(folder, 'report.html'))
  const { runs, comparison, live } = await reported(folder)
  const [run] = runs
  equal([runs.length, comparison.length, live], [1, 0, false])
  equal([run?.name, run?.kind, run?.state], ['runs/first', 'Masked image modelling', 'finished'])
  equal(
    run?.panels.map(({ id }) => id),
    ['loss', 'accuracy', 'perplexity', 'learning-rate', 'gradient-norm', 'speed', 'waiting'],
  )
  equal(
    run?.axis,
    Array.from({ length: 40 }, (_, i) => i + 1),
  )
  is(series(run, 'loss', 'training')?.y[4], null, 'a step without a loss is a gap')
  ok(Math.abs((series(run, 'loss', 'training')?.y[0] ?? 0) - 5.6) < 0.4)
  equal(series(run, 'loss', 'validation')?.x, [10, 20, 30, 40])
  equal(
    run?.panels.flatMap(({ id, series }) =>
      series.map(({ name, noisy }) => `${id}, ${name}: ${noisy ?? false}`),
    ),
    [
      'loss, token frequencies alone: false',
      'loss, training: true',
      'loss, validation: false',
      'accuracy, most frequent token: false',
      'accuracy, training: true',
      'accuracy, validation: false',
      'perplexity, targets of a step: true',
      'perplexity, validation: false',
      'learning-rate, training: false',
      'gradient-norm, training: true',
      'speed, training: true',
      'waiting, training: true',
    ],
  )
  equal(series(run, 'accuracy', 'most frequent token')?.y, [5, 5, 5, 5, 5])
  is(section(run, 'Settings').learningRate, '0.001')
  is(section(run, 'Settings').betas, '0.9, 0.98')
  is(section(run, 'Model').hiddenSize, '24')
  is(section(run, 'Data')['validation images'], '16 of photos/validation')
  is(section(run, 'Machine').processor, 'a processor, 2 in use')
  const checkpoints = table(run, 'Checkpoints')?.rows ?? []
  equal(
    checkpoints.map(([name]) => textOf(name)),
    ['step-00000020', 'step-00000040'],
  )
  equal(checkpoints[1]?.[0], { text: 'step-00000040', href: './checkpoints/step-00000040', mark: 'best' })
  equal(checkpoints[0]?.slice(1), ['20', '2.3 KiB', 'complete'])
  const broken = table(run, 'Broken images')?.rows ?? []
  equal(broken.slice(0, 2), [
    ['photos/a.jpg', 'is empty'],
    ['b.tar, key at byte 512', 'is no image'],
  ])
  is(run?.highlights.find(({ label }) => label === 'Validation loss')?.note, 'the lowest so far')
})

test('a tokenizer has its own curves', async () => {
  const folder = join(temporary(), 'tokenizer')
  const events: TokenizerEvent[] = [start(folder)]
  for (let n = 1; n <= 20; n++) {
    events.push({ ...step(n), reconstruction: 1 / n, kl: 0.1 * n, temperature: 1 / n, klWeight: 0 })
    if (n % 5 === 0)
      events.push({ type: 'codebook', step: n, interval: 5, usage: 0.5, perplexity: n, dead: 3 })
  }
  const [run] = (await reported(runFolder(folder, events))).runs
  is(run?.kind, 'Tokenizer training')
  const ids = run?.panels.map(({ id }) => id)
  equal(ids?.slice(0, 5), ['reconstruction', 'perplexity', 'usage', 'kl', 'temperature'])
  equal(series(run, 'perplexity', 'training')?.y, [5, 10, 15, 20])
  is(series(run, 'perplexity', 'training')?.noisy, undefined, 'each is of five steps already')
  is(series(run, 'temperature', 'training')?.noisy, undefined)
  is(series(run, 'kl', 'training')?.noisy, true)
  is(series(run, 'reconstruction', 'training')?.y[1], 0.5)
  is(run?.state, 'open')
})

test('fine-tuning: averaged weights, classes with images and accuracy', async () => {
  const folder = join(temporary(), 'finetuned')
  const classes = [
    { name: 'hen', images: 60 },
    { name: '<b>owl</b>', images: 20 },
  ]
  const scores = (accuracy: number) => ({
    loss: 1 - accuracy,
    accuracy,
    accuracy5: 1,
    perClass: classes.map(({ name }, i) => ({ name, images: 8, accuracy: accuracy - i / 10 })),
    confusion: [],
    multiLabel: null,
  })
  const events: FinetuneEvent[] = [
    { ...start(folder), classBalance: { images: 80, classes, ratio: 3, empty: [] } },
    { ...step(1), images: 8 },
    { type: 'evaluation', epoch: 0, step: 1, images: 16, broken: 0, ...scores(0.5), ema: scores(0.25) },
    { ...step(2), images: 8 },
    { type: 'evaluation', epoch: 1, step: 2, images: 16, broken: 0, ...scores(0.75), ema: scores(0.5) },
  ]
  const [run] = (await reported(runFolder(folder, events as RunEvent[]))).runs
  equal(series(run, 'accuracy', 'averaged weights')?.y, [25, 50])
  equal(series(run, 'accuracy', 'validation')?.y, [50, 75])
  is(panel(run, 'average-precision'), undefined, 'images of one class each have no average precision')
  equal(table(run, 'Classes')?.rows, [
    ['hen', '60', '8', '75.0 %'],
    ['<b>owl</b>', '20', '8', '65.0 %'],
  ])
})

test('a run without a finite loss, or without a step, shows no number that is none', async () => {
  const lost = [1, 2, 3].map((n) => step(n, { loss: Number.NaN, gradientNorm: Infinity, skipped: n }))
  const [run] = (await reported(runFolder(join(temporary(), 'lost'), [start('lost'), ...lost]))).runs
  equal(
    run?.panels.map(({ id }) => id),
    ['accuracy', 'perplexity', 'learning-rate', 'speed', 'waiting'],
  )
  is(run?.highlights[0]?.value, 'not finite')

  const evaluations = [10, 20, 30].map((n) => ({ ...evaluation(n), ...(n !== 20 && { loss: Number.NaN }) }))
  const late = [start('late'), step(1), ...(evaluations as RunEvent[])]
  const [ended] = (await reported(runFolder(join(temporary(), 'late'), late))).runs
  const [loss] = ended?.highlights ?? []
  equal([loss?.value, loss?.note], ['not finite', 'lowest 4.500 at step 20'])
  equal(series(ended, 'loss', 'validation')?.y, [null, 4.5, null])

  const classBalance = { images: 80, classes: [], ratio: null, empty: [] }
  const begun = [{ ...start('begun'), classBalance }] as unknown as RunEvent[]
  const [none] = (await reported(runFolder(join(temporary(), 'begun'), begun))).runs
  equal([none?.kind, none?.highlights], ['Image classification', []])
})

test('no value of a run becomes markup, a link to elsewhere, or the end of the data', async () => {
  const hostile = '</script><script>alert(1)</script><!-- "\' javascript:alert(2) \u2028'
  const folder = join(temporary(), '<img src=x onerror=alert(3)>', 'javascript:alert(4)')
  const settings = { ...SETTINGS, settings: { note: hostile }, [hostile]: { [hostile]: hostile } }
  const warning: RunEvent = { type: 'warning', message: hostile }
  runFolder(folder, [...pretraining(hostile, 20), warning], settings)
  await checkpoint(folder, 20)
  await mkdir(join(folder, 'checkpoints', `step-00000020${encodeURIComponent(hostile)}`), { recursive: true })
  await writeFile(join(folder, 'broken-images.txt'), `${hostile}\t0\t${hostile}\t${hostile}\n`)
  const html = await readFile(await writeReport(folder), 'utf8')
  is(html.match(/<script/g)?.length, 2, 'the data and the script of the page')
  is(html.match(/<\/script/g)?.length, 2)
  not.match(html, '<img src=x')
  not.match(html, '<!--')
  match(html, /default-src 'none'/)
  match(html, /<title>&lt;img src=x onerror=alert\(3\)&gt;\/javascript:alert\(4\)/)
  const [run] = dataIn(html).runs
  is(section(run, 'Settings').note, hostile)
  const links = run?.tables.flatMap(({ rows }) =>
    rows.flat().flatMap((cell) => (typeof cell === 'object' && cell.href !== undefined ? [cell.href] : [])),
  )
  ok(links?.length)
  for (const link of links ?? []) match(link, /^\.\/[\w%.-]+(\/[\w%.-]+)*$/)
})

test('a run of 100,000 steps stays below 2 MB and keeps its extremes', async () => {
  const folder = join(temporary(), 'long')
  const events = pretraining(folder, 100_000)
  const peak = events.find((event) => event.type === 'step' && event.step === 54_321)
  if (peak?.type === 'step') peak.gradientNorm = 12_345
  const path = await writeReport(runFolder(folder, events))
  ok((await stat(path)).size < 2e6, `${(await stat(path)).size} bytes`)
  const [run] = dataIn(await readFile(path, 'utf8')).runs
  ok((run?.axis.length ?? 0) > 3000)
  is(run?.stepsPerPoint, 25)
  is(Math.max(...(series(run, 'gradient-norm', 'training')?.high ?? []).map(Number)), 12_345)
})

test('sheets over time: images one by one, and what does not change once', async () => {
  const folder = join(temporary(), 'pictured')
  runFolder(folder, pretraining(folder, 40))
  for (let n = 1; n <= 12; n++) await samples(folder, n)
  await writeFile(join(folder, 'samples', 'step-00000013.png'), 'no picture')
  const [run] = (await reported(folder)).runs
  equal(
    run?.sheets.map(({ step }) => step),
    [1, 2, 4, 5, 6, 8, 9, 10, 12],
  )
  const [first] = run?.sheets ?? []
  equal(
    first?.rows.map(({ name }) => name),
    ['Original', 'Masked', 'Target tokens', 'Predicted tokens'],
  )
  equal(
    first?.rows.map(({ images }) => images.length),
    [4, 4, 4, 4],
  )
  equal(first?.footers.length, 4)
  is(first?.subtitle, '1 of 1000 masked tokens right')
  equal(run?.sheets[1]?.rows[0], first?.rows[0])
  not.equal(run?.sheets[1]?.rows[3], first?.rows[3])
  for (const image of run?.images ?? []) match(image, /^data:image\/webp;base64,[\w+/=]+$/)
})

test('runs of two kinds are not measured by one another; their names tell them apart', async () => {
  const folder = temporary()
  const classified = [1, 2].map((n) => {
    const { masked: _, perplexity: __, ...rest } = step(n, { loss: 0.1 })
    return { ...rest, images: 8 }
  }) as unknown as RunEvent[]
  const runs = [
    runFolder(join(folder, 'a', 'low'), pretraining('low', 40, 2)),
    runFolder(join(folder, 'a', 'high'), pretraining('high', 40)),
    runFolder(join(folder, 'b', 'low'), [start('low'), ...classified]),
  ]
  const output = join(folder, 'comparison.html')
  const { runs: described, comparison } = await reported(runs, { output })
  equal(
    described.map(({ name }) => name),
    ['a/low', 'a/high', 'b/low'],
  )
  const [reached] = comparison
  const column = reached?.columns.findIndex(({ name }) => name === 'training loss, last steps') ?? -1
  equal(
    reached?.rows.map((row) => (row[column] as { strong: boolean }).strong),
    [true, false, false],
  )
  const speed = reached?.columns.findIndex(({ name }) => name === 'images/s') ?? -1
  ok(!reached?.rows.some((row) => (row[speed] as { strong: boolean }).strong), 'equal ones: none is the best')

  const twice = await reported([runs[0] as string, runs[1] as string, runs[1] as string], { output })
  equal(
    twice.runs.map(({ name }) => name),
    ['low', 'high (2)', 'high (3)'],
  )
})

test('several runs: what they reached, where they differ, curves of all', async () => {
  const folder = temporary()
  const runs = [0.5, 1, 2].map((rate, i) =>
    runFolder(join(folder, `run-${i}`), pretraining(`run-${i}`, 400, rate), {
      ...SETTINGS,
      runId: `id-${i}`,
      settings: { ...SETTINGS.settings, output: `run-${i}`, learningRate: rate / 1000 },
    }),
  )
  const output = join(folder, 'made', 'comparison.html')
  const report = await reported(runs, { output })
  is(report.runs.length, 3)
  const [reached, differing] = report.comparison
  equal(differing?.rows, [['settings.learningRate', '0.0005', '0.001', '0.002']])
  const column = reached?.columns.findIndex(({ name }) => name === 'lowest validation loss') ?? -1
  equal(
    reached?.rows.map((row) => (row[column] as { strong?: boolean }).strong),
    [false, false, true],
  )
  match(String(textOf(reached?.rows[2]?.[column])), /^2\.\d+ at step 400$/)
  await rejects(writeReport(runs), 'ERR_INVALID_ARGUMENT', /output must be a path, to compare several runs/)
})

test('a run that has not begun, no run at all, and metrics without settings', async () => {
  const folder = temporary()
  const [empty] = (await reported(folder)).runs
  equal([empty?.state, empty?.progress, empty?.panels], ['new', 'no event yet', []])
  await rejects(writeReport(join(folder, 'nothing')), 'ERR_IO', /cannot read the run .*nothing/)
  await rejects(writeReport(join(folder, 'report.html')), 'ERR_IO', /is no run: a run is a folder/)
  await rejects(writeReport([]), 'ERR_INVALID_ARGUMENT', /runs must be one run folder or more/)
  const started = start('x', { config: { settings: { seed: 7 } } })
  await writeFile(join(folder, 'metrics.jsonl'), `${JSON.stringify(started)}\n`)
  const [run] = (await reported(folder)).runs
  is(section(run, 'Settings').seed, '7')
})

test.run()
