/**
 * Steps recorded and replayed: everything but the recording itself, in whose place functions are called, with the
 * CUDA kernels in the emulator, since the optimizer that reads its rates on the device is one of them.
 */
import { equal, is, match, ok } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { threads } from '../../lib/device.js'
import { scope } from '../../lib/dispose.js'
import { DiscreteVaeReconstruction } from '../../lib/objectives/discrete_vae_reconstruction.js'
import { Tensor } from '../../lib/tensor.js'
import { pretrain } from '../../lib/train/pretrain.js'
import { emulating, notEmulated } from '../cuda/emulated.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { BEFORE, type Course, course, type Steps } from './graph_steps.js'
import { collect, digests, microImages, microRun, microTokenizer, timeless } from './micro.js'

const test = suite('steps as a graph')

// Small operations: a team of threads would take longer to meet than to compute, above all on a busy machine.
await threads(1)

const graphs = { cudaGraphs: true }
type Emulation = Parameters<ReturnType<typeof native>['emulateDeviceGraphs']>[0]

async function recording<T>(body: () => Promise<T>, emulation: Emulation = 'on'): Promise<T> {
  await native().emulateDeviceGraphs(emulation)
  try {
    return await emulating(body)
  } finally {
    await native().emulateDeviceGraphs('off')
  }
}

const from = (first: number, last: number) => Array.from({ length: last - first }, (_, i) => first + i)

/** Without graphs: the same for several tests, as emulated kernels take their time. */
const plain = new Map<string, Promise<Course>>()

/** The same steps both ways: every bit is to be that of steps without graphs. */
async function compared(steps: Steps, emulation: Emulation = 'on'): Promise<Course> {
  const key = `${JSON.stringify(steps)}${steps.before ?? ''}`
  if (!plain.has(key))
    plain.set(
      key,
      emulating(() => course(steps)),
    )
  const expected = (await plain.get(key)) as Course
  const actual = await recording(() => course({ ...steps, options: graphs }), emulation)
  equal(actual.results, expected.results)
  equal(actual.gradients, expected.gradients)
  equal(actual.state, expected.state)
  equal([expected.replayed, expected.notices], [[], []])
  is(new Set(expected.results.map(({ loss }) => loss)).size, steps.steps)
  return actual
}

const STEPS = 6
test.skipIf(notEmulated, 'after warm-up each step is a replay, to the bit', async () => {
  const { replayed, notices } = await compared({ steps: STEPS })
  equal(replayed, from(BEFORE, STEPS))
  equal(notices, [])
})

test.skipIf(notEmulated, 'so it is with two batches a step', async () => {
  const { replayed } = await compared({ steps: 6, accumulate: 2 })
  equal(replayed, from(BEFORE, 6))
})

test.skipIf(
  notEmulated,
  'other shapes begin the warm-up anew, and later run between the replays',
  async () => {
    const { replayed } = await compared({ steps: 9, smaller: [0, 6], fuller: [7] })
    equal(replayed, [5, 8])
  },
)

test.skipIf(notEmulated, 'evaluations and a state that is loaded between steps count', async () => {
  const saved: Map<string, Tensor>[] = []
  const losses: number[] = []
  const { replayed } = await compared({
    steps: STEPS,
    before: async (step, trainer, batch) => {
      losses.push((await trainer.evaluate(batch)).loss)
      if (step === 2) saved.push(new Map(await copies(await trainer.state())))
      if (step === 5) await trainer.load(saved.at(-1) as Map<string, Tensor>)
    },
  })
  equal(replayed, from(BEFORE, STEPS))
  equal(losses.slice(STEPS), losses.slice(0, STEPS))
})

test.skipIf(notEmulated, 'a capture that fails is told once, and steps go on without', async () => {
  const { replayed, notices } = await compared({ steps: STEPS }, 'capture-fails')
  equal(replayed, [])
  equal(notices.length, 1)
  match(notices[0] as string, /^cudaGraphs: .* each operation queued: this capture was to fail$/)
})

test.skipIf(notEmulated, 'so is a replay that fails', async () => {
  const { replayed, notices } = await compared({ steps: STEPS }, 'replay-fails')
  equal(replayed, [BEFORE])
  equal(notices.length, 1)
  match(notices[0] as string, /this replay was to fail$/)
})

test.skipIf(notEmulated, 'what cannot be recorded is refused with its reason', async () => {
  const told = async (options: Steps['options'], steps = 2) => {
    const { replayed, notices } = await course({ steps, options: { ...options, ...graphs } })
    equal(replayed, [])
    is(notices.length, 1)
    return (notices[0] as string).replace(/.* each operation queued: /, '')
  }
  is(await told({}, BEFORE + 1), 'the model is on the CPU')
  await recording(async () => {
    is(await told({ profile: true }), 'a profiled step waits for each of its parts')
    const reason = 'the optimizer in use reads its learning rate on the host'
    is(await told({ fused: false }), reason)
    await native().emulateCudaKernels(null)
    is(await told({}), reason)
  })
})

test.skipIf(notEmulated, 'an objective whose steps differ on the host is refused', () =>
  scope(() =>
    recording(async () => {
      const tokenizer = await microTokenizer()
      const objective = new DiscreteVaeReconstruction({ tokenizer, imageSize: [16, 16] })
      const options = { betas: [0.9, 0.999], eps: 1e-8, clipGradient: 3, precision: 'fp32', seed: 0 } as const
      const trainer = await objective.createTrainer({ ...options, ...graphs })
      const pixels = Tensor.from(new Uint8Array(2 * 3 * 16 * 16), [2, 3, 16, 16])
      const { notice } = await trainer.step([{ pixels }], { learningRate: 1e-3, weightDecay: 0 })
      match(notice as string, /this objective decides something of each step on the host$/)
    }),
  ),
)

test('pretrain: cudaGraphs on a CPU is warned of once, and changes nothing', async () => {
  const data = await microImages()
  const run = async (cudaGraphs: boolean) => {
    const options = await microRun(`${temporary()}/run`, data)
    const events = await collect(pretrain({ ...options, epochs: 2, cudaGraphs }))
    return { events, digests: await digests(options.output) }
  }
  const [expected, actual] = [await run(false), await run(true)]
  equal(actual.digests, expected.digests)
  const warnings = actual.events.filter((event) => event.type === 'warning')
  is(warnings.length, 1)
  match((warnings[0] as { message: string }).message, /^cudaGraphs: .*: the model is on the CPU$/)
  const steps = ({ events }: typeof actual) => timeless(events.filter((event) => event.type === 'step'))
  equal(steps(actual), steps(expected))
  ok(steps(actual).length > 0)
})

test.run()

async function copies(tensors: ReadonlyMap<string, Tensor>): Promise<[string, Tensor][]> {
  const entries = [...tensors].map(async ([name, tensor]) => {
    const { shape, dtype } = tensor
    return [name, Tensor.from((await tensor.toTypedArray()) as Float32Array, shape, { dtype })] as const
  })
  return (await Promise.all(entries)) as [string, Tensor][]
}
