/** The work of a training step that every party does: settings, and the messages of its programs. */

import type { Rates } from './floor.js'

/** What a worker is told in the first line of its stdin. */
export interface Work {
  /** Folder of a model by transformers' names (model.safetensors, config.json). */
  model: string
  /** safetensors file of DALL-E's encoder. */
  tokenizer: string
  /** safetensors file: pixels (B, 3, H, W), token_pixels (B, 3, h, w), mask (B, N). */
  inputs: string
  device: string
  /** 'bf16-all' is the peer's alone: autocast of the tokenizer too. */
  precision: 'fp32' | 'bf16' | 'bf16-all'
  /** Ours. */
  optimize: 'auto' | 'off'
  /** Ours, on a GPU: the step as a CUDA graph. */
  graphs: boolean
  /** The peer's: torch.compile. */
  compile: boolean
  /** The peer's: 'sdpa' or 'eager'. */
  attention: string
  dropPath: number
  learningRate: number
  weightDecay: number
  clipGradient: number
  seed: number
  /** Of one operation; 0: as many as the machine has. */
  threads: number
}

export const RECIPE = {
  device: 'cpu',
  precision: 'fp32',
  optimize: 'auto',
  graphs: false,
  compile: false,
  attention: 'sdpa',
  dropPath: 0.1,
  learningRate: 1.5e-4,
  weightDecay: 0.05,
  clipGradient: 3,
  seed: 0,
  threads: 0,
} as const satisfies Partial<Work>

/** Answers to the commands a worker takes, one a line. */
export interface Answers {
  /** One training step. */
  step: { seconds: number; loss: number }
  /** Seconds of each part of a step. */
  parts: Record<string, number>
  /** Of all patches. */
  tokens: { tokens: number[] }
  /** Ours alone: what the device reaches on large matrix products and on copies (floor.ts). */
  rates: Rates
  /** MiB at their highest so far. */
  peak: { resident: number; device: number }
}
