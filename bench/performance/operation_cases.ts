/** The operations that have a fast path, at the sizes that a step of the model has them in. */
import { Tensor } from 'beit-torch'
import { resolveBeitConfig } from '../../lib/models/beit_config.js'
import { randomNumbers } from '../../test/support/tensors.js'
import type { Size } from './sizes.js'

export interface Case {
  /** Its name in native/ops/operations.cc. */
  operation: string
  /** For the table. */
  what: string
  tensors(): (Tensor | null)[]
  numbers: Record<string, number>
  precisions: readonly ('fp32' | 'bf16')[]
  /** Forward and backward, else forward alone. */
  backward: boolean
}

/** What a model of this size spends its time on, with what only a GPU has kernels of its own for. */
export function operationCases(size: Size, device: string): Case[] {
  const ofGpu = device.startsWith('cuda') ? gpuCases(size) : []
  return [...tokenizerCases(size), ...modelCases(size, device), optimizerCase(size), ...ofGpu]
}

function gpuCases({ tokenizer, batchSize, imageSize, patchSize, masked }: Size): Case[] {
  const side = (imageSize / patchSize) * 8
  const width = 8 * tokenizer.hiddenSize
  return [
    {
      operation: 'likeliest_codes',
      what: `likeliest of ${tokenizer.vocabSize} codes of ${batchSize * masked} places, ${width} channels`,
      tensors: () => [
        numbers([batchSize * masked, width]),
        numbers([tokenizer.vocabSize, width], 1 / Math.sqrt(width)),
        numbers([tokenizer.vocabSize]),
      ],
      numbers: {},
      precisions: ['fp32', 'bf16'],
      backward: false,
    },
    {
      operation: 'blockwise_masks',
      what: `${batchSize} blockwise masks`,
      tensors: () => [
        Tensor.from(
          BigInt64Array.from({ length: batchSize }, (_, i) => BigInt(i)),
          [batchSize],
        ),
      ],
      numbers: {
        ...{ mode: 0, rows: imageSize / patchSize, columns: imageSize / patchSize, patches: masked },
        ...{ minPatchesPerBlock: 16, maxPatchesPerBlock: masked, minAspect: 0.3, seed: 0, epoch: 0 },
      },
      precisions: ['fp32'],
      backward: false,
    },
    {
      operation: 'standardised_pixels',
      what: `the model's view from bytes, ${batchSize} x 3 x ${imageSize} x ${imageSize}`,
      tensors: () => [
        bytes([batchSize, 3, imageSize, imageSize]),
        numbers([3], 0.5),
        Tensor.from(Float32Array.of(0.229, 0.224, 0.225), [3]),
      ],
      numbers: {},
      precisions: ['fp32', 'bf16'],
      backward: false,
    },
    {
      operation: 'scaled_pixels',
      what: `the tokenizer's view from bytes, ${batchSize} x 3 x ${side} x ${side}`,
      tensors: () => [bytes([batchSize, 3, side, side])],
      numbers: { scale: 0.8, shift: 0.1 },
      precisions: ['fp32', 'bf16'],
      backward: false,
    },
  ]
}

function tokenizerCases({ tokenizer, batchSize, imageSize, patchSize }: Size): Case[] {
  // The second group of the tokenizer: half the side of its view, twice the width of the first.
  const side = ((imageSize / patchSize) * 8) / 2
  const width = 2 * tokenizer.hiddenSize
  const hidden = width / 4
  const shape = `${batchSize} x ${side} x ${side}`
  return [
    {
      operation: 'conv3x3_relu',
      what: `tokenizer: 3x3 convolution and ReLU, ${shape}, ${width} to ${hidden} channels`,
      tensors: () => [
        numbers([batchSize, side, side, width]),
        numbers([hidden, width, 3, 3], 1 / Math.sqrt(9 * width)),
        numbers([hidden]),
      ],
      numbers: { reluInput: 1, scalar: 0 },
      precisions: ['fp32', 'bf16'],
      backward: false,
    },
    {
      operation: 'conv1x1',
      what: `tokenizer: 1x1 convolution and residual, ${shape}, ${hidden} to ${width} channels`,
      tensors: () => [
        numbers([batchSize, side, side, hidden]),
        numbers([width, hidden, 1, 1], 1 / Math.sqrt(hidden)),
        numbers([width]),
        numbers([batchSize, side, side, width]),
      ],
      numbers: { gain: 1 / 64, scalar: 0 },
      precisions: ['fp32', 'bf16'],
      backward: false,
    },
  ]
}

function modelCases({ model, batchSize, imageSize, patchSize, masked }: Size, device: string): Case[] {
  const { hiddenSize, mlpRatio, heads, vocabSize } = resolveBeitConfig(model)
  const tokens = (imageSize / patchSize) ** 2 + 1
  const rows = batchSize * tokens
  const wide = Math.round(hiddenSize * mlpRatio)
  const targets = () =>
    Tensor.from(
      BigInt64Array.from({ length: batchSize * masked }, (_, i) => BigInt((i * 7919) % vocabSize)),
      [batchSize * masked],
    )
  return [
    {
      operation: 'linear',
      what: `linear layer, ${rows} x ${hiddenSize} to ${wide}`,
      tensors: () => [
        numbers([rows, hiddenSize]),
        numbers([wide, hiddenSize], 1 / Math.sqrt(hiddenSize)),
        numbers([wide]),
      ],
      numbers: {},
      precisions: ['fp32', 'bf16'],
      backward: true,
    },
    {
      operation: 'self_attention',
      what: `attention, ${batchSize} x ${tokens} tokens, ${heads} heads of ${hiddenSize / heads}`,
      tensors: () => [numbers([batchSize, tokens, 3 * hiddenSize]), numbers([heads, tokens, tokens])],
      numbers: { heads },
      precisions: ['fp32'],
      backward: true,
    },
    {
      operation: 'masked_attention',
      what: `attention of the ${masked} masked tokens of each image, last block`,
      tensors: () => [
        numbers([batchSize * masked, hiddenSize]),
        numbers([batchSize, tokens, 2 * hiddenSize]),
        numbers([heads, tokens, tokens]),
        rowsOf(batchSize, tokens, masked),
      ],
      numbers: { heads },
      precisions: ['fp32'],
      backward: true,
    },
    {
      operation: 'add_norm',
      what: `residual, LayerScale, drop path and LayerNorm, ${rows} x ${hiddenSize}`,
      tensors: () => [
        numbers([batchSize, tokens, hiddenSize]),
        numbers([batchSize, tokens, hiddenSize]),
        numbers([hiddenSize]),
        null,
        numbers([hiddenSize]),
        numbers([hiddenSize]),
      ],
      numbers: { scale: 1 / 0.9, eps: 1e-6 },
      precisions: ['fp32'],
      backward: true,
    },
    {
      operation: 'cross_entropy',
      what: `cross-entropy of a copy of logits, ${batchSize * masked} x ${vocabSize}`,
      tensors: () => [numbers([batchSize * masked, vocabSize], 4), targets()],
      numbers: {},
      // On a CPU the logits of a step are float32 whatever its precision.
      precisions: device.startsWith('cuda') ? ['fp32', 'bf16'] : ['fp32'],
      backward: true,
    },
    {
      operation: 'linear_cross_entropy',
      what: `head of ${vocabSize} codes and cross-entropy, ${batchSize * masked} rows`,
      tensors: () => [
        numbers([batchSize * masked, hiddenSize]),
        numbers([vocabSize, hiddenSize], 1 / Math.sqrt(hiddenSize)),
        numbers([vocabSize]),
        targets(),
      ],
      numbers: {},
      precisions: ['fp32', 'bf16'],
      backward: true,
    },
  ]
}

/** The parameters of a block. */
function optimizerCase({ model }: Size): Case {
  const { hiddenSize, mlpRatio } = resolveBeitConfig(model)
  const wide = Math.round(hiddenSize * mlpRatio)
  const shapes = [
    [3 * hiddenSize, hiddenSize],
    [hiddenSize, hiddenSize],
    [wide, hiddenSize],
    [hiddenSize, wide],
    ...Array.from({ length: 9 }, () => [hiddenSize]),
    [wide],
  ]
  const count = shapes.reduce((sum, shape) => sum + sizeOf(shape), 0)
  return {
    operation: 'adamw',
    what: `norm of the gradients, clipping and AdamW, ${count} parameters`,
    tensors: () => [
      Tensor.from(Float32Array.of(0), []),
      Tensor.from(Float32Array.of(1), []),
      // The second moment is a square.
      ...shapes.flatMap((shape) => [
        numbers(shape),
        numbers(shape),
        numbers(shape),
        Tensor.from(randomNumbers(sizeOf(shape)), shape),
      ]),
    ],
    numbers: {
      learningRate: 1e-3,
      weightDecay: 0.05,
      beta1: 0.9,
      beta2: 0.98,
      eps: 1e-8,
      maxNorm: 3,
      decay: 1,
    },
    precisions: ['fp32'],
    backward: false,
  }
}

/** int64: the first `count` patches of each image, behind its class token. */
function rowsOf(images: number, tokens: number, count: number): Tensor {
  const row = (i: number) => Math.floor(i / count) * tokens + 1 + (i % count)
  const rows = BigInt64Array.from({ length: images * count }, (_, i) => BigInt(row(i)))
  return Tensor.from(rows, [images * count])
}

/** uint8. */
function bytes(shape: readonly number[]): Tensor {
  return Tensor.from(
    Uint8Array.from(randomNumbers(sizeOf(shape)), (value) => 256 * value),
    shape,
  )
}

/** In -scale to scale. */
function numbers(shape: readonly number[], scale = 1): Tensor {
  return Tensor.from(
    randomNumbers(sizeOf(shape)).map((value) => scale * (2 * value - 1)),
    shape,
  )
}

const sizeOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1)
