/** beit info on checkpoints of every kind, those of strangers included. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { writeCheckpoint } from '../../lib/checkpoint/write_checkpoint.js'
import { BeitForImageClassification } from '../../lib/models/beit_for_image_classification.js'
import { Tensor } from '../../lib/tensor.js'
import { entry, legacy, safetensors, saved, tensor } from '../support/checkpoint_builder.js'
import { fixture } from '../support/golden.js'
import {
  bytes,
  call,
  dictOf,
  emptyDict,
  listOf,
  number,
  pickle,
  proto,
  tupleOf,
  unicode,
} from '../support/pickle_builder.js'
import { suite } from '../support/suite.js'
import { temporary } from '../support/temporary.js'
import { runBeit } from './run_beit.js'

const test = suite('beit info')

async function info(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runBeit(['info', ...args])
  assert.is(code, 0, stderr)
  return stdout
}

/** A file of these bytes in a folder of its own. */
function file(name: string, content: Uint8Array | string): string {
  const path = join(temporary(), name)
  writeFileSync(path, content)
  return path
}

const hostile = '\x1b[2J\x1b]0;owned\x07\nmodel  BEiT\u202e'

test('a training checkpoint: weights under their key, counters, optimizer, arguments, shared storage', async () => {
  const path = join(temporary(), 'checkpoint-7.pth')
  const shared = Tensor.from([
    [1, 2, 3],
    [4, 5, 6],
  ])
  const moment = Tensor.from([
    [0, 0, 0],
    [0, 0, 0],
  ])
  await writeCheckpoint(
    path,
    new Map([
      ['weight', shared],
      ['tied', shared],
    ]),
    {
      data: {
        epoch: 7,
        optimizer: {
          state: new Map([[0, { step: Tensor.from(new Float32Array([25]), []), exp_avg: moment }]]),
          param_groups: [{ lr: 0.0015, betas: [0.9, 0.98], amsgrad: false, params: [0] }],
        },
        args: { model: 'beit_base', layer_decay: 0.65 },
        model_ema: {
          weight: Tensor.from([
            [6, 5, 4],
            [3, 2, 1],
          ]),
        },
      },
    },
  )
  const text = await info(path)
  assert.match(text, /format +PyTorch, zip/)
  assert.match(text, /weights +under 'model'/)
  assert.match(text, /model +unknown/)
  assert.match(text, /beside the weights\n +epoch +7\n/)
  assert.match(text, /optimizer +1 group, state of 1 parameters \(step, exp_avg\), after step 25\n/)
  assert.match(text, /group 0 +1 parameters, lr 0\.0015, betas \[0\.9, 0\.98\]\n/)
  assert.match(text, /model_ema +1 tensors/)
  assert.match(text, /args\n +model +beit_base\n +layer_decay +0\.65\n/)
  assert.match(text, /shared storages\n +\S+, 24 B +weight, tied\n/)
  assert.match(text, /float32 +\[2, 3\] +24 B +tied\n/)

  const json = JSON.parse(await info(path, '--json'))
  assert.equal([json.kind, json.container, json.picked], ['weights', 'zip', 'model'])
  assert.equal(json.training.values, { epoch: 7 })
  assert.equal(json.training.optimizers[0].step, 25)
  assert.equal(json.training.weights, [{ name: 'model_ema', tensors: 1, bytes: 24 }])
  assert.equal(json.sharedStorages[0].tensors, ['weight', 'tied'])
  assert.equal(json.data.args, { model: 'beit_base', layer_decay: 0.65 })
  assert.equal(json.data.model_ema.weight, { tensor: 'model_ema.weight', dtype: 'float32', shape: [2, 3] })

  const ema = JSON.parse(await info(path, '--json', '--pick', 'model_ema'))
  assert.equal([ema.picked, ema.tensors.length], ['model_ema', 1])
})

test('legacy files, bare pickles, and what their classes are: named, never called', async () => {
  assert.match(
    await info(file('a.pth', legacy(pickle(proto(2), dictOf({ model: dictOf({ weight: tensor() }) }))))),
    /format +PyTorch, legacy.*\n/,
  )
  assert.match(
    await info(file('b.pkl', pickle(proto(2), dictOf({ a: listOf(number(1), number(2)) })))),
    /format +bare pickle/,
  )
  const text = await info(
    file('c.pth', saved(dictOf({ model: dictOf({ w: tensor() }), state: call('os', 'getcwd') }))),
  )
  assert.match(text, /named in the file, and not loaded\n +os\.getcwd +once\n/)
})

test('which model it is, with its configuration, and the note of what was assumed', async () => {
  const transformers = await info(fixture('interop.hf_mim.safetensors'))
  assert.match(transformers, /model +BeitForMaskedImageModeling: .* with transformers' names\n/)
  assert.match(transformers, /note +normEps 1e-6 is assumed/)
  assert.match(transformers, /config, inferred from names and shapes\n/)
  assert.match(transformers, /imageSize +64, 64\n/)

  const folder = temporary()
  using model = await BeitForImageClassification.create({
    imageSize: 32,
    patchSize: 16,
    hiddenSize: 16,
    depth: 1,
    heads: 2,
    numClasses: 3,
  })
  await model.save(join(folder, 'model.safetensors'), { naming: 'timm' })
  // A folder stands for the one file of weights in it.
  const timm = await info(folder)
  assert.match(timm, /model +BeitForImageClassification: BEiT for image classification with timm's names\n/)
  assert.match(timm, /config, from its metadata\n/)
})

test('safetensors in several files, by their folder or index', async () => {
  const folder = temporary()
  const shards = ['model-1.safetensors', 'model-2.safetensors']
  for (const [i, name] of shards.entries()) {
    const header = { [`weight.${i}`]: entry('F32', [2], 0, 8) }
    writeFileSync(join(folder, name), safetensors(header, new Uint8Array(8)))
  }
  const index = { weight_map: { 'weight.0': shards[0], 'weight.1': shards[1] } }
  writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify(index))
  const text = await info(folder)
  assert.match(text, /format +safetensors in several files, .* in 2 files and their index\n/)
  assert.match(text, /tensors +2, 4 numbers, float32, 16 B\n/)
})

test('DeepSpeed: the folder that `latest` names, weights under module', async () => {
  const folder = temporary()
  mkdirSync(join(folder, 'global_step5'))
  writeFileSync(join(folder, 'latest'), 'global_step5')
  writeFileSync(
    join(folder, 'global_step5', 'mp_rank_00_model_states.pt'),
    saved(
      dictOf({
        module: dictOf({ weight: tensor() }),
        global_steps: number(5),
        csr_tensor_module_names: listOf(),
      }),
    ),
  )
  const text = await info(folder)
  assert.match(text, /weights +under 'module'\n/)
  assert.match(text, /global_steps +5\n/)
  if (process.platform === 'win32') return
  rmSync(join(folder, 'latest'))
  execFileSync('mkfifo', [join(folder, 'latest')])
  const { code, stderr } = await runBeit(['info', folder])
  assert.is.not(code, 0)
  assert.match(stderr, /latest: it is not a regular file/)
})

test('DeepSpeed: a folder of several ranks has no whole weights', async () => {
  const folder = temporary()
  for (const rank of ['00', '01']) writeFileSync(join(folder, `mp_rank_${rank}_model_states.pt`), 'x')
  const { code, stderr } = await runBeit(['info', folder])
  assert.is(code, 1)
  assert.match(stderr, /holds the slices of 2 model-parallel ranks .*merge them .*\(ERR_FORMAT\)/)
})

test('a folder of an older transformers Trainer: the weights, not what lies beside them', async () => {
  const folder = temporary()
  for (const name of ['optimizer.pt', 'scheduler.pt', 'rng_state.pth', 'training_args.bin']) {
    writeFileSync(join(folder, name), saved(dictOf({ other: tensor() })))
  }
  writeFileSync(join(folder, 'pytorch_model.bin'), saved(dictOf({ weight: tensor() })))
  const json = JSON.parse(await info(folder, '--json'))
  assert.equal(
    json.tensors.map(({ name }: { name: string }) => name),
    ['weight'],
  )
})

test('a key called __proto__ is a key like others', async () => {
  const path = file(
    'a.pth',
    saved(
      dictOf({
        model: dictOf({ weight: tensor() }),
        ['__proto__']: dictOf({ lr: number(3) }),
        epoch: number(2),
      }),
    ),
  )
  assert.match(await info(path), /__proto__\n +lr +3\n/)
  const { training } = JSON.parse(await info(path, '--json'))
  assert.equal(Object.keys(training.objects), ['__proto__'])
  const counter = file(
    'b.pth',
    saved(dictOf({ model: dictOf({ weight: tensor() }), ['__proto__']: number(7) })),
  )
  assert.match(await info(counter), /beside the weights\n +__proto__ +7\n/)
})

test('names that a terminal would obey are written out, in text, JSON and errors', async () => {
  const header = {
    __metadata__: { [hostile]: hostile },
    [hostile]: entry('F32', [1], 0, 4),
    [`y${'x'.repeat(100_000)}`]: entry('F32', [0], 4, 4),
  }
  const paths = [
    file('a.safetensors', safetensors(header, new Uint8Array(4))),
    file(
      'b.pth',
      saved(
        dictOf({
          model: dictOf({ [hostile]: tensor() }),
          [hostile]: unicode(hostile),
          t: tupleOf(unicode(hostile)),
        }),
      ),
    ),
    file('c.pth', saved(call(hostile.replace('\n', ''), 'f', emptyDict))),
  ]
  for (const path of paths) {
    for (const flags of [[], ['--json']]) {
      const { code, stdout, stderr } = await runBeit(['info', path, ...flags])
      assert.ok(code === 0 || code === 1, stderr)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
      assert.not.match(stdout + stderr, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/)
      assert.not.match(stdout, /^model {2}BEiT/m)
      if (flags.length > 0 && code === 0) JSON.parse(stdout)
      assert.ok(flags.length > 0 || stdout.length < 20_000, `${stdout.length} characters`)
    }
  }
})

test('what is no checkpoint is refused in one line that says why', async () => {
  const folder = temporary()
  mkdirSync(join(folder, 'empty'))
  mkdirSync(join(folder, 'images'))
  for (const name of ['1.jpg', '2.PNG']) writeFileSync(join(folder, 'images', name), 'x')
  mkdirSync(join(folder, 'many'))
  for (const name of ['a.pth', 'b.pth']) writeFileSync(join(folder, 'many', name), 'x')
  writeFileSync(join(folder, 'page.pth'), '<!DOCTYPE html>\n<title>404</title>')
  writeFileSync(join(folder, 'nothing.pth'), '')
  writeFileSync(join(folder, 'cut.pth'), saved(dictOf({ weight: tensor() })).subarray(0, 300))
  const cases: [name: string, message: RegExp][] = [
    ['absent.pth', /cannot read .*absent\.pth: .* \(ERR_IO\)/],
    ['empty', /no file of weights .* it is empty \(ERR_FORMAT\)/],
    ['images', /it holds 2 images, as --data takes them \(ERR_FORMAT\)/],
    ['many', /holds 2 files of weights, name one: a\.pth, b\.pth \(ERR_FORMAT\)/],
    ['page.pth', /is a text file that begins with "<!DOCTYPE html>".* \(ERR_FORMAT\)/],
    ['nothing.pth', /is empty.* \(ERR_FORMAT\)/],
    ['cut.pth', /no end record .* it is cut off.* \(ERR_FORMAT\)/],
  ]
  for (const [name, message] of cases) {
    const { code, stdout, stderr } = await runBeit(['info', join(folder, name)])
    assert.equal([code, stdout, stderr.split('\n').length], [1, '', 2], stderr)
    assert.match(stderr, message)
  }
})

test('JSON of many values deep inside is as long as they are, not as deep', async () => {
  const deep = bytes(']'.repeat(900), '(', 'N'.repeat(20_000), 'e', 'a'.repeat(899))
  const path = file('deep.pth', saved(dictOf({ model: dictOf({ w: tensor() }), deep })))
  const text = await info(path, '--json')
  assert.ok(text.length < 1_000_000, `${text.length} characters`)
  const innermost = /\[null[nul,]*\]/.exec(JSON.stringify(JSON.parse(text).data.deep))?.[0] ?? '[]'
  assert.is(JSON.parse(innermost).length, 20_000)
})

test.run()
