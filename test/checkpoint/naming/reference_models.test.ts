/** Models of transformers and timm themselves, where Python has them: their files here, ours there. */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { equal, is, ok } from 'uvu/assert'
import { convertCheckpoint } from '../../../lib/checkpoint/naming/convert.js'
import { readCheckpoint } from '../../../lib/checkpoint/read_checkpoint.js'
import { writeSafetensors } from '../../../lib/checkpoint/safetensors.js'
import { writeCheckpoint } from '../../../lib/checkpoint/write_checkpoint.js'
import { BeitForImageClassification } from '../../../lib/models/beit_for_image_classification.js'
import { BeitForMaskedImageModeling } from '../../../lib/models/beit_for_masked_image_modeling.js'
import { Tensor } from '../../../lib/tensor.js'
import { DalleTokenizer } from '../../../lib/tokenizers/dalle_tokenizer.js'
import { packageRoot } from '../../support/paths.js'
import { python, pythonLacks } from '../../support/python.js'
import { suite } from '../../support/suite.js'
import { temporary } from '../../support/temporary.js'
import { named, randomNumbers, relativeError, tensorsOf } from '../../support/tensors.js'

const test = suite('models of transformers and timm', { timeout: 180_000 })
const TOLERANCE = 1e-5
const PROGRAM = join(packageRoot, 'test', 'checkpoint', 'naming', 'reference_models.py')
const run = (...args: string[]) => python(readFileSync(PROGRAM, 'utf8'), ...args)

type Library = 'transformers' | 'timm'
type Model = BeitForMaskedImageModeling | BeitForImageClassification | DalleTokenizer

const MODELS: Record<Library, string[]> = {
  transformers: ['codebook', 'mim_shared', 'mim_paper', 'cls_mean', 'cls_token'],
  timm: ['cls_mean', 'cls_token'],
}

/** heads is what the files with absolute positions alone do not tell. */
function load(form: string, path: string): Promise<Model> {
  if (form === 'codebook') return DalleTokenizer.load(path)
  if (form.startsWith('cls')) return BeitForImageClassification.load(path)
  return BeitForMaskedImageModeling.load(path, { heads: 3 })
}

async function logitsOf(model: Model, io: Map<string, Tensor>): Promise<Tensor> {
  const pixels = named(io, 'pixels')
  if (model instanceof DalleTokenizer) {
    const between = (await pixels.toFloat32()).map((x) => 1 / (1 + Math.exp(-x)))
    return model.logits(Tensor.from(between, pixels.shape))
  }
  if (model instanceof BeitForImageClassification) return model.forward(pixels)
  return model.forward(pixels, { mask: named(io, 'mask'), allTokens: true })
}

for (const library of Object.keys(MODELS) as Library[]) {
  const lacks = pythonLacks('torch', 'safetensors', library)

  test.skipIf(
    lacks,
    `${library}: its files give its logits here, ours the same names and bits there`,
    async () => {
      const [theirs, ours] = [join(temporary(), 'theirs'), join(temporary(), 'ours')]
      run('make', theirs, library)
      for (const form of MODELS[library]) {
        const [from, to] = [join(theirs, form), join(ours, form)]
        const io = await tensorsOf(join(from, 'io.safetensors'))
        for (const file of ['model.safetensors', 'state.pth']) {
          using model = await load(form, join(from, file))
          const error = await relativeError(await logitsOf(model, io), named(io, 'logits'))
          ok(error <= TOLERANCE, `${form}, ${file}: relative error ${error}`)
          if (file === 'state.pth') continue
          mkdirSync(to, { recursive: true })
          await model.save(join(to, 'model.safetensors'), { naming: library })
          await writeSafetensors(join(to, 'io.safetensors'), io)
        }
        const [before, after] = (await Promise.all(
          [from, to].map(async (folder) => (await readCheckpoint(join(folder, 'model.safetensors'))).tensors),
        )) as [Map<string, Tensor>, Map<string, Tensor>]
        equal([...after.keys()].sort(), [...before.keys()].sort())
        for (const [name, tensor] of before) {
          equal(await after.get(name)?.toTypedArray(), await tensor.toTypedArray(), name)
        }
      }
      const found = JSON.parse(run('check', ours, library)) as Record<string, Found>
      equal(Object.keys(found), MODELS[library])
      for (const { missing, unexpected, error } of Object.values(found)) {
        equal([missing, unexpected], [[], []])
        ok(error <= TOLERANCE, `relative error ${error}`)
      }
    },
  )
}

const BEIT_MODEL = `
import json, sys, torch, transformers
from safetensors.torch import load_file
model, info = transformers.BeitModel.from_pretrained(sys.argv[1], output_loading_info=True)
io = load_file(sys.argv[1] + '/io.safetensors')
with torch.no_grad():
    features = model.eval()(io['pixels']).last_hidden_state
error = (features - io['features']).abs().max() / io['features'].abs().max()
print(json.dumps({**{key: list(info[key + '_keys']) for key in ('missing', 'unexpected')}, 'error': error.item()}))
`

test.skipIf(
  pythonLacks('torch', 'safetensors', 'transformers'),
  "transformers' BeitModel takes a pre-trained file without its head whole, and gives its features",
  async () => {
    const folder = temporary()
    const [whole, bare] = [join(folder, 'whole.pth'), join(folder, 'bare.pth')]
    const sizes = { imageSize: 64, hiddenSize: 48, depth: 3, heads: 3, vocabSize: 20 }
    using model = await BeitForMaskedImageModeling.create(sizes, { seed: 5 })
    const state = await model.stateDict()
    // A norm of all ones, and a mask token of zeros, would look alike when they are lost.
    for (const name of ['norm.weight', 'norm.bias']) state.set(name, Tensor.from(randomNumbers(48), [48]))
    await model.loadStateDict(state)
    await model.save(whole)
    const { tensors } = await readCheckpoint(whole)
    await writeCheckpoint(bare, new Map([...tensors].filter(([name]) => !name.startsWith('lm_head.'))))
    await convertCheckpoint(bare, join(folder, 'model.safetensors'), { to: 'transformers' })
    const pixels = Tensor.from(randomNumbers(3 * 64 * 64), [1, 3, 64, 64])
    await writeSafetensors(
      join(folder, 'io.safetensors'),
      new Map([
        ['pixels', pixels],
        ['features', await model.features(pixels)],
      ]),
    )
    const { missing, unexpected, error } = JSON.parse(python(BEIT_MODEL, folder)) as Found
    equal([missing, unexpected], [[], []])
    ok(error <= TOLERANCE, `relative error ${error}`)
  },
)

test.skipIf(
  pythonLacks('torch', 'safetensors', 'timm'),
  'timm computes the logits of a pre-trained model, which it has no class for',
  async () => {
    const root = temporary()
    for (const [form, config] of [
      ['mim_shared', {}],
      ['mim_paper', { absolutePositions: true, relativePositions: 'none', layerScaleInit: 0 }],
    ] as const) {
      const sizes = { imageSize: 64, hiddenSize: 48, depth: 3, heads: 3, vocabSize: 20 }
      using model = await BeitForMaskedImageModeling.create({ ...sizes, ...config }, { seed: 4 })
      const folder = join(root, form)
      mkdirSync(folder)
      await model.save(join(folder, 'model.safetensors'), { naming: 'timm' })
      const pixels = Tensor.from(randomNumbers(3 * 64 * 64), [1, 3, 64, 64])
      await writeSafetensors(
        join(folder, 'io.safetensors'),
        new Map([
          ['pixels', pixels],
          ['logits', await model.forward(pixels)],
        ]),
      )
    }
    const found = JSON.parse(run('check', root, 'timm')) as Record<string, Found>
    is(Object.keys(found).length, 2)
    for (const { missing, unexpected, error } of Object.values(found)) {
      equal([missing, unexpected], [[], ['mask_token']])
      ok(error <= TOLERANCE, `relative error ${error}`)
    }
  },
)

test.run()

interface Found {
  missing: string[]
  unexpected: string[]
  error: number
}
