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
import type { FinetuneEvent } from '../../lib/train/events.js'
import { finetune } from '../../lib/train/finetune.js'
import type { FinetuneOptions } from '../../lib/train/finetune_options.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { timeless } from './micro.js'
import { microClassifier, microFinetune, stripes } from './micro_finetune.js'

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

test('other options, labels, and a training checkpoint of PyTorch are refused', async () => {
  const [output, data] = [temporary(), await stripes(4)]
  await run(output, data, {}, 2)
  const refused = (more: Partial<FinetuneOptions>, code: Parameters<typeof rejects>[1], message: RegExp) =>
    rejects(run(output, data, { resume: 'auto', ...more }), code, message)
  await refused({ mixup: 0 }, 'ERR_CHECKPOINT_MISMATCH', /settings\.mixup: 0\.8 in the checkpoint, 0 now/)
  await refused({ ema: 0.9 }, 'ERR_CHECKPOINT_MISMATCH', /settings\.ema: null in the checkpoint, 0\.9 now/)
  await fs.writeFile(join(temporary(), 'x'), '')
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
