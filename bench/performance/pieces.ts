/**
 * What is more than one operation: the tokenizer as a whole, and work that is not done at all (residual branches
 * that drop path leaves out, tokens of the last block that no loss looks at). Both ways in turn.
 */
import {
  BeitForMaskedImageModeling,
  type DalleTokenizer,
  MaskedImageModeling,
  type MicroBatch,
  Tensor,
  type Trainer,
} from 'beit-torch'
import { native } from '../../lib/binding.js'
import { type BeitConfig, type BeitConfigInput, resolveBeitConfig } from '../../lib/models/beit_config.js'
import { median } from '../statistics.js'
import { testImages } from './images.js'
import { table } from './markdown.js'
import type { Part } from './part.js'
import { type Size, TOKEN_PIXELS } from './sizes.js'
import { randomTokenizer } from './tokenizer.js'
import { RECIPE } from './work.js'

/** Seconds of the two ways of one piece. */
export interface PieceResult {
  what: string
  without: number
  with: number
}

/** Runs once, and tells nothing but the time it takes. */
type Run = () => Promise<unknown>

export const pieces: Part<PieceResult[]> = {
  name: 'pieces',
  async run({ size, device, rounds, report }) {
    const results: PieceResult[] = []
    const compare = async (what: string, without: Run, with_: Run) => {
      const result = { what, ...(await inTurn(without, with_, rounds)) }
      report(`${what}: ${(result.without / result.with).toFixed(2)} times as fast`)
      results.push(result)
    }
    await tokenizerPieces(size, device, compare)
    await dropPathPiece(size, device, compare)
    await lastBlockPiece(size, device, compare)
    return results
  },
  markdown(results) {
    const rows = results.map((piece) => [
      piece.what,
      (1000 * piece.without).toFixed(0),
      (1000 * piece.with).toFixed(0),
      `**${(piece.without / piece.with).toFixed(2)}**`,
    ])
    return table([['piece', 'without, ms', 'with, ms', 'times as fast'], ...rows])
  },
}

type Compare = (what: string, without: Run, with_: Run) => Promise<void>

async function inTurn(without: Run, with_: Run, rounds: number): Promise<Omit<PieceResult, 'what'>> {
  const seconds: Record<'without' | 'with', number[]> = { without: [], with: [] }
  // The first round warms both up.
  for (let round = 0; round <= rounds; round++) {
    for (const [way, run] of [
      ['without', without],
      ['with', with_],
    ] as const) {
      const began = performance.now()
      await run()
      if (round > 0) seconds[way].push((performance.now() - began) / 1000)
    }
  }
  return { without: median(seconds.without), with: median(seconds.with) }
}

/** Tokens of the masked places of a batch. */
async function tokenizerPieces(size: Size, device: string, compare: Compare): Promise<void> {
  const side = (size.imageSize / size.patchSize) * TOKEN_PIXELS
  const { pixels } = await testImages(size.batchSize, side)
  using tokenizer = await (await randomTokenizer(size.tokenizer, pixels)).to({ device })
  using images = await pixels.to({ device })
  using rows = await maskedRows(size).to({ device })
  const encode = (precision: 'fp32' | 'bf16', optimize: 'auto' | 'off') => () =>
    tokensOf(tokenizer, images, rows, precision, optimize)
  const what = `tokens of the ${size.masked} masked patches of ${size.batchSize} images`
  await compare(`${what}, fp32: plain, fast`, encode('fp32', 'off'), encode('fp32', 'auto'))
  await compare(`${what}: plain in fp32, fast in bf16`, encode('fp32', 'off'), encode('bf16', 'auto'))
  pixels.dispose()
}

async function tokensOf(
  tokenizer: DalleTokenizer,
  images: Tensor,
  rows: Tensor,
  precision: 'fp32' | 'bf16',
  optimize: 'auto' | 'off',
): Promise<void> {
  const handle = await native().tokenizerEncodeRows(tokenizer.handle, images.handle, rows.handle, {
    precision,
    optimize,
  })
  using tokens = new Tensor(handle)
  // On a GPU the tokens are there when they can be read.
  await tokens.toTypedArray()
}

/** A step whose branches are all computed, and one with the drop path of the recipe. */
async function dropPathPiece(size: Size, device: string, compare: Compare): Promise<void> {
  const all = await stepper(size, { ...configOf(size), dropPath: 0 }, size.masked, device)
  const kept = await stepper(size, { ...configOf(size), dropPath: RECIPE.dropPath }, size.masked, device)
  await compare(
    `model, a step in fp32: all branches, those that a drop path of ${RECIPE.dropPath} keeps`,
    all.step,
    kept.step,
  )
  all.dispose()
  kept.dispose()
}

/** One block and a small vocabulary, so that little but the block itself depends on the masked patches. */
async function lastBlockPiece(size: Size, device: string, compare: Compare): Promise<void> {
  const config: BeitConfigInput = { ...configOf(size), depth: 1, vocabSize: 16, dropPath: 0 }
  const patches = (size.imageSize / size.patchSize) ** 2
  const whole = await stepper(size, config, patches, device)
  const masked = await stepper(size, config, size.masked, device)
  await compare(
    `model of one block, a step in fp32: ${patches} masked patches of ${patches}, ${size.masked}`,
    whole.step,
    masked.step,
  )
  whole.dispose()
  masked.dispose()
}

const configOf = (size: Size): BeitConfig => resolveBeitConfig(size.model)

/** A model with a batch of its own, tokens given. */
async function stepper(
  size: Size,
  config: BeitConfigInput,
  masked: number,
  device: string,
): Promise<{ step: Run; dispose(): void }> {
  const model = await BeitForMaskedImageModeling.create(config, { device, seed: 0 })
  const trainer: Trainer = await new MaskedImageModeling({ model, tokenizer: null }).createTrainer({
    betas: [0.9, 0.999],
    eps: 1e-8,
    clipGradient: RECIPE.clipGradient,
    precision: 'fp32',
    seed: 0,
  })
  const { imageSize, batchSize } = size
  const patches = (imageSize / size.patchSize) ** 2
  const flags = Uint8Array.from({ length: batchSize * patches }, (_, i) => (i % patches < masked ? 1 : 0))
  const ids = BigInt64Array.from({ length: batchSize * patches }, (_, i) => BigInt(i % 16))
  const { pixels } = await testImages(batchSize, imageSize)
  const batch: MicroBatch = {
    pixels: await pixels.to({ device }),
    mask: Tensor.from(flags, [batchSize, patches], { dtype: 'bool' }),
    tokens: Tensor.from(ids, [batchSize, patches]),
  }
  return {
    step: () => trainer.step([batch], { learningRate: RECIPE.learningRate, weightDecay: RECIPE.weightDecay }),
    dispose() {
      trainer.dispose()
      model.dispose()
      for (const tensor of [pixels, batch.pixels, batch.mask, batch.tokens]) tensor?.dispose()
    },
  }
}

/** int64: of the B * N patches the first `masked` of each image. */
function maskedRows({ imageSize, patchSize, batchSize, masked }: Size): Tensor {
  const patches = (imageSize / patchSize) ** 2
  const row = (i: number) => BigInt(Math.floor(i / masked) * patches + (i % masked))
  return Tensor.from(
    BigInt64Array.from({ length: batchSize * masked }, (_, i) => row(i)),
    [batchSize * masked],
  )
}
