import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { equal, is, match, ok } from 'uvu/assert'
import { writeTensorBoard } from '../../../lib/log/tensorboard/write_tensorboard.js'
import type { FinetuneEvaluationEvent, RunEvent } from '../../../lib/train/events.js'
import { runProgram } from '../../support/child.js'
import { rejects } from '../../support/errors.js'
import { curve, eventFiles, readEvents } from '../../support/event_file.js'
import { encode, picture } from '../../support/pictures.js'
import { suite } from '../../support/suite.js'
import { temporary } from '../../support/temporary.js'
import { collect } from '../../train/micro.js'
import { evaluation, start, step, stream } from '../events.js'

const test = suite('TensorBoard of a run')

/** All values of a folder by their tags, each with its step. */
function byTag(folder: string): Record<string, [number, number | string | undefined][]> {
  const found: Record<string, [number, number | string | undefined][]> = {}
  for (const { step, values } of eventFiles(folder).flatMap(readEvents)) {
    for (const { tag, scalar, tensor } of values) {
      found[tag] = [...(found[tag] ?? []), [step, scalar ?? tensor?.texts[0]]]
    }
  }
  return found
}

test('every number of a pre-training run has its curve, and every event is handed on', async () => {
  const output = join(temporary(), 'made')
  const config = { settings: { epochs: 4, betas: [0.5, 0.75], data: 'a|b\n`c`' } }
  const events: RunEvent[] = [
    start(output, { config }),
    step(1, { loss: 4.5, skipped: 1, parts: { forward: 0.25 } }),
    step(2, { loss: Number.NaN }),
    {
      ...{ type: 'epoch', epoch: 0, step: 10, loss: 4, accuracy: 0.5, masked: 960, perplexity: 16 },
      ...{ seconds: 5, imagesPerSecond: 16, waiting: 0.5, broken: 2 },
    },
    evaluation(10),
    { type: 'warning', message: 'nothing of interest' },
  ]
  equal(await collect(writeTensorBoard(stream(events))), events)
  equal(byTag(output), {
    'run/settings': [
      [
        0,
        '| setting | value |\n| --- | --- |\n| settings.epochs | 4 |\n| settings.betas | 0.5, 0.75 |\n' +
          '| settings.data | a\\|b \\`c\\` |',
      ],
    ],
    ...same({ 'train/loss': 4.5 }, { 'train/loss': Number.NaN }),
    ...same({ 'train/skipped_steps': 1 }, { 'train/skipped_steps': 0 }),
    ...both({
      'train/accuracy': [0.01, 0.02],
      'train/gradient_norm': [1.5, 1.5],
      'train/learning_rate': [1e-3, 1e-3],
      'train/weight_decay': [0.05, 0.05],
      'codebook/perplexity': [30, 30],
      'speed/images_per_second': [16, 16],
      'speed/waiting_share': [0.25, 0.25],
      'speed/seconds_per_step': [0.5, 0.5],
    }),
    'parts/forward': [[1, 0.25]],
    ...at(10, {
      'epoch/loss': 4,
      'epoch/accuracy': 0.5,
      'epoch/perplexity': 16,
      'epoch/images_per_second': 16,
      'epoch/waiting_share': 0.5,
      'epoch/seconds': 5,
      'epoch/broken_images': 2,
      'validation/loss': 4.5,
      'validation/accuracy': Math.fround(0.2),
      'validation/baseline_accuracy': Math.fround(0.05),
      'validation/perplexity': 32,
    }),
  })
})

/** At steps 1 and 2, as float32. */
const both = (values: Record<string, [number, number]>) =>
  Object.fromEntries(
    Object.entries(values).map(([tag, pair]) => [tag, pair.map((value, i) => [i + 1, Math.fround(value)])]),
  )
const same = (first: Record<string, number>, second: Record<string, number>) =>
  both(Object.fromEntries(Object.entries(first).map(([tag, value]) => [tag, [value, second[tag] as number]])))
const at = (step: number, values: Record<string, number>) =>
  Object.fromEntries(Object.entries(values).map(([tag, value]) => [tag, [[step, value]]]))

test('evaluations of a classifier: averaged weights, several labels; what has no value has no point', async () => {
  const output = temporary()
  const scores = { loss: 1, accuracy: 0.5, accuracy5: 0.75, perClass: [], confusion: [], multiLabel: null }
  const several = {
    ...{ loss: 2, accuracy: null, accuracy5: null, perClass: [], confusion: [] },
    multiLabel: { meanAveragePrecision: 0.25, f1: null, perClass: [] },
  }
  const scored = (more: Partial<FinetuneEvaluationEvent>): RunEvent => ({
    ...{ type: 'evaluation', epoch: 0, step: 10, images: 16, broken: 0, ...scores, ema: null },
    ...more,
  })
  await collect(writeTensorBoard(stream([start(output), scored({ ema: several }), scored({ step: 20 })])))
  const { 'run/settings': _, ...found } = byTag(output)
  equal(found, {
    'validation/loss': [
      [10, 1],
      [20, 1],
    ],
    'validation/accuracy': [
      [10, 0.5],
      [20, 0.5],
    ],
    'validation/accuracy_top5': [
      [10, 0.75],
      [20, 0.75],
    ],
    ...at(10, { 'validation_averaged/loss': 2, 'validation_averaged/mean_average_precision': 0.25 }),
  })
})

test('a resumed run opens another file and has TensorBoard forget what came after its checkpoint', async () => {
  const output = temporary()
  const folder = join(output, 'board')
  await collect(writeTensorBoard(stream([start(output), step(1), step(2), step(3)]), { folder }))
  const resumed = start(output, { resumedFrom: 'step-00000002', resumedStep: 2 })
  await collect(writeTensorBoard(stream([resumed, step(3), step(4)]), { folder }))
  const [first, second, ...more] = eventFiles(folder).map(readEvents)
  equal(more, [])
  equal([first?.[1]?.session, first?.[1]?.step], [1, 0])
  equal([second?.[1]?.session, second?.[1]?.step], [1, 3])
})

test('samples are shown; histograms come after epochs alone', async () => {
  const output = temporary()
  const path = join(output, 'sheet.png')
  writeFileSync(path, await encode(picture(6, 5)).png().toBuffer())
  const counts = { counts: Float64Array.of(3), edges: Float64Array.of(0, 1) }
  const epoch: RunEvent = {
    ...{ type: 'epoch', epoch: 0, step: 10, loss: 4, accuracy: 0.5, masked: 960, perplexity: 16 },
    ...{ seconds: 5, imagesPerSecond: 16, waiting: 0.5, broken: 2 },
  }
  const events: RunEvent[] = [
    start(output),
    step(1),
    epoch,
    { type: 'samples', epoch: 0, step: 10, path, seconds: 1 },
  ]
  await collect(
    writeTensorBoard(stream(events), { histograms: async () => new Map([['weights/a', counts]]) }),
  )
  const values = eventFiles(output)
    .flatMap(readEvents)
    .flatMap(({ step, values }) => values.map((value) => ({ step, ...value })))
  const image = values.find(({ tag }) => tag === 'samples')
  equal([image?.step, image?.image?.width, image?.image?.height], [10, 6, 5])
  equal(image?.image?.png, readFileSync(path))
  const histograms = values.filter(({ tag }) => tag === 'weights/a')
  equal(
    histograms.map(({ step, tensor }) => [step, tensor?.numbers]),
    [[10, [0, 1, 3]]],
  )
})

test('a folder that cannot be written to ends the run before its first step', async () => {
  const output = temporary()
  writeFileSync(join(output, 'file'), '')
  let ended = false
  async function* run() {
    try {
      yield start(output) as RunEvent
      yield step(1)
    } finally {
      ended = true
    }
  }
  const seen: RunEvent[] = []
  const follow = async () => {
    for await (const event of writeTensorBoard(run(), { folder: join(output, 'file') })) seen.push(event)
  }
  await rejects(follow, 'ERR_IO', /cannot write TensorBoard events to .*file/)
  equal(seen, [])
  ok(ended)
})

test('a picture that is gone ends the writing, not the run', async () => {
  const output = temporary()
  const gone: RunEvent = { type: 'samples', epoch: 0, step: 1, path: join(output, 'gone.png'), seconds: 1 }
  const events = [start(output), step(1), gone, step(2)]
  const seen = await collect(writeTensorBoard(stream(events)))
  equal(
    seen.map(({ type }) => type),
    ['start', 'step', 'warning', 'samples', 'step'],
  )
  match(
    (seen[2] as { message: string }).message,
    /gone\.png.*; the run goes on, and TensorBoard learns no more of it/,
  )
  equal(curve(output, 'train/loss'), [[1, Math.fround(4.9)]])
})

const noLimit = process.platform === 'win32' ? 'no ulimit here' : null
test.skipIf(noLimit, 'a full disk is warned of once, and the run goes on to its end', async () => {
  const folder = temporary()
  const under = ['bash', '-c', 'ulimit -f 32; exec "$@"', 'bash']
  const { status, output } = await runProgram('log/programs/full_disk.js', [folder], { under })
  const [warning, counts, ...more] = output.trimEnd().split('\n')
  is(status, 0, output)
  equal(more, [])
  match(warning as string, /^cannot write TensorBoard events to .*tfevents.*EFBIG.*the run goes on/)
  equal(JSON.parse(counts as string), { steps: 401, warnings: 1, last: 'step' })
})

test.skipIf(noLimit, 'an event file takes no more after an error, and goes on telling that one', async () => {
  const under = ['bash', '-c', 'ulimit -f 32; exec "$@"', 'bash']
  const { status, output } = await runProgram('log/programs/full_event_file.js', [temporary()], { under })
  is(status, 0, output)
  const { message, ...told } = JSON.parse(output)
  match(message, /^cannot write TensorBoard events to .*tfevents.*EFBIG/)
  equal(told, { same: true, grown: 0 })
})

test('who leaves early ends the run and finds what was told in the file', async () => {
  const output = temporary()
  for await (const event of writeTensorBoard(stream<RunEvent>([start(output), step(1), step(2)])))
    if (event.type === 'step') break
  equal(curve(output, 'train/loss'), [[1, Math.fround(4.9)]])
})

test.run()
