/** A run small enough for tests: 26 images of 32 pixels, a BEiT of two blocks, a tokenizer of 32 codes. */
import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import fs from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { listRunCheckpoints, MODEL_FILE, TRAINER_FILE } from '../../lib/checkpoint/run_checkpoint.js'
import { ImageFolder } from '../../lib/data/image_folder.js'
import { scope } from '../../lib/dispose.js'
import { BeitForMaskedImageModeling } from '../../lib/models/beit_for_masked_image_modeling.js'
import { Tensor } from '../../lib/tensor.js'
import type { ConvDiscreteVaeInput } from '../../lib/tokenizers/conv_config.js'
import { ConvDiscreteVae } from '../../lib/tokenizers/conv_discrete_vae.js'
import type { RunEvent } from '../../lib/train/events.js'
import type { PretrainOptions } from '../../lib/train/pretrain_options.js'
import { temporary } from '../support/temporary.js'

/** 24 JPEG and 2 PNG files: stripes of many widths and colours. */
export async function microImages(): Promise<ImageFolder> {
  const folder = join(temporary(), 'images')
  mkdirSync(folder)
  for (let i = 0; i < 26; i++) {
    const [width, height] = [40 + (i % 5), 36 + (i % 7)]
    const rgb = Buffer.alloc(width * height * 3, 0)
    for (let p = 0; p < rgb.length; p++) {
      const x = Math.floor(p / 3) % width
      rgb[p] = 128 + 100 * Math.sin((x * (1 + (i % 4))) / 5 + (p % 3) * i)
    }
    const image = sharp(rgb, { raw: { width, height, channels: 3 } })
    const path = join(folder, `${String(i).padStart(2, '0')}.${i < 24 ? 'jpg' : 'png'}`)
    await (i < 24 ? image.jpeg({ quality: 90 }) : image.png()).toFile(path)
  }
  return ImageFolder.open(folder)
}

/** 32 pixels, 4 x 4 patches, drop path. */
export function microModel(
  overrides: Partial<BeitForMaskedImageModeling['config']> & { seed?: number } = {},
) {
  return BeitForMaskedImageModeling.create(
    { imageSize: 32, patchSize: 8, hiddenSize: 24, depth: 2, heads: 2, vocabSize: 32, dropPath: 0.2 },
    overrides,
  )
}

/** Tokens of 4 pixels: 4 x 4 of them in 16 pixels. Without biases its initial weights tell images apart. */
export async function microTokenizer(overrides: ConvDiscreteVaeInput & { seed?: number } = {}) {
  const tokenizer = await ConvDiscreteVae.create({
    imageSize: 16,
    layers: 2,
    vocabSize: 32,
    codebookDim: 8,
    hiddenSize: 8,
    resBlocks: 1,
    seed: 1,
    ...overrides,
  })
  await scope(async () => {
    const state = await tokenizer.stateDict()
    for (const [name, tensor] of state) {
      if (name.endsWith('.bias')) state.set(name, Tensor.from(new Float32Array(tensor.size), tensor.shape))
    }
    await tokenizer.loadStateDict(state)
  })
  return tokenizer
}

/** Options of a run of 10 epochs of 3 steps, with accumulation. */
export async function microRun(output: string, data: ImageFolder): Promise<PretrainOptions> {
  return {
    model: await microModel(),
    tokenizer: await microTokenizer(),
    data,
    output,
    epochs: 10,
    batchSize: 4,
    accumulate: 2,
    learningRate: 2e-3,
    warmupEpochs: 1,
    weightDecayEnd: 0.1,
    threads: 1,
    loaderThreads: 1,
  }
}

/** All events of a run. */
export async function collect<E extends RunEvent>(run: AsyncIterable<E>): Promise<E[]> {
  const events: E[] = []
  for await (const event of run) events.push(event)
  return events
}

/** SHA-256 of the weights and of the moments and generator in the newest checkpoint of a run folder. */
export async function digests(output: string): Promise<string[]> {
  const { path } = (await listRunCheckpoints(join(output, 'checkpoints'))).at(-1) as { path: string }
  const files = [MODEL_FILE, TRAINER_FILE].map((name) => fs.readFile(join(path, name)))
  return (await Promise.all(files)).map((bytes) => createHash('sha256').update(bytes).digest('hex'))
}

/** Events without what the clock decides. */
export function timeless(events: readonly object[]): object[] {
  return events.map((event) => {
    const { seconds, imagesPerSecond, waiting, ...rest } = event as Record<string, unknown>
    return rest
  })
}
