/** The golden models and batches as a trainer takes them, and comparisons that say what differs. */
import { readFileSync } from 'node:fs'
import { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import { MaskedImageModeling } from '../../lib/objectives/masked_image_modeling.js'
import type { Tensor } from '../../lib/tensor.js'
import { ConvDiscreteVae } from '../../lib/tokenizers/conv_discrete_vae.js'
import type { MicroBatch, Trainer, TrainerOptions } from '../../lib/train/trainer.js'
import { fixture, wholeOrPart } from '../support/golden.js'
import { tensorsOf, under } from '../support/tensors.js'

export const NAMES = ['mim_shared_rel_pos', 'mim_abs_pos_rect'] as const
/** A golden model. */
export type Name = (typeof NAMES)[number]

/** What the manifest says of a golden run. */
export interface Reference {
  losses: number[]
  grad_norm_before_clip: number[]
  masked_accuracy: number[]
  optimizer: { no_decay: string[] }
}

/** What manifest.json says of an entry. */
export const manifest = (name: string) => JSON.parse(readFileSync(fixture('manifest.json'), 'utf8'))[name]

/** The optimizer of the golden runs. */
export const OPTIONS: TrainerOptions = {
  betas: [0.9, 0.999],
  eps: 1e-8,
  clipGradient: 3,
  precision: 'fp32',
  seed: 0,
}
export const SETTINGS = { learningRate: 1.5e-3, weightDecay: 0.05 }

/** A golden model before its first step, with its batches. */
export interface GoldenRun {
  model: BeitForMaskedImageModeling
  /** Of the steps in the file. */
  batches: MicroBatch[]
  /** Everything in the file: of some models the project has the first step alone. */
  tensors: Map<string, Tensor>
  trainer(options?: Partial<TrainerOptions>): Promise<Trainer>
}

/** A golden model; `config` overrides its configuration. */
export async function goldenRun(name: Name, config: { dropPath?: number } = {}): Promise<GoldenRun> {
  const tensors = await tensorsOf(wholeOrPart(`${name}.safetensors`))
  const {
    img_size,
    patch_size,
    embed_dim,
    depth,
    num_heads,
    vocab_size,
    init_values,
    use_abs_pos_emb,
    use_shared_rel_pos_bias,
  } = manifest(name).config
  const model = await BeitForMaskedImageModeling.create({
    imageSize: img_size,
    patchSize: patch_size,
    hiddenSize: embed_dim,
    depth,
    heads: num_heads,
    vocabSize: vocab_size,
    layerScaleInit: init_values,
    absolutePositions: use_abs_pos_emb,
    relativePositions: use_shared_rel_pos_bias ? 'shared' : 'per-block',
    ...config,
  })
  await model.loadStateDict(under('state.', tensors))
  const steps = [0, 1, 2].filter((step) => tensors.has(`step${step}.pixels`))
  const batches = steps.map((step) => ({
    pixels: tensors.get(`step${step}.pixels`) as Tensor,
    mask: tensors.get(`step${step}.mask`) as Tensor,
    tokens: tensors.get(`step${step}.tokens`) as Tensor,
  }))
  const objective = new MaskedImageModeling({ model, tokenizer: null })
  return {
    model,
    batches,
    tensors,
    trainer: (options) => objective.createTrainer({ ...OPTIONS, ...options }),
  }
}

/** The golden convolutional tokenizer; `widen` may change its weights before they are loaded. */
export async function goldenTokenizer(
  outputChannels: 3 | 6 = 3,
  widen: (state: Map<string, Tensor>) => Promise<void> = async () => {},
): Promise<{ model: ConvDiscreteVae; tensors: Map<string, Tensor> }> {
  const tensors = await tensorsOf(wholeOrPart('conv_dvae.safetensors'))
  const { num_tokens, codebook_dim, num_layers, hidden_dim } = manifest('conv_dvae').config
  const model = await ConvDiscreteVae.create({
    vocabSize: num_tokens,
    codebookDim: codebook_dim,
    layers: num_layers,
    hiddenSize: hidden_dim,
    outputChannels,
  })
  const state = under('state.', tensors)
  await widen(state)
  await model.loadStateDict(state)
  return { model, tensors }
}

/** Fails unless |actual - expected| <= tolerance * |expected|. */
export function near(actual: number, expected: number, tolerance: number, what: string): void {
  if (!(Math.abs(actual - expected) <= tolerance * Math.abs(expected))) {
    throw new Error(`${what}: expected ${expected} within ${tolerance}, got ${actual}`)
  }
}

/**
 * Fails unless each expected tensor is there and its difference within `tolerance` of its norm. Of a tensor
 * expected by the name 'NAME[::17]' every 17th number is compared (generate_slim_golden.py).
 */
export async function allNear(
  actual: Map<string, Tensor>,
  expected: Map<string, Tensor>,
  tolerance: number,
): Promise<void> {
  for (const [key, tensor] of expected) {
    const [, name = key, stride = 1] = /^(.*)\[::(\d+)\]$/.exec(key) ?? []
    const found = actual.get(name)
    if (found === undefined) throw new Error(`${name} is missing`)
    const [whole, b] = await Promise.all([found.toFloat32(), tensor.toFloat32()])
    const a = whole.filter((_, i) => i % Number(stride) === 0)
    if (a.length !== b.length) throw new Error(`${name}: expected ${b.length} numbers, got ${a.length}`)
    const error = relativeDifference(a, b)
    if (!(error <= tolerance))
      throw new Error(`${name}: relative difference ${error}, expected at most ${tolerance}`)
  }
}

/** ‖a - b‖ / ‖b‖ */
export function relativeDifference(a: Float32Array, b: Float32Array): number {
  let difference = 0
  let norm = 0
  b.forEach((value, i) => {
    difference += ((a[i] as number) - value) ** 2
    norm += value ** 2
  })
  return difference === 0 ? 0 : Math.sqrt(difference / norm)
}

/** Copies of all numbers, to compare bit by bit. */
export async function snapshot(tensors: Map<string, Tensor>): Promise<Map<string, Uint8Array>> {
  const entries = [...tensors].map(async ([name, tensor]) => {
    const { buffer } = await tensor.toTypedArray()
    return [name, new Uint8Array(buffer)] as const
  })
  return new Map(await Promise.all(entries))
}

/** Names of the tensors whose bits differ. */
export function changed(before: Map<string, Uint8Array>, after: Map<string, Uint8Array>): string[] {
  return [...before]
    .filter(([name, bytes]) => !Buffer.from(bytes).equals(after.get(name) ?? bytes.slice(1)))
    .map(([name]) => name)
}
