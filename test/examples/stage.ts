/** What the examples of the documentation find around them: objects by the names they use, and files where they run. */
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeImages } from '../../examples/support/procedural_images.js'
import {
  BeitForImageClassification,
  BeitForMaskedImageModeling,
  ConvDiscreteVae,
  convertCheckpoint,
  exportTrainingCheckpoint,
  ImageFolder,
  type LabelledImages,
  labelled,
  MaskedImageModeling,
  type MicroBatch,
  type PretrainOptions,
  pretrain,
  Tensor,
  type Trainer,
  writeMetrics,
} from '../../lib/index.js'
import { imageFiles, shardsInto } from '../support/image_sets.js'
import { randomDalle } from '../support/random_dalle.js'

export interface Stage {
  /** Images of 32 pixels, 4 x 4 patches, 2 blocks of 3 heads, 16 tokens. */
  model: BeitForMaskedImageModeling
  /** 4 pixels a token, 16 of them. */
  tokenizer: ConvDiscreteVae
  /** Of the six classes of `training`. */
  classifier: BeitForImageClassification
  /** float32 (2, 3, 32, 32) in [0, 1] */
  pixels: Tensor
  /** The same; a tokenizer's view may have another size. */
  tokenPixels: Tensor
  /** bool (2, 16) */
  mask: Tensor
  data: ImageFolder
  training: LabelledImages
  validation: LabelledImages
  trainer: Trainer
  batch: MicroBatch
  /** Of a pre-training of few steps into runs/first. */
  options: PretrainOptions
}

/** The runs that were made, as an example may find them again. */
export const KEPT_RUNS = 'runs-of-the-stage'

/** Makes everything, the files in `folder`, which becomes the working directory. */
export async function makeStage(folder: string): Promise<Stage> {
  process.chdir(folder)
  const architecture = { imageSize: 32, patchSize: 8, hiddenSize: 24, depth: 2, heads: 3 }
  const model = await BeitForMaskedImageModeling.create({ ...architecture, vocabSize: 16 }, { seed: 0 })
  const tokenizer = await ConvDiscreteVae.create({
    ...{ imageSize: 32, layers: 2, vocabSize: 16, codebookDim: 8, hiddenSize: 8, resBlocks: 0, seed: 0 },
  })
  await makeImages('photos/train', { perClass: 4, seed: 0 })
  await makeImages('photos/val', { perClass: 2, seed: 1 })
  const files = await imageFiles(8)
  await writeFile('photos/hen.jpg', files.get('0001.jpg') as Buffer)
  await writeFile('hen.jpg', files.get('0001.jpg') as Buffer)
  await mkdir('shards')
  shardsInto('shards', files, 4)

  const data = await ImageFolder.open('photos/train')
  const training = await labelled(data)
  const { classes } = training
  const validation = await labelled(await ImageFolder.open('photos/val'), { classes })
  const classifier = await BeitForImageClassification.create(architecture, { labels: classes, seed: 0 })
  const length = { epochs: 1, batchSize: 8, warmupEpochs: 0 }
  const options = { model, tokenizer, data, output: 'runs/first', ...length, loaderThreads: 1 }
  for await (const event of writeMetrics(pretrain(options))) void event

  await cp('runs/first', 'runs/second', { recursive: true })
  await cp('runs', KEPT_RUNS, { recursive: true })

  await model.save('beit.safetensors')
  await model.save('beit_base_patch16_224_pt22k.pth')
  await classifier.save('hens.safetensors')
  await tokenizer.save('tokenizer.safetensors')
  await exportTrainingCheckpoint('runs/first', 'checkpoint-799.pth', { args: 'namespace' })
  await writeDalle(folder)

  const trainer = await new MaskedImageModeling({ model, tokenizer: null }).createTrainer({
    ...{ betas: [0.9, 0.999], eps: 1e-8, clipGradient: 3, precision: 'fp32', seed: 0 },
  })
  const numbers = Float32Array.from({ length: 2 * 3 * 32 * 32 }, (_, i) => (i % 97) / 96)
  const pixels = Tensor.from(numbers, [2, 3, 32, 32])
  const mask = Tensor.from(
    Array.from({ length: 32 }, (_, i) => i % 3 === 0),
    [2, 16],
    { dtype: 'bool' },
  )
  const tokens = Tensor.from(new BigInt64Array(32), [2, 16])
  return {
    ...{ model, tokenizer, classifier, pixels, mask, data, training, validation, trainer, options },
    tokenPixels: pixels,
    batch: { pixels, mask, tokens },
  }
}

/** encoder.pkl and decoder.pkl, as DALL-E's are, of few channels. */
async function writeDalle(folder: string): Promise<void> {
  const sizes = { vocabSize: 32, hiddenSize: 8, decoderInputSize: 8, blocksPerGroup: 1, decoder: true }
  using dalle = await randomDalle(sizes, 0)
  const whole = join(folder, 'dalle.pth')
  await dalle.save(whole)
  for (const part of ['encoder', 'decoder'] as const) {
    await convertCheckpoint(whole, `${part}.pkl`, { to: 'unilm', part, format: 'pth' })
  }
}
