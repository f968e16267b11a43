/** Training that goes from this library to PyTorch and back: the optimizer's state, and whole runs. */
import { readFileSync } from 'node:fs'
import fs from 'node:fs/promises'
import { join } from 'node:path'
import { equal, is, ok } from 'uvu/assert'
import type { PythonValue } from '../../lib/checkpoint/pickle/python_values.js'
import { openCheckpoint } from '../../lib/checkpoint/read_checkpoint.js'
import { adamWGroups } from '../../lib/checkpoint/torch/adamw_groups.js'
import { adamWStateDict } from '../../lib/checkpoint/torch/write_adamw_state.js'
import { writeCheckpoint } from '../../lib/checkpoint/write_checkpoint.js'
import type { ImageFolder } from '../../lib/data/image_folder.js'
import { scope } from '../../lib/dispose.js'
import { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import { Tensor } from '../../lib/tensor.js'
import type { PretrainEvent } from '../../lib/train/events.js'
import { pretrain } from '../../lib/train/pretrain.js'
import type { PretrainOptions } from '../../lib/train/pretrain_options.js'
import { exportTrainingCheckpoint } from '../../lib/train/torch_export.js'
import { torchRunStart } from '../../lib/train/torch_start.js'
import type { MicroBatch, Trainer } from '../../lib/train/trainer.js'
import { rejects } from '../support/errors.js'
import { packageRoot } from '../support/paths.js'
import { python, pythonLacks } from '../support/python.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import {
  allNear,
  changed,
  type GoldenRun,
  goldenRun,
  manifest,
  NAMES,
  OPTIONS,
  SETTINGS,
  snapshot,
} from './golden_training.js'
import { collect, microImages, microModel, microRun } from './micro.js'

// PyTorch takes seconds to start.
const test = suite('training checkpoints of PyTorch', { timeout: 180_000 })
const noTorch = pythonLacks('torch')

test('the groups are those of the original, in its order', () =>
  scope(async () => {
    for (const name of NAMES) {
      const { model } = await goldenRun(name)
      const [without] = adamWGroups(await model.parameterShapes())
      equal(without.map((parameter) => parameter.name).sort(), manifest(name).optimizer.no_decay.sort())
    }
    // As many tensors as the base release has.
    const narrow = { imageSize: 32, patchSize: 8, hiddenSize: 24, heads: 2, depth: 12, vocabSize: 16 }
    const base = await BeitForMaskedImageModeling.create(narrow)
    const [without, withDecay] = adamWGroups(await base.parameterShapes())
    equal([without.length, withDecay.length], [137, 52])
    equal(
      [...without.slice(0, 4), ...withDecay.slice(0, 4)].map(({ name }) => name),
      [
        'cls_token',
        'patch_embed.proj.bias',
        'blocks.0.gamma_1',
        'blocks.0.gamma_2',
        'mask_token',
        'patch_embed.proj.weight',
        'rel_pos_bias.relative_position_bias_table',
        'blocks.0.attn.qkv.weight',
      ],
    )
  }))

/** A golden run of three batches: of some the project has the first one alone, which is taken again then. */
async function threeSteps(name: (typeof NAMES)[number]): Promise<GoldenRun> {
  const run = await goldenRun(name)
  const batches = [0, 1, 2].map((step) => run.batches[step % run.batches.length] as MicroBatch)
  return { ...run, batches }
}

for (const name of NAMES) {
  test.skipIf(noTorch, `${name}: torch.optim.AdamW goes on from our state, 3 steps agree`, () =>
    scope(async () => {
      const { model, batches, trainer: create } = await threeSteps(name)
      const trainer = await create()
      await trainer.step([batches[0] as MicroBatch], SETTINGS)
      const start = join(temporary(), 'start.pth')
      await writeState(start, model, trainer)
      await agreesWithTorch(start, model, trainer, batches)
    }),
  )

  test.skipIf(noTorch, `${name}: we go on from the state of torch.optim.AdamW, 3 steps agree`, () =>
    scope(async () => {
      const { model, batches, trainer: create } = await threeSteps(name)
      const folder = temporary()
      const [fresh, start] = [join(folder, 'fresh.pth'), join(folder, 'checkpoint-0.pth')]
      await writeCheckpoint(fresh, await model.stateDict(), { data: {} })
      const before = await create()
      const steps = [
        await recordedStep(before, batches[0] as MicroBatch),
        await recordedStep(before, batches.at(-1) as MicroBatch),
      ]
      await stepInTorch(fresh, steps, start)

      const resumed = await goldenRun(name)
      const trainer = await resumed.trainer({ seed: 5 })
      const { checkpoint, progress, warnings } = await startFrom(start, resumed.model)
      await checkpoint?.restore(trainer)
      equal([progress.step, warnings], [2, []])
      await allNear(await resumed.model.stateDict(), await model.stateDict(), 1e-5)
      await agreesWithTorch(start, resumed.model, trainer, batches)
    }),
  )
}

test('a run that goes on from its own export ends with the same weights', async () => {
  const data = await microImages()
  const [whole, stopped, resumed] = [temporary(), temporary(), temporary()]
  await run(whole, data)
  await runUntil(15, stopped, data)
  const file = join(temporary(), 'checkpoint-4.pth')
  equal(await exportTrainingCheckpoint(stopped, file), { step: 15, epoch: 4 })
  const events = await run(resumed, data, { resume: file })
  const [start] = events
  ok(start?.type === 'start' && start.resumedFrom === file && start.resumedStep === 15)
  equal(
    events.filter((event) => event.type === 'warning'),
    [],
  )
  const weights = (output: string) =>
    fs.readFile(join(output, 'checkpoints', 'step-00000030', 'model.safetensors'))
  ok((await weights(resumed)).equals(await weights(whole)))
  const again = await run(resumed, data, { resume: 'auto' })
  is(again.at(-1)?.type, 'done')
})

test('an export within an epoch names the last finished one, and holds what the original has', () =>
  scope(async () => {
    const data = await microImages()
    const output = temporary()
    await runUntil(7, output, data)
    const file = join(temporary(), 'checkpoint-1.pth')
    equal(await exportTrainingCheckpoint(join(output, 'checkpoints', 'step-00000007'), file), {
      step: 7,
      epoch: 1,
    })
    const opened = await openCheckpoint(file)
    const { optimizer, epoch, args } = opened.data as unknown as ExportedData
    is(epoch, 1)
    is(opened.picked, 'model')
    is(optimizer.state.size, (await (await microModel()).parameterShapes()).length)
    const [without, withDecay] = optimizer.param_groups as [
      ExportedData['optimizer']['param_groups'][0],
      ExportedData['optimizer']['param_groups'][0],
    ]
    equal([without.weight_decay, without.params[0], withDecay.params[0]], [0, 0, without.params.length])
    // Schedules of the next step: see schedules.test.ts.
    ok(withDecay.weight_decay > 0.05 && withDecay.weight_decay < 0.1)
    ok(without.lr === withDecay.lr && without.lr > 1e-5 && without.lr < 2e-3)
    equal(
      [args.batch_size, args.update_freq, args.epochs, args.lr, args.opt_betas, args.rel_pos_bias],
      [4, 2, 10, 2e-3, [0.9, 0.999], true],
    )
    await exportTrainingCheckpoint(output, file, { args: 'namespace' })
    ok(readFileSync(file).toString('latin1').includes('argparse\nNamespace'))
    equal(((await openCheckpoint(file)).data as unknown as ExportedData).args, args)
  }))

test('states of other groupings and of older PyTorch are matched by their shapes', () =>
  scope(async () => {
    const { model, batches, trainer: create } = await goldenRun('mim_shared_rel_pos')
    const trainer = await create()
    await trainer.step([batches[0] as MicroBatch], SETTINGS)
    const expected = await snapshot(await trainer.state())
    const moments = await momentsOf(model, trainer)
    const names = adamWGroups(moments)
    const orders: Record<string, (typeof moments)[]> = {
      'with decay first': [names[1], names[0]],
      'one group': [moments],
    }
    for (const [what, groups] of Object.entries(orders)) {
      const file = join(temporary(), 'checkpoint-0.pth')
      let id = 0
      const state: [number, PythonValue][] = []
      const param_groups = groups.map((group) => ({
        params: group.map(({ expAvg, expAvgSq }) => {
          // Before PyTorch 1.12 the step was an int.
          state.push([id, { step: 1, exp_avg: expAvg, exp_avg_sq: expAvgSq }])
          return id++
        }),
      }))
      const optimizer = { state: new Map(state), param_groups }
      await writeCheckpoint(file, await model.stateDict(), { data: { optimizer, epoch: 0 } })
      const after = await create()
      const { checkpoint } = await startFrom(file, model)
      await checkpoint?.restore(after)
      const restored = await snapshot(await after.state())
      // A fresh trainer of the same seed has another generator.
      equal(changed(expected, restored), ['generator'], what)
    }
  }))

test('what cannot be gone on from is refused, and says why', () =>
  scope(async () => {
    const { model, batches, trainer: create } = await goldenRun('mim_shared_rel_pos')
    const trainer = await create()
    await trainer.step([batches[0] as MicroBatch], SETTINGS)
    const moments = await momentsOf(model, trainer)
    const optimizer = adamWStateDict(moments, 1, { ...SETTINGS, betas: [0.9, 0.999], eps: 1e-8 })
    const state = optimizer.state as Map<number, Record<string, PythonValue>>
    const changedEntry = (entry: Record<string, PythonValue>) => ({
      ...optimizer,
      state: new Map([...state, [0, { ...state.get(0), ...entry }]]),
    })
    const refused = async (
      data: Record<string, PythonValue>,
      message: RegExp,
      code = 'ERR_CHECKPOINT_MISMATCH',
    ) => {
      const file = join(temporary(), 'checkpoint-0.pth')
      await writeCheckpoint(file, await model.stateDict(), { data })
      await rejects(startFrom(file, model), code as 'ERR_FORMAT', message)
    }
    await refused({ epoch: 0 }, /has no optimizer, so it is no training checkpoint/, 'ERR_NO_CHECKPOINT')
    await refused({ optimizer }, /has no epoch/, 'ERR_NO_CHECKPOINT')
    await refused({ optimizer: 5, epoch: 0 }, /it is no state_dict\(\) of an optimizer/)
    await refused(
      { optimizer: { state: new Map(), param_groups: [] }, epoch: 0 },
      /its groups have {2}parameters/,
    )
    await refused(
      { optimizer: { ...optimizer, param_groups: [{ params: [0, 1] }] }, epoch: 0 },
      /its groups have 2 parameters, expected \d+ without weight decay and \d+ with, or one group of \d+/,
    )
    await refused(
      { optimizer: changedEntry({ step: 9 }), epoch: 0 },
      /made 1 to 9 updates of single parameters/,
    )
    await refused(
      { optimizer: changedEntry({ exp_avg: Tensor.from([1, 2]) }), epoch: 0 },
      /parameter 0, which is cls_token, has moments of shape \[2\], expected \[1, 1, 48\]/,
    )
    await refused({ optimizer: changedEntry({ exp_avg: null }), epoch: 0 }, /has no exp_avg and exp_avg_sq/)
    await refused({ optimizer: changedEntry({ max_exp_avg_sq: 1 }), epoch: 0 }, /amsgrad/)

    const file = join(temporary(), 'checkpoint-0.pth')
    await writeCheckpoint(file, await model.stateDict(), { data: { optimizer, epoch: 4 } })
    const { warnings } = await startFrom(file, model, { betas: [0.9, 0.98] })
    equal(warnings.length, 2)
    ok(/had betas \[0\.9, 0\.999\], this run has \[0\.9, 0\.98\]/.test(warnings[0] as string), warnings[0])
    ok(/made by 1 updates in 5 epochs, and this run has 2 steps an epoch/.test(warnings[1] as string))

    const warned = async (settings: Partial<PretrainOptions>) =>
      (await startFrom(file, model, settings)).warnings[0]
    ok(/had weightDecay 0\.05, this run has 0\.1 then/.test((await warned({ weightDecay: 0.1 })) ?? ''))
    // Step 10 of 100 steps from 0.04 to 0.06.
    ok(
      /had weightDecay 0\.05, this run has 0\.0404\d+ then/.test(
        (await warned({ weightDecay: 0.04, weightDecayEnd: 0.06 })) ?? '',
      ),
    )
    ok(/had eps 1e-8, this run has 1e-7/.test((await warned({ eps: 1e-7 })) ?? ''))
  }))

test('a file is not taken into an output that has checkpoints, and weights alone do not begin a run', async () => {
  const data = await microImages()
  const output = temporary()
  await runUntil(3, output, data)
  const file = join(temporary(), 'checkpoint-0.pth')
  await exportTrainingCheckpoint(output, file)
  await rejects(
    run(output, data, { resume: file }),
    'ERR_OUTPUT_EXISTS',
    /which is not the checkpoint to go on from/,
  )
  await rejects(
    exportTrainingCheckpoint(temporary(), file),
    'ERR_NO_CHECKPOINT',
    /is neither a run with a whole/,
  )
  const other = await microModel({ depth: 3, dropPath: 0 })
  await rejects(
    run(temporary(), data, { resume: file, model: other }),
    'ERR_CHECKPOINT_MISMATCH',
    /its groups have/,
  )
})

test.run()

/** What the test looks at of an exported file. */
interface ExportedData {
  optimizer: {
    state: Map<number, object>
    param_groups: { params: number[]; weight_decay: number; lr: number }[]
  }
  epoch: number
  args: Record<string, unknown>
}

/** Steps an epoch of the golden runs, as far as a test needs them. */
const LENGTH = { steps: 100, stepsPerEpoch: 2, epochs: 50 }

function startFrom(
  path: string,
  module: BeitForMaskedImageModeling,
  settings: Partial<PretrainOptions> = {},
) {
  const all = {
    ...OPTIONS,
    weightDecay: SETTINGS.weightDecay,
    weightDecayEnd: null,
    ...settings,
  } as unknown as Parameters<typeof torchRunStart>[1]['settings']
  return torchRunStart(path, { module, settings: all, length: LENGTH })
}

async function momentsOf(model: BeitForMaskedImageModeling, trainer: Trainer) {
  const state = await trainer.state()
  return (await model.parameterShapes()).map(({ name, shape }) => ({
    name,
    shape,
    expAvg: state.get(`exp_avg.${name}`) as Tensor,
    expAvgSq: state.get(`exp_avg_sq.${name}`) as Tensor,
  }))
}

async function writeState(path: string, model: BeitForMaskedImageModeling, trainer: Trainer): Promise<void> {
  const [step] = (await ((await trainer.state()).get('step') as Tensor).toTypedArray()) as BigInt64Array
  const settings = { ...SETTINGS, betas: OPTIONS.betas, eps: OPTIONS.eps }
  const optimizer = adamWStateDict(await momentsOf(model, trainer), Number(step), settings)
  await writeCheckpoint(path, await model.stateDict(), { data: { optimizer } })
}

/** A step of ours, as the program takes it. */
async function recordedStep(trainer: Trainer, batch: MicroBatch): Promise<PythonValue> {
  await trainer.step([batch], SETTINGS)
  const gradients = new Map<string, Tensor>()
  for (const [name, gradient] of await trainer.gradients()) gradients.set(name, await gradient.to({}))
  return { lr: SETTINGS.learningRate, weight_decay: SETTINGS.weightDecay, gradients }
}

/** Steps of torch.optim.AdamW with these gradients, from one file to another. */
async function stepInTorch(start: string, steps: PythonValue[], end: string): Promise<void> {
  const file = join(temporary(), 'steps.pth')
  await writeCheckpoint(file, new Map(), { data: { steps } })
  const program = readFileSync(join(packageRoot, 'test/checkpoint/programs/adamw_steps.py'), 'utf8')
  python(program, start, file, end)
}

/** Three more steps of ours, and of PyTorch from `start` with the same gradients. */
async function agreesWithTorch(
  start: string,
  model: BeitForMaskedImageModeling,
  trainer: Trainer,
  batches: MicroBatch[],
): Promise<void> {
  const steps: PythonValue[] = []
  for (const batch of batches) steps.push(await recordedStep(trainer, batch))
  const end = join(temporary(), 'end.pth')
  await stepInTorch(start, steps, end)
  const file = await openCheckpoint(end)
  const tensors = await file.read([...file.tensors.values()])
  const expected = new Map([...file.tensors.keys()].map((name, i) => [name, tensors[i] as Tensor]))
  await allNear(await model.stateDict(), expected, 1e-5)
}

async function run(output: string, data: ImageFolder, more: Partial<PretrainOptions> = {}) {
  return collect(pretrain(await options(output, data, more)))
}

async function runUntil(stop: number, output: string, data: ImageFolder): Promise<void> {
  const controller = new AbortController()
  for await (const event of pretrain(await options(output, data, { signal: controller.signal }))) {
    if ((event as PretrainEvent).type === 'step' && (event as { step: number }).step === stop)
      controller.abort()
  }
}

/** Without drop path: no file of PyTorch has the generator that draws it. */
async function options(output: string, data: ImageFolder, more: Partial<PretrainOptions>) {
  return { ...(await microRun(output, data)), model: await microModel({ dropPath: 0 }), ...more }
}
