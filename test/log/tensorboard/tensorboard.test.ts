/** The real TensorBoard reads what runs write: through the readers of its library, and those of its server. */
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { equal, is, match, ok } from 'uvu/assert'
import { METRICS_FILE, readMetrics, writeMetrics } from '../../../lib/log/metrics_file.js'
import type { PretrainStepEvent, RunEvent } from '../../../lib/train/events.js'
import { pretrain } from '../../../lib/train/pretrain.js'
import { eventFiles } from '../../support/event_file.js'
import { python, pythonLacks } from '../../support/python.js'
import { suite } from '../../support/suite.js'
import { temporary } from '../../support/temporary.js'
import { collect, microImages, microModel, microRun } from '../../train/micro.js'

const test = suite('the real TensorBoard', { timeout: 120_000 })
const lacks = pythonLacks('tensorboard', 'PIL', 'numpy')

/** As programs read event files: scalars, pictures decoded, histograms and texts of a folder, as JSON. */
const READ = `
import io, json, sys
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray
a = EventAccumulator(sys.argv[1], size_guidance={'scalars': 0, 'images': 0, 'tensors': 0})
a.Reload()
tensors = {t: [(e.step, make_ndarray(e.tensor_proto)) for e in a.Tensors(t)] for t in a.Tags()['tensors']}
plugin = lambda t: a.SummaryMetadata(t).plugin_data.plugin_name
picture = lambda e: [e.step, e.width, e.height, list(Image.open(io.BytesIO(e.encoded_image_string)).convert('RGB').size)]
print(json.dumps({
  'scalars': {t: [[e.step, e.value] for e in a.Scalars(t)] for t in a.Tags()['scalars']},
  'images': {t: [picture(e) for e in a.Images(t)] for t in a.Tags()['images']},
  'histograms': {t: [[s, list(x.shape), float(x[:, 2].sum()), bool((x[1:, 0] == x[:-1, 1]).all())] for s, x in v]
                 for t, v in tensors.items() if plugin(t) == 'histograms'},
  'texts': {t: [[s, x[0].decode()] for s, x in v] for t, v in tensors.items() if plugin(t) == 'text'},
}))`

/** As the pages of the server get them: [[tag, steps], ...] of each kind, of the run in a folder of folders. */
const SERVE = `
import json, sys
from tensorboard import context
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.data.provider import RunTagFilter
m = EventMultiplexer(tensor_size_guidance={'scalars': 0, 'images': 0, 'histograms': 0, 'text': 0})
m.AddRunsFromDirectory(sys.argv[1]); m.Reload()
p = MultiplexerDataProvider(m, sys.argv[1])
ask = dict(experiment_id='', downsample=10000, run_tag_filter=RunTagFilter())
ctx = context.RequestContext()
def steps(read, plugin):
  found = read(ctx, plugin_name=plugin, **ask)
  return {run: {tag: [d.step for d in data] for tag, data in tags.items()} for run, tags in found.items()}
print(json.dumps({
  'scalars': steps(p.read_scalars, 'scalars'),
  'images': steps(p.read_blob_sequences, 'images'),
  'histograms': steps(p.read_tensors, 'histograms'),
  'text': steps(p.read_tensors, 'text'),
}))`

type Points = Record<string, [step: number, value: number | null][]>
interface Read {
  scalars: Points
  images: Record<string, [step: number, width: number, height: number, size: [number, number]][]>
  histograms: Record<string, [step: number, shape: number[], sum: number, joined: boolean][]>
  texts: Record<string, [step: number, text: string][]>
}

test.skipIf(lacks, 'reads a run: scalars to the bit, sheets, histograms, settings', async () => {
  const data = await microImages()
  const output = temporary()
  const options = { ...(await microRun(output, data)), epochs: 3, validation: data }
  const events = await collect(pretrain({ ...options, tensorboard: true, samplesEveryEpochs: 2 }))
  const read: Read = JSON.parse(python(READ, output))

  const points = (type: RunEvent['type'], field: string) =>
    events.flatMap((event) =>
      event.type === type ? [[(event as { step: number }).step, Math.fround((event as never)[field])]] : [],
    )
  const expected: Record<string, [RunEvent['type'], string]> = {
    'train/loss': ['step', 'loss'],
    'train/accuracy': ['step', 'accuracy'],
    'train/learning_rate': ['step', 'learningRate'],
    'train/gradient_norm': ['step', 'gradientNorm'],
    'codebook/perplexity': ['step', 'perplexity'],
    'speed/images_per_second': ['step', 'imagesPerSecond'],
    'speed/waiting_share': ['step', 'waiting'],
    'epoch/loss': ['epoch', 'loss'],
    'validation/loss': ['evaluation', 'loss'],
    'validation/accuracy': ['evaluation', 'accuracy'],
    'validation/baseline_accuracy': ['evaluation', 'baselineAccuracy'],
  }
  for (const [tag, [type, field]] of Object.entries(expected))
    equal(read.scalars[tag], points(type, field), tag)

  const sheets = events.flatMap((event) => (event.type === 'samples' ? [event] : []))
  equal(
    sheets.map(({ step }) => step),
    [6, 9],
  )
  const sizes = await Promise.all(sheets.map(({ path }) => sharp(path).metadata()))
  equal(
    read.images.samples,
    sizes.map(({ width, height }, i) => [sheets[i]?.step, width, height, [width, height]]),
  )
  const weights = 24 * 96
  equal(
    read.histograms['weights/blocks.1.mlp.fc1.weight'],
    [3, 6, 9].map((step) => [step, [30, 3], weights, true]),
  )
  const masked = events.flatMap((event) =>
    event.type === 'epoch' ? [[event.step, [32, 3], event.masked, true]] : [],
  )
  equal(read.histograms['codebook/tokens'], masked)
  match(read.texts['run/settings']?.[0]?.[1] as string, /\| settings\.learningRate \| 0\.002 \|/)
})

test.skipIf(lacks, 'a run killed in mid-write and resumed is one line of every step once', async () => {
  const data = await microImages()
  const runs = temporary()
  const output = join(runs, 'first')
  const options = { ...(await microRun(output, data)), epochs: 3, tensorboard: true, samplesEveryEpochs: 1 }
  const before: RunEvent[] = []
  for await (const event of writeMetrics(pretrain(options))) {
    before.push(event)
    // Steps 4 and 5 came after the last checkpoint: they are told again.
    if (event.type === 'step' && event.step === 5) break
  }
  appendFileSync(eventFiles(output)[0] as string, Buffer.from('1900000000000000', 'hex'))
  const model = await microModel({ seed: 9 })
  await collect(writeMetrics(pretrain({ ...options, model, resume: 'auto' })))
  is(eventFiles(output).length, 2)
  is(before.filter(({ type }) => type === 'step').length, 5)

  const steps = (await readMetrics(join(output, METRICS_FILE))).filter(
    (event): event is PretrainStepEvent => event.type === 'step',
  )
  const { scalars }: Read = JSON.parse(python(READ, output))
  equal(
    scalars['train/loss'],
    steps.map(({ step, loss }) => [step, Math.fround(loss)]),
  )
  const served = JSON.parse(python(SERVE, runs))
  const once = (all: object) => Object.values(all as Record<string, number[]>)
  equal(served.scalars.first['train/loss'], [1, 2, 3, 4, 5, 6, 7, 8, 9])
  equal(served.scalars.first['epoch/loss'], [3, 6, 9])
  equal(served.images.first, { samples: [3, 6, 9] })
  equal(served.text.first, { 'run/settings': [0, 3] })
  ok(once(served.histograms.first).length > 10)
  for (const at of once(served.histograms.first)) equal(at, [3, 6, 9])
})

test.skipIf(
  lacks,
  'an epoch saved by its last step is told once by a run that goes on from there',
  async () => {
    const data = await microImages()
    const runs = temporary()
    const output = join(runs, 'first')
    const saving = { saveEverySteps: 3, saveEveryEpochs: 100 }
    const options = {
      ...(await microRun(output, data)),
      ...saving,
      epochs: 3,
      validation: data,
      tensorboard: true,
    }
    for await (const event of writeMetrics(pretrain(options)))
      if (event.type === 'step' && event.step === 5) break
    await collect(
      writeMetrics(pretrain({ ...options, model: await microModel({ seed: 9 }), resume: 'auto' })),
    )
    const served = JSON.parse(python(SERVE, runs)).scalars.first
    equal(served['train/loss'], [1, 2, 3, 4, 5, 6, 7, 8, 9])
    equal(served['epoch/loss'], [3, 6, 9])
    equal(served['validation/loss'], [3, 6, 9])
    const told = (await readMetrics(join(output, METRICS_FILE))).filter(({ type }) => type === 'epoch')
    equal(
      told.map((event) => 'step' in event && event.step),
      [3, 6, 9],
    )
  },
)

test.run()
