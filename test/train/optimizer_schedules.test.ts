/** The learning rate of every step of the published recipes. */
import { equal, is, ok } from 'uvu/assert'
import { native } from '../../lib/binding.js'
import { readRecipe } from '../../lib/recipes/read_recipe.js'
import { optimizerSchedules } from '../../lib/train/optimizer_schedules.js'
import { runLength } from '../../lib/train/run_length.js'
import type { RunSettings } from '../../lib/train/run_options.js'
import { suite } from '../support/suite.js'
import { near } from './golden_training.js'

const test = suite('optimizer schedules')
const IMAGENET_1K = 1_281_167

test('base on ImageNet-1k: 20 of 100 epochs up to 4e-3, then half a cosine down to 1e-6', async () => {
  const { steps, stepsPerEpoch, at } = await schedules('beit_base_pt22k_ft1k')
  equal([steps, stepsPerEpoch], [125_100, 1251])
  const warmup = 20 * 1251
  is(at(0).learningRate, 0)
  is(at(warmup - 1).learningRate, 4e-3)
  is(at(warmup).learningRate, 4e-3)
  // Every third of the way down, cos of 60, 90 and 120 degrees.
  const left = steps - warmup
  for (const [share, cosine] of [
    [1 / 3, 0.5],
    [1 / 2, 0],
    [2 / 3, -0.5],
  ] as const) {
    const expected = 1e-6 + ((4e-3 - 1e-6) / 2) * (1 + cosine)
    near(at(warmup + share * left).learningRate, expected, 1e-12, `${share} of the cosine`)
  }
  const last = at(steps - 1).learningRate
  ok(last > 1e-6 && last < 1e-6 + 1e-9, `${last}`)
  for (let step = 0; step < steps; step += 997) is(at(step).weightDecay, 0.05)

  // The rate of a parameter is the scheduled one by its scale.
  const [first, head] = native().layerDecayScales(
    ['patch_embed.proj.weight', 'head.weight', 'blocks.11.norm1.bias'],
    0.65,
  )
  near((first as number) * at(warmup).learningRate, 4e-3 * 0.65 ** 13, 1e-12, 'patch embedding')
  is((head as number) * at(warmup).learningRate, 4e-3)
})

test('the warm-up of the other recipes is 5 epochs of 50 (large) and of 30', async () => {
  for (const [name, peak, warmup, steps] of [
    ['beit_large_pt22k_ft1k', 1e-3, 5 * 1251, 50 * 1251],
    ['beit_base_pt22k_ft22kto1k', 2e-5, 5 * 2502, 30 * 2502],
  ] as const) {
    const recipe = await schedules(name)
    is(recipe.steps, steps, name)
    near(recipe.at(1).learningRate, peak / (warmup - 1), 1e-12, `${name}: a step of the warm-up`)
    is(recipe.at(warmup - 1).learningRate, peak, name)
    const beyond = recipe.at(warmup + 1).learningRate
    ok(beyond < peak && beyond > peak * 0.9999, `${name}: ${beyond}`)
  }
})

test.run()

async function schedules(name: string) {
  const { options } = await readRecipe(name)
  const settings = { maxSteps: null, warmupSteps: null, weightDecayEnd: null, ...options }
  const length = runLength(IMAGENET_1K, settings as unknown as RunSettings)
  return { ...length, at: optimizerSchedules(settings as unknown as RunSettings, length) }
}
