/** The objective of a discrete VAE: its losses by hand, its relaxation, and the distribution of its noise. */
import { equal, is, not } from 'uvu/assert'
import { scope } from '../../lib/dispose.js'
import {
  DiscreteVaeReconstruction,
  type DiscreteVaeReconstructionOptions,
} from '../../lib/objectives/discrete_vae_reconstruction.js'
import { Tensor } from '../../lib/tensor.js'
import { ConvDiscreteVae } from '../../lib/tokenizers/conv_discrete_vae.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { goldenTokenizer, near, OPTIONS, relativeDifference } from './golden_training.js'

const test = suite('discrete VAE objective')

const QUIET = { learningRate: 0, weightDecay: 0, temperature: 0.9 }

async function trainerOf(
  tokenizer: ConvDiscreteVae,
  options: Partial<DiscreteVaeReconstructionOptions> = {},
) {
  const objective = new DiscreteVaeReconstruction({
    tokenizer,
    imageSize: [32, 32],
    noise: false,
    ...options,
  })
  return objective.createTrainer({ ...OPTIONS, clipGradient: null })
}

/** The mean of `value(target, output)` over all values, in float64. */
const meanOver = (targets: Float32Array, outputs: Float32Array, value: (x: number, y: number) => number) =>
  targets.reduce((sum, x, i) => sum + value(x, outputs[i] as number), 0) / targets.length

test('smooth L1 is quadratic below 1 and linear above', () =>
  scope(async () => {
    const { model, tensors } = await goldenTokenizer()
    const pixels = tensors.get('pixels') as Tensor
    const output = await (tensors.get('noiseless_reconstruction') as Tensor).toFloat32()
    const expected = meanOver(await pixels.toFloat32(), output, (x, y) => {
      const difference = Math.abs(x - y)
      return difference < 1 ? difference ** 2 / 2 : difference - 0.5
    })
    const trainer = await trainerOf(model, { reconstruction: 'smooth-l1' })
    near((await trainer.step([{ pixels }], QUIET)).reconstruction as number, expected, 1e-5, 'smooth L1')
  }))

test('logit-Laplace is the negative log-likelihood of appendix A.3', () =>
  scope(async () => {
    const logScale = 0.3
    // The golden decoder with three more channels: a constant logarithm of the scale.
    const { model, tensors } = await goldenTokenizer(6, async (state) => {
      for (const [name, size, extra] of [
        ['decoder.6.weight', 16, 0],
        ['decoder.6.bias', 1, logScale],
      ] as const) {
        const tensor = state.get(name) as Tensor
        const values = [...(await tensor.toFloat32()), ...new Array(3 * size).fill(extra)]
        state.set(name, Tensor.from(new Float32Array(values), [6, ...tensor.shape.slice(1)]))
      }
    })
    const pixels = tensors.get('pixels') as Tensor
    const mu = await (tensors.get('noiseless_reconstruction') as Tensor).toFloat32()
    const expected = meanOver(await pixels.toFloat32(), mu, (normalised, y) => {
      const x = 0.8 * (normalised / 2 + 0.5) + 0.1
      const logit = Math.log(x / (1 - x))
      return Math.abs(logit - y) / Math.exp(logScale) + Math.log(2 * Math.exp(logScale) * x * (1 - x))
    })
    const trainer = await trainerOf(model, { reconstruction: 'logit-laplace' })
    near((await trainer.step([{ pixels }], QUIET)).reconstruction as number, expected, 1e-5, 'logit-Laplace')
  }))

test('straight-through decodes the hard codes, with a gradient for the encoder', () =>
  scope(async () => {
    const { model, tensors } = await goldenTokenizer()
    const pixels = tensors.get('pixels') as Tensor
    const decoded = await (tensors.get('decoded') as Tensor).toFloat32()
    const expected = meanOver(await pixels.toFloat32(), decoded, (x, y) => (x - y) ** 2)
    const trainer = await trainerOf(model, { straightThrough: true })
    near((await trainer.step([{ pixels }], QUIET)).loss, expected, 1e-5, 'loss of the hard codes')
    const gradient = await ((await trainer.gradients()).get('encoder.0.0.weight') as Tensor).toFloat32()
    is(
      gradient.some((value) => value !== 0),
      true,
    )
  }))

test('uint8 images are those of float32 normalised to [-1, 1]', () =>
  scope(async () => {
    const { model } = await goldenTokenizer()
    const bytes = Uint8Array.from({ length: 3 * 16 * 24 }, (_, i) => (i * 101) % 256)
    const normalised = Float32Array.from(bytes, (value) => (value / 255 - 0.5) / 0.5)
    const trainer = await trainerOf(model)
    const result = await trainer.evaluate(
      { pixels: Tensor.from(bytes, [1, 3, 16, 24]) },
      { temperature: 0.9 },
    )
    const same = await trainer.evaluate(
      { pixels: Tensor.from(normalised, [1, 3, 16, 24]) },
      { temperature: 0.9 },
    )
    near(result.loss, same.loss, 1e-6, 'loss')
    equal(result.tokenCounts, same.tokenCounts)
  }))

test('noise is drawn in training alone, from the seed', () =>
  scope(async () => {
    const { model, tensors } = await goldenTokenizer()
    const batch = { pixels: tensors.get('pixels') as Tensor }
    const losses = async (noise: boolean) => {
      const trainer = await trainerOf(model, { noise })
      return [await trainer.step([batch], QUIET), await trainer.step([batch], QUIET)].map(
        (result) => result.loss,
      )
    }
    const noisy = await losses(true)
    equal(noisy, await losses(true))
    not.equal(noisy[0], noisy[1])
    const quiet = await losses(false)
    is(quiet[0], quiet[1])
    is((await (await trainerOf(model, { noise: true })).evaluate(batch, { temperature: 0.9 })).loss, quiet[0])
  }))

test('hard codes with Gumbel noise are chosen with their probabilities', () =>
  scope(async () => {
    const probability = 0.3
    const trainer = await trainerOf(await coin(probability), { noise: true, straightThrough: true })
    const images = 4
    const batch = { pixels: Tensor.from(new Float32Array(images * 3 * 64 * 64), [images, 3, 64, 64]) }
    const { loss, kl, tokenCounts } = await trainer.step([batch], {
      learningRate: 0,
      weightDecay: 0,
      temperature: 1,
    })
    const positions = 32 * 32
    const deviation = Math.sqrt((probability * (1 - probability)) / (images * positions))
    is(Math.abs(loss - probability) < 4 * deviation, true, `share of code 0: ${loss}`)
    const entropy = -probability * Math.log(probability) - (1 - probability) * Math.log(1 - probability)
    near(kl as number, positions * (Math.log(2) - entropy), 1e-5, 'KL divergence from uniform')
    equal([...tokenCounts], [0n, BigInt(images * positions)])
  }))

test('images and decoders that do not fit are refused', () =>
  scope(async () => {
    const tokenizer = await coin(0.5)
    const trainer = await trainerOf(tokenizer)
    const odd = { pixels: Tensor.from(new Uint8Array(3 * 5 * 4), [1, 3, 5, 4]) }
    const multiples = /^pixels: expected \(B, 3, H, W\) with H and W multiples of 2, got \[1, 3, 5, 4\]$/
    await rejects(trainer.evaluate(odd), 'ERR_SHAPE_MISMATCH', multiples)
    const sixChannels = trainerOf(tokenizer, { reconstruction: 'logit-laplace' })
    await rejects(sixChannels, 'ERR_INVALID_ARGUMENT', /needs a decoder of 6 channels, got 3/)
  }))

test('bf16 stays near fp32', () =>
  scope(async () => {
    const { model, tensors } = await goldenTokenizer()
    const batch = { pixels: tensors.get('pixels') as Tensor }
    const objective = new DiscreteVaeReconstruction({ tokenizer: model, imageSize: [32, 32], noise: false })
    const run = async (precision: 'fp32' | 'bf16') => {
      const trainer = await objective.createTrainer({ ...OPTIONS, clipGradient: null, precision })
      const { loss } = await trainer.step([batch], QUIET)
      return {
        loss,
        gradient: await ((await trainer.gradients()).get('codebook.weight') as Tensor).toFloat32(),
      }
    }
    const [exact, rounded] = [await run('fp32'), await run('bf16')]
    near(rounded.loss, exact.loss, 1e-2, 'loss')
    const error = relativeDifference(rounded.gradient, exact.gradient)
    is(error > 0 && error < 5e-2, true, `gradient differs by ${error}`)
  }))

test.run()

/**
 * A tokenizer of two codes whose logits are the same everywhere: log p and log(1 - p). Its decoder paints
 * code 0 as 1 and code 1 as 0, so the mean squared error to an image of zeros is the share of code 0.
 */
async function coin(p: number): Promise<ConvDiscreteVae> {
  const tokenizer = await ConvDiscreteVae.create({
    imageSize: 64,
    vocabSize: 2,
    codebookDim: 1,
    layers: 1,
    hiddenSize: 1,
    resBlocks: 0,
  })
  const upsample = new Float32Array(16)
  // The middle 2 x 2 of a 4 x 4 kernel of stride 2: each code paints its own 2 x 2 pixels.
  for (const tap of [5, 6, 9, 10]) upsample[tap] = 1
  const weights: Record<string, Float32Array> = {
    'encoder.1.bias': Float32Array.of(Math.log(p), Math.log(1 - p)),
    'codebook.weight': Float32Array.of(1, 0),
    'decoder.0.0.weight': upsample,
    'decoder.1.weight': Float32Array.of(1, 1, 1),
  }
  const state = await tokenizer.stateDict()
  for (const [name, tensor] of state) {
    state.set(name, Tensor.from(weights[name] ?? new Float32Array(tensor.size), tensor.shape))
  }
  await tokenizer.loadStateDict(state)
  return tokenizer
}
