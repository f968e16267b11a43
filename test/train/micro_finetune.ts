/** A fine-tuning run small enough for tests: 24 images of 32 pixels in three classes, a BEiT of two blocks. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { ImageFolder } from '../../lib/data/image_folder.js'
import type { LabelRecord } from '../../lib/data/labels.js'
import { BeitForImageClassification } from '../../lib/models/beit_for_image_classification.js'
import type { FinetuneOptions } from '../../lib/train/finetune_options.js'
import { temporary } from '../support/temporary.js'

export const CLASSES = ['across', 'plain', 'upright'] as const

/** How bright class `name` is at (x, y). */
const PATTERNS: Record<(typeof CLASSES)[number], (x: number, y: number) => number> = {
  across: (_x, y) => Math.sin(y),
  plain: () => 0,
  upright: (x) => Math.sin(x),
}

/** Stripes of two directions or none, of many colours: a folder a class, `each` images in every one. */
export async function stripes(each = 8): Promise<ImageFolder> {
  const folder = join(temporary(), 'stripes')
  for (const name of CLASSES) {
    mkdirSync(join(folder, name), { recursive: true })
    for (let i = 0; i < each; i++) {
      const rgb = Buffer.alloc(32 * 32 * 3)
      for (let p = 0; p < rgb.length; p++) {
        const pixel = Math.floor(p / 3)
        const [x, y] = [pixel % 32, Math.floor(pixel / 32)]
        rgb[p] = 128 + 20 * Math.sin(i * (1 + (p % 3))) + 90 * PATTERNS[name](x, y)
      }
      const path = join(folder, name, `${String(i).padStart(2, '0')}.png`)
      await sharp(rgb, { raw: { width: 32, height: 32, channels: 3 } })
        .png()
        .toFile(path)
    }
  }
  return ImageFolder.open(folder)
}

/** A label for each image, made of the name of its folder. */
export const labelsOf = (images: ImageFolder, label: (name: string, index: number) => unknown) =>
  Object.fromEntries(
    Array.from({ length: images.length }, (_, index) => {
      const { key } = images.sample(index)
      return [key, label(key.split('/')[0] as string, index)]
    }),
  ) as LabelRecord

/** 32 pixels, 4 x 4 patches, drop path. */
export function microClassifier(overrides: Parameters<typeof BeitForImageClassification.create>[1] = {}) {
  return BeitForImageClassification.create(
    { imageSize: 32, patchSize: 8, hiddenSize: 24, depth: 2, heads: 2, numClasses: 3, dropPath: 0.2 },
    overrides,
  )
}

/** Options of a run of 10 epochs of 3 steps, with accumulation and every kind of augmentation. */
export async function microFinetune(output: string, data: FinetuneOptions['data']): Promise<FinetuneOptions> {
  return {
    model: await microClassifier(),
    data,
    output,
    epochs: 10,
    batchSize: 4,
    accumulate: 2,
    learningRate: 2e-3,
    warmupEpochs: 1,
    threads: 1,
    loaderThreads: 1,
  }
}

/** Nothing that makes a task harder than it is. */
export const PLAIN = {
  mixup: 0,
  cutmix: 0,
  erasing: 0,
  randAugment: null,
  colorJitter: [0, 0, 0],
  labelSmoothing: 0,
  flipProbability: 0,
} as const
