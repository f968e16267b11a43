/** Training on a GPU: the same steps as on the CPU, and checkpoints that go from one to the other. */
import { join } from 'node:path'
import { equal, is, ok } from 'uvu/assert'
import { readSafetensors } from '../../lib/checkpoint/safetensors.js'
import type { ImageFolder } from '../../lib/data/image_folder.js'
import { scope } from '../../lib/dispose.js'
import { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import type { StepResult } from '../../lib/native.js'
import { MaskedImageModeling } from '../../lib/objectives/masked_image_modeling.js'
import type { PretrainEvent } from '../../lib/train/events.js'
import { pretrain } from '../../lib/train/pretrain.js'
import { type GoldenName, goldenBeit } from '../models/golden_beit.js'
import { noGpu } from '../support/gpu.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { named } from '../support/tensors.js'
import { microImages, microModel, microRun, microTokenizer } from '../train/micro.js'

const test = suite('training on a GPU', { timeout: 120_000 })
const onGpu = { device: 'cuda' } as const
const OPTIONS = { betas: [0.9, 0.999], eps: 1e-8, clipGradient: 3, seed: 0 } as const
const SETTINGS = { learningRate: 1.5e-3, weightDecay: 0.05 }

/** Three steps on the golden batches. */
async function goldenSteps(
  name: GoldenName,
  device: string,
  precision: 'fp32' | 'bf16',
): Promise<StepResult[]> {
  const { model, tensors } = await goldenBeit(name)
  const objective = new MaskedImageModeling({ model: await model.to({ device }), tokenizer: null })
  const trainer = await objective.createTrainer({ ...OPTIONS, precision })
  const results: StepResult[] = []
  for (const step of [0, 1, 2].filter((step) => tensors.has(`step${step}.pixels`))) {
    const [pixels, mask, tokens] = await Promise.all(
      ['pixels', 'mask', 'tokens'].map((part) => named(tensors, `step${step}.${part}`).to({ device })),
    )
    results.push(await trainer.step([{ pixels, mask, tokens } as never], SETTINGS))
  }
  return results
}

for (const name of ['mim_shared_rel_pos', 'mim_abs_pos_rect'] as const) {
  const reason = noGpu

  test.skipIf(reason, `${name}: losses and gradient norms of the steps are those of the CPU`, () =>
    scope(async () => {
      const [cpu, gpu] = [await goldenSteps(name, 'cpu', 'fp32'), await goldenSteps(name, 'cuda', 'fp32')]
      for (const [step, expected] of cpu.entries()) {
        near(gpu[step]?.loss, expected.loss, 1e-4)
        near(gpu[step]?.gradientNorm, expected.gradientNorm, 1e-3)
        equal([gpu[step]?.masked, gpu[step]?.finite], [expected.masked, true])
      }
    }),
  )

  test.skipIf(reason, `${name}: bf16 stays within a hundredth of float32`, () =>
    scope(async () => {
      const [exact, mixed] = [
        await goldenSteps(name, 'cuda', 'fp32'),
        await goldenSteps(name, 'cuda', 'bf16'),
      ]
      for (const [step, expected] of exact.entries()) near(mixed[step]?.loss, expected.loss, 1e-2)
    }),
  )
}

test.skipIf(noGpu, 'a run begun on the GPU goes on on the CPU, and the other way round', () =>
  scope(async () => {
    const data = await microImages()
    for (const [first, second] of [
      ['cuda', 'cpu'],
      ['cpu', 'cuda'],
    ] as const) {
      const output = join(temporary(), 'run')
      await microSteps(first, output, data, 3)
      const [start, ...events] = await microSteps(second, output, data, 6)
      ok(start?.type === 'start')
      // On a GPU the step after may have begun when the run is stopped; it is finished then.
      ok(start.resumedStep === 3 || start.resumedStep === 4, `${start.resumedStep}`)
      const done = events.at(-1)
      ok(done?.type === 'done')
      ok((done.step === 6 || done.step === 7) && Number.isFinite(done.loss), `${done.step}, ${done.loss}`)
    }
  }),
)

test.skipIf(noGpu, 'a run with a step in flight and early copies has the losses of the CPU', () =>
  scope(async () => {
    const data = await microImages()
    const [cpu, gpu] = [
      await microSteps('cpu', join(temporary(), 'run'), data, 6),
      await microSteps('cuda', join(temporary(), 'run'), data, 6),
    ].map((events) => events.filter((event) => event.type === 'step').slice(0, 6))
    is(gpu?.length, 6)
    for (const [i, step] of (cpu ?? []).entries()) {
      is(gpu?.[i]?.step, step.step)
      // Without drop path: the noise of a GPU is another.
      near(gpu?.[i]?.loss, step.loss, 1e-3)
    }
  }),
)

test.skipIf(noGpu, 'a file saved from the GPU is that of the CPU', () =>
  scope(async () => {
    const [cpu, gpu] = [join(temporary(), 'cpu.safetensors'), join(temporary(), 'gpu.safetensors')]
    const model = await microModel({ seed: 5 })
    await model.save(cpu)
    await (await model.to(onGpu)).save(gpu)
    const [expected, actual] = [await readSafetensors(cpu), await readSafetensors(gpu)]
    for (const [key, tensor] of expected.tensors) {
      equal(await named(actual.tensors, key).toTypedArray(), await tensor.toTypedArray(), key)
    }
    is((await BeitForMaskedImageModeling.load(cpu, onGpu)).device, 'cuda:0')
  }),
)

test.run()

/** The micro run on `device`, begun or resumed, stopped after step `stop`. */
async function microSteps(device: string, output: string, data: ImageFolder, stop: number) {
  const controller = new AbortController()
  const events: PretrainEvent[] = []
  const options = await microRun(output, data)
  const moved = {
    model: await (await microModel({ dropPath: 0 })).to({ device }),
    tokenizer: await (await microTokenizer()).to({ device }),
  }
  for await (const event of pretrain({ ...options, ...moved, resume: 'auto', signal: controller.signal })) {
    events.push(event)
    if (event.type === 'step' && event.step === stop) controller.abort()
  }
  return events
}

function near(actual: number | undefined, expected: number, tolerance: number): void {
  const error = Math.abs((actual ?? Number.NaN) - expected) / Math.abs(expected)
  ok(error <= tolerance, `expected ${expected} within ${tolerance}, got ${actual}`)
}
