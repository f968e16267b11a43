/** An evaluation that fails costs no step: the run is saved, and goes on with the evaluation. */
import fs from 'node:fs/promises'
import { join } from 'node:path'
import { equal, is, ok } from 'uvu/assert'
import type { ImageFolder } from '../../lib/data/image_folder.js'
import type { RunEvent } from '../../lib/train/events.js'
import { finetune } from '../../lib/train/finetune.js'
import { pretrain } from '../../lib/train/pretrain.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { collect, digests, microImages, microRun, timeless } from './micro.js'
import { microFinetune, stripes } from './micro_finetune.js'

const test = suite('failed evaluation')

type Start = (output: string, more: object) => Promise<AsyncIterable<RunEvent>>

/** Each makes a run of new objects, as another process would; three steps are an epoch. */
const KINDS: Record<string, { images: () => Promise<ImageFolder>; start: (data: ImageFolder) => Start }> = {
  finetune: {
    images: stripes,
    start: (data) => async (output, more) =>
      finetune({ ...(await microFinetune(output, data)), ema: 0.9, ...more }),
  },
  pretrain: {
    images: microImages,
    start: (data) => async (output, more) => pretrain({ ...(await microRun(output, data)), ...more }),
  },
}

for (const [kind, { images, start }] of Object.entries(KINDS)) {
  test(`${kind}: saved before it is told, evaluated when resumed, no step made twice`, async () => {
    const [validation, begin] = [await images(), start(await images())]
    const more = { epochs: 3, validation, saveEveryEpochs: 3, resume: 'auto' }
    const [whole, output] = [temporary(), temporary()]
    const expected = (await collect(await begin(whole, more))).filter(isProgress)

    const paths = [0, 1, 2, 3, 4].map((index) => validation.sample(index).path)
    const hide = () => Promise.all(paths.map((path) => fs.rename(path, `${path}.away`)))
    const bringBack = () => Promise.all(paths.map((path) => fs.rename(`${path}.away`, path)))
    const before: RunEvent[] = []
    const failing = async () => {
      for await (const event of await begin(output, more)) {
        before.push(event)
        if (event.type === 'step' && event.step === 5) await hide()
      }
    }
    const folder = join(output, 'checkpoints', 'step-00000006')
    const error = await rejects(failing, 'ERR_DATA', /evaluation after step 6 .* saved in .*step-00000006/s)
    ok(error.message.includes(folder))
    const last = before.at(-1)
    ok(last?.type === 'checkpoint' && last.path === folder)
    await rejects(begin(output, more).then(collect), 'ERR_DATA', /evaluation after step 6 .*step-00000006/s)

    await bringBack()
    const after = await collect(await begin(output, more))
    ok(after[0]?.type === 'start')
    is(after[0].resumedStep, 6)
    equal(timeless([...before, ...after].filter(isProgress)), timeless(expected))
    equal(await digests(output), await digests(whole))
  })
}

test.run()

const isProgress = ({ type }: RunEvent) => type === 'step' || type === 'epoch' || type === 'evaluation'
