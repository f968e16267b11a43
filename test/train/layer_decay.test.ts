/** Learning rates that fall towards the input: the numbers of the original, and what a step makes of them. */
import { equal, is } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { scope } from '../../lib/dispose.js'
import { resolveBeitConfig } from '../../lib/models/beit_config.js'
import { ImageClassification } from '../../lib/objectives/image_classification.js'
import { Tensor } from '../../lib/tensor.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { randomNumbers } from '../support/tensors.js'
import { OPTIONS, relativeDifference } from './golden_training.js'
import { microClassifier } from './micro_finetune.js'

const test = suite('layer decay')

const KINDS = ['beit_for_image_classification', 'beit_for_masked_image_modeling'] as const

for (const kind of KINDS) {
  test(`${kind}: layer ids of the original give the scales of every parameter of base and large`, async () => {
    for (const [preset, depth] of [
      ['beit_base_patch16_224', 12],
      ['beit_large_patch16_224', 24],
    ] as const) {
      const config = resolveBeitConfig(preset, { absolutePositions: true })
      const { names } = await native().moduleShapes(kind, { ...config })
      for (const decay of [0.65, 0.75, 0.9]) {
        // L + 2 values; id 0 is what comes before the blocks, the last one what comes behind.
        const values = Array.from({ length: depth + 2 }, (_, id) => decay ** (depth + 1 - id))
        const expected = names.map((name) => {
          const block = /^blocks\.(\d+)\./.exec(name)
          if (block !== null) return values[Number(block[1]) + 1]
          return values[/^(cls_token|mask_token|pos_embed|patch_embed\.)/.test(name) ? 0 : depth + 1]
        })
        const scales = native().layerDecayScales(names, decay)
        equal(
          scales.map(digits),
          expected.map((value) => digits(value as number)),
          preset,
        )
      }
    }
  })
}

test('base at 0.65: patch embedding 0.0037, first block 0.0057, last block 0.65, head 1', () => {
  const named = {
    'patch_embed.proj.weight': '0.0037',
    cls_token: '0.0037',
    'blocks.0.attn.qkv.weight': '0.0057',
    'blocks.11.mlp.fc2.bias': '0.6500',
    'rel_pos_bias.relative_position_bias_table': '1.0000',
    'fc_norm.weight': '1.0000',
    'head.weight': '1.0000',
  }
  const scales = native().layerDecayScales(Object.keys(named), 0.65)
  equal(
    scales.map((scale) => scale.toFixed(4)),
    Object.values(named),
  )
})

test('a step is AdamW with the rate of each layer, decay of the weights included', () =>
  scope(async () => {
    const model = await microClassifier({ dropPath: 0, seed: 1 })
    const state = await model.stateDict()
    const names = [...state.keys()].filter((name) => !name.endsWith('_index'))
    const before = new Map(
      await Promise.all(names.map(async (name) => [name, await weights(state, name)] as const)),
    )
    const objective = new ImageClassification({ model, layerDecay: 0.5 })
    const trainer = await objective.createTrainer({ ...OPTIONS, clipGradient: null })
    const [learningRate, weightDecay] = [1e-2, 0.5]
    await trainer.step([batch()], { learningRate, weightDecay })
    const gradients = await trainer.gradients()
    for (const name of names) {
      const block = /^blocks\.(\d)/.exec(name)
      const behind = block ? 2 - Number(block[1]) : /^(cls_token|patch_embed)/.test(name) ? 3 : 0
      const rate = learningRate * 0.5 ** behind
      const isDecayed = state.get(name)?.shape.length !== 1 && name !== 'cls_token'
      const gradient = await weights(gradients, name)
      // At step 1 the bias-corrected moments are the gradient and its square.
      const expected = (before.get(name) as Float32Array).map((w, i) => {
        const g = gradient[i] as number
        return w * (1 - rate * (isDecayed ? weightDecay : 0)) - (rate * g) / (Math.abs(g) + 1e-8)
      })
      const error = relativeDifference(await weights(state, name), expected)
      is(error < 1e-6, true, `${name}: ${error}`)
    }
  }))

test('a block that no model has is refused', async () => {
  for (const block of ['100000', '9223372036854775807', '99999999999999999999', '-1']) {
    const names = ['blocks.0.norm1.weight', `blocks.${block}.norm1.weight`]
    const message = new RegExp(`names: expected a block from 0 to 99999, got 'blocks\\.${block}\\.`)
    await rejects(() => native().layerDecayScales(names, 0.5), 'ERR_INVALID_ARGUMENT', message)
  }
  equal(native().layerDecayScales(['blocks.x.weight', 'blocks.1', 'blocks.1.weight'], 0.5), [1, 1, 0.5])
})

test('a decay that is none is refused', () =>
  scope(async () => {
    const model = await microClassifier()
    for (const layerDecay of [-0.1, 1.1, Number.NaN]) {
      const objective = new ImageClassification({ model, layerDecay })
      await rejects(objective.createTrainer(OPTIONS), 'ERR_INVALID_ARGUMENT', /layerDecay: expected/)
    }
  }))

test.run()

const digits = (value: number) => value.toPrecision(12)

const weights = (state: Map<string, Tensor>, name: string) => (state.get(name) as Tensor).toFloat32()

function batch() {
  return {
    pixels: Tensor.from(randomNumbers(2 * 3 * 32 * 32), [2, 3, 32, 32]),
    targets: Tensor.from(BigInt64Array.from([0n, 2n]), [2]),
  }
}
