/** Masked image modelling as an objective: what it needs of a batch, what it reports, and what it refuses. */
import { equal, is, not } from 'uvu/assert'
import { scope } from '../../lib/dispose.js'
import type { BeitErrorCode } from '../../lib/errors.js'
import { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import { DiscreteVaeReconstruction } from '../../lib/objectives/discrete_vae_reconstruction.js'
import { ImageClassification } from '../../lib/objectives/image_classification.js'
import { MaskedImageModeling } from '../../lib/objectives/masked_image_modeling.js'
import { mostFrequentShare, perplexity, usage } from '../../lib/objectives/token_statistics.js'
import { Tensor } from '../../lib/tensor.js'
import { ConvDiscreteVae } from '../../lib/tokenizers/conv_discrete_vae.js'
import type { MicroBatch, TrainerOptions } from '../../lib/train/trainer.js'
import { rejects } from '../support/errors.js'
import { suite } from '../support/suite.js'
import { near, OPTIONS } from './golden_training.js'

const test = suite('objectives')

const VOCABULARY = 16
const MEAN = [0.485, 0.456, 0.406] as const
const STD = [0.229, 0.224, 0.225] as const

/** A small model and tokenizer: images 16 x 24 in patches of 8, tokens of 4 pixels in a view of 8 x 12. */
async function small(config: { vocabSize?: number; dropPath?: number } = {}) {
  const tokenizer = await ConvDiscreteVae.create({
    imageSize: 16,
    vocabSize: VOCABULARY,
    codebookDim: 8,
    layers: 2,
    hiddenSize: 8,
  })
  // Without biases the tokens follow the picture; as initialised they are all the same.
  const state = await tokenizer.stateDict()
  for (const [name, tensor] of state) {
    if (/^encoder.*bias$/.test(name))
      state.set(name, Tensor.from(new Float32Array(tensor.size), tensor.shape))
  }
  await tokenizer.loadStateDict(state)
  const model = await BeitForMaskedImageModeling.create({
    imageSize: [16, 24],
    patchSize: 8,
    hiddenSize: 32,
    depth: 2,
    heads: 2,
    vocabSize: VOCABULARY,
    ...config,
  })
  return { model, tokenizer }
}

/** A batch of two images as the loader makes it. */
function batch(): Required<Pick<MicroBatch, 'pixels'>> & { tokenPixels: Tensor; mask: Tensor } {
  const bytes = (length: number) => Uint8Array.from({ length }, (_, i) => Math.imul(i + 1, 2654435761) >>> 24)
  return {
    pixels: Tensor.from(bytes(2 * 3 * 16 * 24), [2, 3, 16, 24]),
    tokenPixels: Tensor.from(bytes(2 * 3 * 8 * 12), [2, 3, 8, 12]),
    mask: Tensor.from(Uint8Array.of(1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 0, 0), [2, 6], { dtype: 'bool' }),
  }
}

test('the views follow from the model and the tokenizer', () =>
  scope(async () => {
    const { model, tokenizer } = await small()
    equal(new MaskedImageModeling({ model, tokenizer }).views, {
      imageSize: [16, 24],
      tokenImageSize: [8, 12],
      maskGrid: [2, 3],
    })
    is(new MaskedImageModeling({ model, tokenizer: null }).views.tokenImageSize, null)
  }))

test('uint8 images are normalised and tokenised on the way: the loss is that of doing both by hand', () =>
  scope(async () => {
    const { model, tokenizer } = await small()
    const { pixels, tokenPixels, mask } = batch()
    const trainer = await new MaskedImageModeling({ model, tokenizer, mean: MEAN, std: STD }).createTrainer(
      OPTIONS,
    )
    const result = await trainer.evaluate({ pixels, tokenPixels, mask })

    const unit = (await pixels.toFloat32()).map((value) => value / 255)
    const channel = (i: number) => Math.floor(i / (16 * 24)) % 3
    const normalised = unit.map((x, i) => (x - (MEAN[channel(i)] as number)) / (STD[channel(i)] as number))
    const logits = await model.forward(Tensor.from(normalised, pixels.shape), { mask })
    const tokens = await tokenizer.encode(
      Tensor.from(
        (await tokenPixels.toFloat32()).map((x) => x / 255),
        tokenPixels.shape,
      ),
    )
    const { loss, correct, targets } = await crossEntropy(logits, tokens, mask)
    near(result.loss, loss, 1e-5, 'loss')
    is(result.masked, 4)
    is(result.correct, correct)
    is(new Set(targets).size > 2, true, `the targets are varied: ${targets}`)
    for (const target of targets) {
      is(result.tokenCounts[target], BigInt(targets.filter((t) => t === target).length))
    }

    const given = await trainer.evaluate({
      pixels: Tensor.from(normalised, pixels.shape),
      tokens: Tensor.from((await tokens.toTypedArray()) as BigInt64Array, [2, 6]),
      mask,
    })
    near(given.loss, loss, 1e-5, 'loss of normalised pixels and given tokens')
  }))

test('metrics: accuracy and perplexity of the targets', () =>
  scope(async () => {
    const { model, tokenizer } = await small()
    const objective = new MaskedImageModeling({ model, tokenizer })
    const tokenCounts = BigInt64Array.of(2n, 2n, 0n, 4n)
    const result = { loss: 1.5, gradientNorm: 1, finite: true, masked: 8, correct: 2, tokenCounts }
    // Entropy of (1/4, 1/4, 1/2) is 1.5 bit.
    const { perplexity: measured, ...metrics } = objective.metrics(result)
    equal(metrics, { loss: 1.5, accuracy: 0.25, masked: 8 })
    near(measured, 2 ** 1.5, 1e-14, 'perplexity')
  }))

test('token statistics', () => {
  const counts = BigInt64Array.of(1n, 0n, 3n, 0n)
  is(usage(counts), 0.5)
  is(mostFrequentShare(counts), 0.75)
  near(perplexity(counts), 4 / 3 ** 0.75, 1e-14, 'perplexity')
  near(perplexity(new BigInt64Array(8).fill(5n)), 8, 1e-14, 'perplexity of even use')
  is(perplexity(BigInt64Array.of(0n, 7n)), 1)
  is(perplexity(new BigInt64Array(4)), 0)
  is(mostFrequentShare(new BigInt64Array(4)), 0)
})

test('a batch that does not fit is refused with what was expected and got', () =>
  scope(async () => {
    const { model, tokenizer } = await small()
    const trainer = await new MaskedImageModeling({ model, tokenizer }).createTrainer(OPTIONS)
    const zeros = (...shape: number[]) =>
      Tensor.from(new Uint8Array(shape.reduce((product, size) => product * size, 1)), shape)
    const noMask = Tensor.from(new Uint8Array(12), [2, 6], { dtype: 'bool' })
    const tokens = (values: number[]) =>
      Tensor.from(BigInt64Array.from(values, BigInt), [2, values.length / 2])
    const good = batch()
    const cases: [Partial<MicroBatch>, BeitErrorCode, RegExp][] = [
      [
        { pixels: zeros(2, 3, 24, 16) },
        'ERR_SHAPE_MISMATCH',
        /^pixels: expected \(B, 3, 16, 24\), got \[2, 3, 24, 16\]$/,
      ],
      [{ pixels: zeros(0, 3, 16, 24) }, 'ERR_SHAPE_MISMATCH', /^pixels: expected/],
      [
        { pixels: Tensor.from(new Float64Array(2 * 3 * 16 * 24), [2, 3, 16, 24]) },
        'ERR_INVALID_ARGUMENT',
        /^pixels: expected uint8 or float32, got Double$/,
      ],
      [
        { tokenPixels: zeros(2, 3, 16, 24) },
        'ERR_SHAPE_MISMATCH',
        /^tokenPixels: expected \(2, 3, 8, 12\), got/,
      ],
      [
        { tokenPixels: zeros(1, 3, 8, 12) },
        'ERR_SHAPE_MISMATCH',
        /^tokenPixels: expected \(2, 3, 8, 12\), got/,
      ],
      [{ tokenPixels: null }, 'ERR_INVALID_ARGUMENT', /^tokenPixels: this objective needs it, got null$/],
      [{ mask: null }, 'ERR_INVALID_ARGUMENT', /^mask: masked image modelling needs one/],
      [{ mask: zeros(2, 6) }, 'ERR_SHAPE_MISMATCH', /^mask: expected bool \[2, 6\], got Byte \[2, 6\]$/],
      [{ mask: noMask }, 'ERR_INVALID_ARGUMENT', /^mask: no patch of the 2 images is masked/],
      [
        { tokens: tokens([0, 1, 2, 3]) },
        'ERR_SHAPE_MISMATCH',
        /^tokens: expected int64 \[2, 6\], got Long \[2, 2\]$/,
      ],
      [
        { tokens: tokens([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16]) },
        'ERR_INVALID_ARGUMENT',
        /^tokens: expected ids from 0 to 15, got 0 to 16$/,
      ],
    ]
    for (const [change, code, message] of cases) {
      await rejects(
        () => trainer.step([good, { ...good, ...change }], { learningRate: 1, weightDecay: 0 }),
        code,
        message,
      )
      await rejects(() => trainer.evaluate({ ...good, ...change }), code, message)
    }
    await rejects(
      () => trainer.step([], { learningRate: 1, weightDecay: 0 }),
      'ERR_INVALID_ARGUMENT',
      /at least one/,
    )
    const cached = await new MaskedImageModeling({ model, tokenizer: null }).createTrainer(OPTIONS)
    await rejects(() => cached.evaluate(good), 'ERR_INVALID_ARGUMENT', /^tokens: needed/)
  }))

test('a model that does not fit its tokenizer, or is not float32, is refused', () =>
  scope(async () => {
    const { tokenizer } = await small()
    const { model } = await small({ vocabSize: 32 })
    await rejects(
      async () => new MaskedImageModeling({ model, tokenizer }),
      'ERR_SHAPE_MISMATCH',
      /predicts 32 tokens, but the tokenizer has 16/,
    )
    const half = await model.to({ dtype: 'bfloat16' })
    await rejects(
      () => new MaskedImageModeling({ model: half, tokenizer: null }).createTrainer(OPTIONS),
      'ERR_INVALID_ARGUMENT',
      /needs a float32 model, got BFloat16/,
    )
  }))

test('rates that would leave no weight whole are refused, and what is no batch is named', () =>
  scope(async () => {
    const { model, tokenizer } = await small()
    const objective = new MaskedImageModeling({ model, tokenizer })
    for (const [wrong, message] of [
      [{ betas: [0.9, 1] }, /^betas: expected numbers from 0 to below 1, got 1$/],
      [{ eps: NaN }, /^eps: expected a finite number of at least 0, got nan$/],
      [{ clipGradient: -3 }, /^clipGradient: expected a finite number/],
    ] as const) {
      const options = { ...OPTIONS, ...wrong } as TrainerOptions
      await rejects(() => objective.createTrainer(options), 'ERR_INVALID_ARGUMENT', message)
    }
    await rejects(() => objective.createTrainer(undefined as never), 'ERR_INVALID_ARGUMENT', /^options: /)

    const trainer = await objective.createTrainer(OPTIONS)
    const good = batch()
    const refused = (batches: unknown, rates: object, message: RegExp) =>
      rejects(
        () => trainer.step(batches as MicroBatch[], { learningRate: 1e-3, weightDecay: 0, ...rates }),
        'ERR_INVALID_ARGUMENT',
        message,
      )
    const before = await model.stateDict()
    const [name, tensor] = [...before][0] as [string, Tensor]
    const numbers = await tensor.toFloat32()
    await refused(
      [good],
      { learningRate: NaN },
      /^learningRate: expected a finite number of at least 0, got nan/,
    )
    await refused([good], { weightDecay: -1 }, /^weightDecay: /)
    await refused(undefined, {}, /^microBatches must be an array of batches, got undefined/)
    await refused([null], {}, /^a batch must be an object of Tensors, got null/)
    await refused(
      [{ ...good, pixels: new Uint8Array(4) }],
      {},
      /^pixels must be a Tensor \(B, 3, H, W\), got a Uint8/,
    )
    await refused([{ ...good, mask: new Uint8Array(4) }], {}, /^mask must be a Tensor, got a Uint8Array/)
    await rejects(
      () => trainer.load({} as never),
      'ERR_INVALID_ARGUMENT',
      /^state must be a Map of names to T/,
    )
    equal(await tensor.toFloat32(), numbers, name)
    const pending = await trainer.beginStep([good], { learningRate: 1e-3, weightDecay: 0 })
    equal(await pending.result(), await pending.result(), 'asked twice, a step tells the same')
  }))

test('objectives of another model, or with a misspelt option, are refused at once', () =>
  scope(async () => {
    const { model, tokenizer } = await small()
    const refused = (options: object, message: RegExp) =>
      rejects(async () => new MaskedImageModeling(options as never), 'ERR_INVALID_ARGUMENT', message)
    await refused({ model: tokenizer, tokenizer }, /^model must be a BeitForMaskedImageModeling, got a Conv/)
    await refused({ model, tokenizer: model }, /^tokenizer must be an image tokenizer or null, got a Beit/)
    await refused({ model }, /^tokenizer must be an image tokenizer or null, got undefined/)
    await refused({ model, tokenizer, maskedPatch: 2 }, /did you mean 'maskedPatches'\?/)
    const classify = async () => new ImageClassification({ model } as never)
    await rejects(classify, 'ERR_INVALID_ARGUMENT', /^model must be a BeitForImageClassification/)
    const reconstruct = async () => new DiscreteVaeReconstruction({ tokenizer: model } as never)
    await rejects(reconstruct, 'ERR_INVALID_ARGUMENT', /^tokenizer must be a ConvDiscreteVae/)
  }))

test('bf16 stays near fp32, and leaves weights and gradients in float32', () =>
  scope(async () => {
    const run = async (precision: TrainerOptions['precision']) => {
      const { model, tokenizer } = await small()
      const trainer = await new MaskedImageModeling({ model, tokenizer }).createTrainer({
        ...OPTIONS,
        precision,
      })
      const results = []
      for (let i = 0; i < 3; i++)
        results.push(await trainer.step([batch()], { learningRate: 1e-3, weightDecay: 0 }))
      for (const gradient of (await trainer.gradients()).values()) is(gradient.dtype, 'float32')
      return results
    }
    const [exact, rounded] = [await run('fp32'), await run('bf16')]
    exact.forEach((result, step) => {
      const other = rounded[step] as typeof result
      near(other.loss, result.loss, 1e-2, `loss of step ${step}`)
      near(other.gradientNorm, result.gradientNorm, 5e-2, `gradient norm of step ${step}`)
      equal(other.tokenCounts, result.tokenCounts)
    })
    not.equal(exact[0]?.gradientNorm, rounded[0]?.gradientNorm)
  }))

test('the tensors of a batch may be disposed as soon as the step was called', () =>
  scope(async () => {
    const { model, tokenizer } = await small()
    const trainer = await new MaskedImageModeling({ model, tokenizer }).createTrainer(OPTIONS)
    const data = batch()
    const result = trainer.step([data], { learningRate: 1e-3, weightDecay: 0 })
    for (const tensor of Object.values(data)) tensor.dispose()
    is((await result).masked, 4)
    trainer.dispose()
    await rejects(async () => trainer.state(), 'ERR_DISPOSED', /this Trainer was disposed/)
  }))

test.run()

/** Mean cross-entropy over the masked tokens, in float64. */
async function crossEntropy(logits: Tensor, tokens: Tensor, mask: Tensor) {
  const rows = await logits.toFloat32()
  const masked = (await mask.toTypedArray()) as Uint8Array
  const targets = [...((await tokens.toTypedArray()) as BigInt64Array)]
    .map(Number)
    .filter((_, i) => masked[i])
  let loss = 0
  let correct = 0
  targets.forEach((target, i) => {
    const row = [...rows.subarray(i * VOCABULARY, (i + 1) * VOCABULARY)]
    const greatest = Math.max(...row)
    const logSum = greatest + Math.log(row.reduce((sum, x) => sum + Math.exp(x - greatest), 0))
    loss += (logSum - (row[target] as number)) / targets.length
    if (row.indexOf(greatest) === target) correct++
  })
  return { loss, correct, targets }
}
