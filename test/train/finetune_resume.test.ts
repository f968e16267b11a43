import { createHash } from 'node:crypto'
import fs from 'node:fs/promises'
import { join } from 'node:path'
import { equal, ok } from 'uvu/assert'
import {
  EMA_FILE,
  listRunCheckpoints,
  MODEL_FILE,
  TRAINER_FILE,
} from '../../lib/checkpoint/run_checkpoint.js'
import { labelled } from '../../lib/data/labels.js'
import type { FinetuneEvent } from '../../lib/train/events.js'
import { finetune } from '../../lib/train/finetune.js'
import type { FinetuneOptions } from '../../lib/train/finetune_options.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { timeless } from './micro.js'
import { CLASSES, labelsOf, microClassifier, microFinetune, stripes } from './micro_finetune.js'

const test = suite('finetune resume')

// Steps 3, 6, 9, ... end an epoch; the others lie inside one.
const STOPS = [1, 3, 7, 12, 14]

for (const loaderThreads of [1, 3]) {
  test(`15 steps stopped at any of 5 end with the same bits, ${loaderThreads} loader threads`, async () => {
    const data = await stripes()
    const more = { loaderThreads, epochs: 5, ema: 0.9, repeats: 2, validation: data, evaluateEveryEpochs: 2 }
    const whole = temporary()
    const events = await run(whole, data, more)
    const [expected, steps] = [await digests(whole), timeless(events.filter(isProgress))]
    for (const stop of STOPS) {
      const output = temporary()
      const before = await run(output, data, more, stop)
      // Fresh objects, as in a new process; the weights of another seed must not matter.
      const model = await microClassifier({ seed: 9 })
      const after = await run(output, data, { ...more, model, resume: 'auto' })
      equal(await digests(output), expected, `stopped at ${stop}`)
      equal(timeless([...before, ...after].filter(isProgress)), steps, `stopped at ${stop}`)
      ok(after[0]?.type === 'start' && after[0].resumedStep === stop)
    }
  })
}

test('several labels, bf16, clipping, resized crops and colour jitter: the same bits too', async () => {
  const images = await stripes()
  const labels = labelsOf(images, (name, i) => (i % 3 === 0 ? [name, 'odd'] : name === 'plain' ? [] : [name]))
  const data = await labelled(images, { labels, classes: ['across', 'odd', 'upright', 'plain'].sort() })
  const more: Partial<FinetuneOptions> = {
    loss: 'binary-cross-entropy',
    precision: 'bf16',
    clipGradient: 0.5,
    ema: 0.9,
    crop: 'random-resized-crop',
    randAugment: null,
    colorJitter: [0.4, 0.4, 0.4],
    epochs: 3,
    validation: data,
  }
  const model = (seed = 0) => microClassifier({ numClasses: 4, seed })
  const whole = temporary()
  const events = await run(whole, data, { ...more, model: await model() })
  for (const stop of [2, 6]) {
    const output = temporary()
    const before = await run(output, data, { ...more, model: await model() }, stop)
    const after = await run(output, data, { ...more, model: await model(9), resume: 'auto' })
    equal(await digests(output), await digests(whole), `stopped at ${stop}`)
    equal(timeless([...before, ...after].filter(isProgress)), timeless(events.filter(isProgress)))
  }
})

test('other options, labels, models, and a training checkpoint of PyTorch are refused', async () => {
  const [output, data] = [temporary(), await stripes(4)]
  await run(output, data, {}, 2)
  const refused = (more: Partial<FinetuneOptions>, code: Parameters<typeof rejects>[1], message: RegExp) =>
    rejects(run(output, data, { resume: 'auto', ...more }), code, message)
  await refused({ mixup: 0 }, 'ERR_CHECKPOINT_MISMATCH', /settings\.mixup: 0\.8 in the checkpoint, 0 now/)
  await refused({ ema: 0.9 }, 'ERR_CHECKPOINT_MISMATCH', /settings\.ema: null in the checkpoint, 0\.9 now/)
  const swapped = labelsOf(data, (name, i) => (i === 0 ? 'plain' : i === 4 ? 'across' : name))
  equal([swapped['across/00.png'], swapped['plain/00.png']], ['plain', 'across'])
  const relabelled = await labelled(data, { labels: swapped, classes: CLASSES })
  await refused({ data: relabelled }, 'ERR_CHECKPOINT_MISMATCH', /data\.fingerprint: "\w+" in the checkpoint/)
  const darker = await microClassifier({ preprocessing: { mean: [0.4, 0.5, 0.5] } })
  await refused({ model: darker }, 'ERR_CHECKPOINT_MISMATCH', /preprocessing\.mean: \[0\.5,.*\[0\.4,/)
  const deeper = await microClassifier({ depth: 3 })
  await refused({ model: deeper }, 'ERR_CHECKPOINT_MISMATCH', /model\.depth: 2 in the checkpoint, 3 now/)
  const file = join(temporary(), 'checkpoint-3.pth')
  await fs.writeFile(file, 'x')
  await refused(
    { resume: file, output: temporary() },
    'ERR_NO_CHECKPOINT',
    /is a file, .* checkpoint folders alone/,
  )
})

test.run()

/** @param stop the step after which it is aborted */
async function run(
  output: string,
  data: FinetuneOptions['data'],
  more: Partial<FinetuneOptions> = {},
  stop?: number,
): Promise<FinetuneEvent[]> {
  const controller = new AbortController()
  const events: FinetuneEvent[] = []
  const options = { ...(await microFinetune(output, data)), ...more, signal: controller.signal }
  for await (const event of finetune(options)) {
    events.push(event)
    if (event.type === 'step' && event.step === stop) controller.abort()
  }
  return events
}

/** SHA-256 of all weights, moments and the generator in the newest checkpoint. */
async function digests(output: string): Promise<string[]> {
  const { path } = (await listRunCheckpoints(join(output, 'checkpoints'))).at(-1) as { path: string }
  const files = [MODEL_FILE, EMA_FILE, TRAINER_FILE].map((name) => fs.readFile(join(path, name)))
  return (await Promise.all(files)).map((bytes) => createHash('sha256').update(bytes).digest('hex'))
}

function isProgress(event: FinetuneEvent): boolean {
  return event.type === 'step' || event.type === 'epoch' || event.type === 'evaluation'
}
